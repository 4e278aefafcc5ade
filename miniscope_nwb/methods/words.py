"""Small words: numbers, durations and lists as a paper writes them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

from miniscope_nwb.recording import Json

_AGE = re.compile(r"P(\d+(?:\.\d+)?)([DWMY])")
_UNITS = {"D": "day", "W": "week", "M": "month", "Y": "year"}
_SEXES = {"F": "female", "M": "male"}


def number(value: float, digits: int = 2) -> str:
    """Write a number with so many decimals at most, without zeros at its end."""
    text = f"{value:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def count(n: int, what: str) -> str:
    """Write a number of things: ``1 frame``, ``2 frames``."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def were(n: int) -> str:
    """Return the verb for so many things."""
    return "was" if n == 1 else "were"


def listed(items: Sequence[str]) -> str:
    """Write a list: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def duration(seconds: float) -> str:
    """Write a duration in the units that people use."""
    if seconds < 60:
        return f"{number(seconds, 1)} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{value} {unit}" for value, unit in parts if value)


def sex(code: str) -> str:
    """Write NWB's code for the sex; ``""`` where it tells none."""
    return _SEXES.get(code, "")


def age(text: str) -> str:
    """Write an ISO 8601 age as people say it; as it stands where it is no plain one."""
    found = _AGE.fullmatch(text)
    if found is None:
        return text
    value = float(found[1])
    return f"{value:g} {_UNITS[found[2]]}" + ("" if value == 1 else "s")


def value(of: Json) -> str:
    """Write the value of a parameter."""
    if isinstance(of, float):
        return f"{of:.6g}" if math.isfinite(of) else "undefined"
    return of if isinstance(of, str) else json.dumps(of, ensure_ascii=False)
