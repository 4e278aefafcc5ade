"""start-time_<n>.csv of ONIX: when the context started, and the rate of its clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from miniscope_nwb.convert.readers import numerals
from miniscope_nwb.convert.readers.iso_time import is_iso_time, parse_iso_time
from miniscope_nwb.convert.readers.text import read_rows
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import Json, Problem, Setting

TIME = "Timestamp"
RATE = "AcquisitionClockHz"
NAMES = (TIME, RATE, "BlockReadSize", "BlockWriteSize")
_LONGEST_INTEGER = 18  # digits; HDF5 tables hold 64 bits


@dataclass(frozen=True, slots=True)
class OnixStart:
    """What the file says. The moment is that of tick 0 of the clock; None where it is unclear."""

    moment: datetime | None  # naive where no zone is written
    clock_hz: float
    settings: tuple[Setting, ...]
    problems: tuple[Problem, ...]


def read_start(path: Path, *, relative_path: str) -> OnixStart:
    """Read a start-time file, with a header (official workflow) or without (ACE-NeuroTools).

    Raises
    ------
    RecordingError
        Where there is not exactly one row, or the clock's rate is no positive number.
    """
    # Not by the first field being a number, which the time is not either.
    table = read_rows(path, display=relative_path, has_header=False, newlines=("\n", "\r\n"))
    rows = [[_clean(field) for field in row] for row in table.rows]
    header = rows.pop(0) if rows and not is_iso_time(rows[0][0]) else list(NAMES)
    if len(rows) != 1:
        raise RecordingError(
            f"{relative_path}: expected one row with {', '.join(NAMES)}, found {len(rows)}; "
            "restore the original file."
        )
    names = _names(header, len(rows[0]))
    values = dict(zip(names, rows[0], strict=True))
    problems = [
        Problem("warning", "mended_text", f"{relative_path}: {remark}.", relative_path)
        for remark in table.remarks
    ]
    moment = parse_iso_time(values[TIME])
    if moment is None:
        message = (
            f"{relative_path}: expected date and time in the column {TIME}, found "
            f"{numerals.shown(values[TIME])}; give the start with --start-time."
        )
        problems.append(Problem("warning", "bad_start_time", message, relative_path))
    rate = _rate(values.get(RATE, ""), relative_path)
    settings = tuple(Setting("", n, _value(v), relative_path) for n, v in values.items())
    return OnixStart(moment, rate, settings, tuple(problems))


def _names(header: list[str], n_columns: int) -> list[str]:
    """Name the columns; what Bonsai puts before a name ("Item1.Timestamp") does not matter."""
    known = {name.casefold(): name for name in NAMES}
    names = [known.get(h.rsplit(".", 1)[-1].casefold(), h) for h in header[:n_columns]]
    if TIME not in names or RATE not in names:
        names = list(NAMES[:n_columns])
    for place in range(n_columns):
        if place >= len(names):
            names.append(f"column {place + 1}")
        elif not names[place] or names[place] in names[:place]:
            names[place] = f"column {place + 1}"
    return names


def _rate(text: str, relative_path: str) -> float:
    try:
        grouped = "," in text and text.count(",") + text.count(".") > 1  # by thousands: 250,000,000
        read = numerals.integers if grouped else numerals.floats
        rate = float(read([text], relative_path, [1])[0])
    except RecordingError:
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise RecordingError(
            f"{relative_path}: expected the rate of the clock in Hz as {RATE}, found "
            f"{numerals.shown(text)}, so no frame has a time; restore the original file."
        )
    return rate


def _value(text: str) -> Json:
    digits = text.removeprefix("-")
    is_integer = digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_INTEGER
    return int(text) if is_integer and str(int(text)) == text else text


def _clean(text: str) -> str:
    return text.replace("\0", "\ufffd")  # no HDF5 text holds a NUL
