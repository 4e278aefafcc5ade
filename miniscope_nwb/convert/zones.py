"""Dates, times and time zones as people write them."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?", re.IGNORECASE)
_HAS_TIME = re.compile(r"[T ][0-9]{2}")
MAX_OFFSET = timedelta(hours=14)  # Kiribati


def parse_zone(text: str) -> tzinfo:
    """Read a time zone: a name (``Europe/Berlin``), ``UTC``, or an offset (``+02:00``).

    Raises
    ------
    ValueError
        With a clause that names the nearest zones.
    """
    wanted = text.strip()
    if wanted.upper() in ("UTC", "Z", "GMT"):
        return UTC
    match = _OFFSET.fullmatch(wanted)
    if match:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        if offset > MAX_OFFSET or int(match[3] or 0) > 59:
            raise ValueError(f"{text} is no offset from UTC that is in use (-12:00 to +14:00).")
        return timezone(offset if match[1] == "+" else -offset)
    names = _zone_names()
    name = names.get(wanted.casefold().replace(" ", "_"))
    if name is None:
        near = _near(wanted, names)
        hint = f"did you mean {near}?" if near else "write it like Europe/Berlin, UTC or +02:00."
        raise ValueError(f"there is no time zone {text}; {hint}")
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"the data of the time zone {text} cannot be read here.") from None


def parse_moment(text: str, *, needs_time: bool = False) -> datetime:
    """Read an ISO 8601 date, with or without time of day and zone.

    Raises
    ------
    ValueError
        If it is none, or has no time of day where that is needed.
    """
    # YAML also allows a space before the zone: "2026-03-02 14:05:07 +01:00".
    tidy = re.sub(r"(?<=[0-9])\s+(?=[+-][0-9]|Z$)", "", text.strip())
    if not tidy.isascii() or (needs_time and not _HAS_TIME.search(tidy)):
        raise ValueError(f"{text} is not date and time")
    return datetime.fromisoformat(tidy)


@lru_cache(maxsize=1)
def _zone_names() -> dict[str, str]:
    return {name.casefold(): name for name in zoneinfo.available_timezones()}


def _near(wanted: str, names: dict[str, str]) -> str:
    """Name up to three zones that look like the wanted one, or like its city."""
    folded = wanted.casefold().replace(" ", "_")
    cities = [key for key in names if key.rpartition("/")[2] == folded.rpartition("/")[2]]
    similar = difflib.get_close_matches(folded, names, n=3, cutoff=0.7)
    found = list(dict.fromkeys([*sorted(cities), *similar]))[:3]
    return " or ".join(names[key] for key in found)
