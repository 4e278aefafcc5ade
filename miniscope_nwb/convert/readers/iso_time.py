"""Times as .NET programs (Bonsai, ONIX) write them: ISO 8601 with seven decimals."""

from __future__ import annotations

import re
from datetime import datetime

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII
)


def is_iso_time(text: str) -> bool:
    """Say whether `text` is date and time in ISO 8601, with or without a zone."""
    return _ISO.fullmatch(text.strip()) is not None


def parse_iso_time(text: str) -> datetime | None:
    """Return the moment that `text` names, to the microsecond; None where it names none.

    The result is naive where no zone is written.
    """
    if not is_iso_time(text):
        return None
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:  # 30 February
        return None


def has_time_first(text: str) -> bool:
    """Say whether the first field of a table is a moment, so that the table has no header."""
    line = text.lstrip("\ufeff \n").split("\n", maxsplit=1)[0]
    return is_iso_time(re.split("[\t;,]", line, maxsplit=1)[0].strip("\"' "))
