"""Numbers in text files, read strictly and without regard to the computer's locale.

Whole columns are read at once, because one field alone does not tell whether "1,234" is 1234 (a
spreadsheet's thousands separator) or 1.234 (a decimal comma).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import FloatArray, IntArray

# ASCII digits only, and no more than int64 holds.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_POWER = r"(?:[eE][+-]?[0-9]{1,3})?"
_FLOAT = re.compile(rf"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+){_POWER}|[+-]?(?:nan|inf)")
_MARK = r"[.,' \u00a0\u202f\u2019]"  # what separates thousands somewhere in the world
_LOOSE = re.compile(rf"[+-]?(?:[0-9]|{_MARK})*[0-9][.,]?{_POWER}|[+-]?(?:nan|inf)")
_GROUPED = re.compile(rf"[+-]?[1-9][0-9]{{0,2}}({_MARK})[0-9]{{3}}(?:\1[0-9]{{3}}){{0,4}}")
_UNGROUPED = re.compile(r"[+-]?[0-9]{4,}")
_ZERO_DECIMALS = re.compile(r"([+-]?[0-9]{1,18})[.,]0+")
_EXPONENT = re.compile(r"([+-]?)([0-9])[.,]?([0-9]*)[eE]\+?([0-9]{1,2})")
_LONGEST_SHOWN = 60  # characters


def shown(text: str) -> str:
    """Return `text` as it is quoted in a message: one line, not too long."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "...")


def is_number(text: str) -> bool:
    """Say whether `text` looks like a number in any of the notations that we read."""
    return _LOOSE.fullmatch(text.strip().casefold()) is not None


def integers(fields: Sequence[str], display: str, line_numbers: Sequence[int]) -> IntArray:
    """Return a column of whole numbers.

    Thousands separators, decimals that are all zero, and powers of ten that show every digit
    (``9.35703178E+08``) are understood; ``1E+05`` is not, since a spreadsheet has rounded it.

    Parameters
    ----------
    fields
        The column, top to bottom.
    display
        The file's name in messages.
    line_numbers
        The line of each field.

    Returns
    -------
    ndarray of int64, shape (len(fields),)

    Raises
    ------
    RecordingError
        Where a field is not a whole number; names file, line and text.
    """
    if all(map(_INTEGER.fullmatch, fields)):
        return np.array([int(field) for field in fields], dtype=np.int64)
    decimals = [_ZERO_DECIMALS.fullmatch(field) for field in fields]
    if all(decimals):
        if all(map(_GROUPED.fullmatch, fields)):
            raise _wrong(fields[0], "digits only", display, line_numbers[0])  # 1,000: 1000 or 1?
        return np.array([int(match[1]) for match in decimals if match], dtype=np.int64)
    may_be_grouped = not any(map(_UNGROUPED.fullmatch, fields))
    values = np.empty(len(fields), dtype=np.int64)
    for place, field in enumerate(fields):
        value = _integer(field, may_be_grouped)
        if value is None:
            raise _wrong(field, "a whole number", display, line_numbers[place])
        values[place] = value
    return values


def _integer(field: str, may_be_grouped: bool) -> int | None:
    if _INTEGER.fullmatch(field):
        return int(field)
    if may_be_grouped and _GROUPED.fullmatch(field):
        return int(re.sub(_MARK, "", field))
    power = _EXPONENT.fullmatch(field)
    if power:
        sign, first, rest, exponent = power.groups()
        n_digits = int(exponent)
        whole, fraction = rest[:n_digits], rest[n_digits:]
        if len(whole) == n_digits <= 17 and not fraction.strip("0"):
            return int(sign + first + whole)
    return None


def floats(
    fields: Sequence[str],
    display: str,
    line_numbers: Sequence[int],
    has_decimal_comma: bool = False,
) -> FloatArray:
    """Return a column of numbers.

    Parameters
    ----------
    fields, display, line_numbers
        As for `integers`.
    has_decimal_comma
        Whether a comma may stand for the decimal point, as it may where it does not separate the
        fields. Where it does, a comma inside a quoted field is a decimal comma only if no field
        of the column could be a number with thousands separators.

    Returns
    -------
    ndarray of float64, shape (len(fields),)

    Raises
    ------
    RecordingError
        Where a field is not a number; names file, line and text.
    """
    lower = [field.casefold() for field in fields]
    if not all(map(_FLOAT.fullmatch, lower)):
        if not has_decimal_comma:
            has_decimal_comma = not any("," in f and _GROUPED.fullmatch(f) for f in lower)
        if has_decimal_comma:
            lower = [_with_point(field) for field in lower]
        for place, field in enumerate(lower):
            if not _FLOAT.fullmatch(field):
                raise _wrong(fields[place], "a number", display, line_numbers[place])
    return np.array([float(field) for field in lower], dtype=np.float64)


def _with_point(field: str) -> str:
    # A point beside a comma would be a thousands separator: left alone, so that it is refused.
    return field.replace(",", ".") if field.count(",") == 1 and "." not in field else field


def _wrong(field: str, expected: str, display: str, line_number: int) -> RecordingError:
    return RecordingError(
        f"{display}, line {line_number}: expected {expected}, found {shown(field)}; restore the "
        "original file or mend the line in a copy."
    )
