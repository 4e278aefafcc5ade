"""When a recording of Miniscope-DAQ-QT-Software started, with its time zone where that is known.

The session's metadata hold the local wall-clock fields and milliseconds since 1970 in UTC: their
difference is the exact offset from UTC at that moment.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from miniscope_nwb.convert.readers.v4_metadata import Metadata
from miniscope_nwb.recording import Json, Problem, StartTime

FIELDS = ("year", "month", "day", "hour", "minute", "second")
_QUARTER = timedelta(minutes=15)  # every zone in use is a multiple of it
_LONGEST_OFFSET = timedelta(hours=14)
_SLACK = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1)
_DATE = re.compile(r"(\d{4})_(\d\d?)_(\d\d?)")
_TIME = re.compile(r"(\d\d?)_(\d\d?)_(\d\d?)")
_DATE_AND_TIME = re.compile(r"(\d{4})_(\d\d)_(\d\d)[ _T-](\d\d)_(\d\d)_(\d\d)")
_V3_DATE = re.compile(r"(\d\d?)_(\d\d?)_(\d{4}|\d\d)")
_V3_TIME = re.compile(r"H(\d\d?)_M(\d\d?)_S(\d\d?)", re.IGNORECASE)
_LEVELS = 6  # how far up the folders' names are looked at


def find_start(metadata: Metadata | None, folder: Path) -> tuple[StartTime, tuple[Problem, ...]]:
    """Return the start of a session.

    Parameters
    ----------
    metadata
        The session's metaData.json, or None where there is none.
    folder
        The session folder, whose name tells the start where the metadata do not.

    Returns
    -------
    start
        With a fixed offset from UTC where the metadata tell it, else naive (local time of the
        acquisition computer), else None.
    problems
        What does not fit together.
    """
    problems: tuple[Problem, ...] = ()
    if metadata is not None:
        start, problems = _from_metadata(metadata)
        if start is not None:
            return start, problems
    named = start_from_names(folder)
    if named is not None:
        return StartTime(named, "folder name", is_assumed=True), problems
    return StartTime(None, "not recorded", is_assumed=True), problems


def _from_metadata(metadata: Metadata) -> tuple[StartTime | None, tuple[Problem, ...]]:
    nested = metadata.values.get("recordingStartTime")
    values = nested if isinstance(nested, dict) else metadata.values
    where = "recordingStartTime." if values is nested else ""
    source = f"{metadata.relative_path} ({where}"
    local, utc = _local(values), _utc(values)
    if local is None and utc is None:
        if any(key in values for key in (*FIELDS, "msecSinceEpoch")):
            message = (
                f"{metadata.relative_path}: the start time in it makes no sense and is not used."
            )
            return None, (_warning(message, metadata),)
        return None, ()
    if utc is None:
        return StartTime(local, f"{source}year to msec)", is_assumed=False), ()
    if local is None:
        return StartTime(utc.replace(tzinfo=UTC), f"{source}msecSinceEpoch)", is_assumed=False), ()
    offset = _QUARTER * round((local - utc) / _QUARTER)
    if abs(local - utc - offset) > _SLACK or abs(offset) > _LONGEST_OFFSET:
        message = (
            f"{metadata.relative_path}: local start {local:%Y-%m-%d %H:%M:%S} and msecSinceEpoch "
            f"({utc:%Y-%m-%d %H:%M:%S} UTC) are not one time zone apart; the local time is used."
        )
        return StartTime(local, f"{source}year to msec)", is_assumed=False), (
            _warning(message, metadata),
        )
    start = utc.replace(tzinfo=UTC).astimezone(timezone(offset))
    return StartTime(start, f"{source}msecSinceEpoch)", is_assumed=False), ()


def _warning(message: str, metadata: Metadata) -> Problem:
    return Problem("warning", "odd_start_time", message, file=metadata.relative_path)


def _whole(value: Json) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if float(value).is_integer() else None


def _local(values: dict[str, Json]) -> datetime | None:
    found = [_whole(values.get(key)) for key in FIELDS]
    if found[3] is None:
        found[3] = _whole(values.get("hr"))  # a fork's name
    milliseconds = _whole(values.get("msec")) or 0
    numbers = [value for value in found if value is not None]
    if len(numbers) < len(FIELDS) or not 0 <= milliseconds < 1000:
        return None
    return _datetime(*numbers, milliseconds * 1000)


def _utc(values: dict[str, Json]) -> datetime | None:
    """Return the moment in UTC, without a zone."""
    milliseconds = _whole(values.get("msecSinceEpoch"))
    if milliseconds is None or milliseconds <= 0:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def start_from_names(folder: Path) -> datetime | None:
    """Return the naive local start that the names of a folder and those above it tell.

    ``2021_06_03/14_59_32`` (also with folders between), ``2021_06_03_14_59_32``, and the older
    software's ``6_3_2021/H14_M59_S32``.
    """
    path = folder.absolute()
    names = [part.name for part in (path, *path.parents)[:_LEVELS]]
    for name in names[:2]:
        both = _DATE_AND_TIME.fullmatch(name)
        if both:
            return _datetime(*(int(text) for text in both.groups()))
    return _pair(names, _TIME, _DATE, (0, 1, 2)) or _pair(names, _V3_TIME, _V3_DATE, (2, 0, 1))


def _pair(
    names: list[str], time: re.Pattern[str], date: re.Pattern[str], order: tuple[int, int, int]
) -> datetime | None:
    times = [match for name in names[:2] if (match := time.fullmatch(name))]
    dates = [match for name in names if (match := date.fullmatch(name))]
    if not times or not dates:
        return None
    year, month, day = (int(dates[0].groups()[place]) for place in order)
    clock = (int(text) for text in times[0].groups())
    return _datetime(year + 2000 if year < 100 else year, month, day, *clock)


def _datetime(*fields: int) -> datetime | None:
    year, month, day, hour, minute, second = fields[:6]
    microsecond = fields[6] if len(fields) > 6 else 0
    try:
        return datetime(year, month, day, hour, minute, second, microsecond)
    except (ValueError, OverflowError):
        return None
