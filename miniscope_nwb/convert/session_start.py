"""When the recording started, with its time zone: from the user, the YAML, or the raw data."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from miniscope_nwb.convert.user_metadata import UserMetadata
from miniscope_nwb.convert.zones import parse_moment, parse_zone
from miniscope_nwb.errors import MetadataError, RecordingError
from miniscope_nwb.recording import Problem, Recording, StartTime
from miniscope_nwb.session import ConvertOptions


def resolve_start(recording: Recording, user: UserMetadata, options: ConvertOptions) -> StartTime:
    """Find the start of one recording, with a time zone.

    ``--start-time`` wins over the YAML, the YAML over what was recorded. A zone that stands in the
    time itself stays; a time without one gets that of ``--timezone``, else of the YAML, else of
    the recording, else of the converting machine, which is then marked as assumed.

    Raises
    ------
    RecordingError
        If nothing tells when the recording started, or what was recorded cannot be true.
    MetadataError
        If what the user says of start or zone cannot be read or cannot be true.
    """
    start, _ = find_start(recording, user, options)
    return start


def find_start(
    recording: Recording, user: UserMetadata, options: ConvertOptions
) -> tuple[StartTime, tuple[Problem, ...]]:
    """Do as `resolve_start`, and tell what had to be assumed."""
    _zone(user, options)  # a wrong one is an error even where it is not needed
    start = _naive_or_aware(recording, user, options)
    value = start.value
    if value is None:
        raise RecordingError(
            f"{recording.root} does not tell when it was recorded: give --start-time, for example "
            "--start-time 2026-03-02T14:05:07 (and --timezone), or session_start_time in the YAML."
        )
    if not 1970 <= value.year <= 9998:  # 9999 has no room for a zone
        why = "before 1970" if value.year < 1970 else "in the future"
        raise _impossible(start, value, recording, why)
    if value.tzinfo is not None:
        found: tuple[StartTime, tuple[Problem, ...]] = (start, ())
    else:
        found = _add_zone(start, value, user, options, recording.start.value)
    settled = found[0].value
    assert settled is not None  # both branches give a time
    if settled.year < 1970 or settled.astimezone(UTC).year < 1970:
        raise _impossible(start, settled, recording, "before 1970")
    if settled > datetime.now(UTC):
        raise _impossible(start, settled, recording, "in the future")
    return found


def _naive_or_aware(recording: Recording, user: UserMetadata, options: ConvertOptions) -> StartTime:
    if options.start_time is not None:
        try:
            value = parse_moment(options.start_time, needs_time=True)
        except ValueError:
            raise MetadataError(
                f"--start-time is {options.start_time}, but must be date and time such as "
                "2026-03-02T14:05:07 or 2026-03-02T14:05:07+01:00."
            ) from None
        return StartTime(value=value, source="--start-time", is_assumed=False)
    given = user.session.get("session_start_time")
    if given is not None:
        value = parse_moment(str(given.value), needs_time=True)
        return StartTime(value=value, source=given.file, is_assumed=False)
    return recording.start


def _add_zone(
    start: StartTime,
    value: datetime,
    user: UserMetadata,
    options: ConvertOptions,
    recorded: datetime | None,
) -> tuple[StartTime, tuple[Problem, ...]]:
    zone, source = _zone(user, options)
    if zone is None and recorded is not None and recorded.tzinfo is not None:
        zone, source = recorded.tzinfo, "the recording"
    if zone is None:
        local = value.astimezone()  # a naive time is taken as the machine's own
        problem = Problem(
            severity="warning",
            code="assumed_timezone",
            message=f"The start {value.isoformat(sep=' ')} ({start.source}) has no time zone; that "
            f"of this machine, UTC{local:%z}, is assumed: give --timezone to be sure.",
        )
        where = f"{start.source}; time zone of the converting machine"
        return StartTime(value=local, source=where, is_assumed=True), (problem, *_twice(local))
    aware = value.replace(tzinfo=zone)
    settled = StartTime(
        value=aware, source=f"{start.source}; time zone from {source}", is_assumed=start.is_assumed
    )
    return settled, _twice(aware)


def _zone(user: UserMetadata, options: ConvertOptions) -> tuple[tzinfo | None, str]:
    if options.timezone is not None:
        try:
            return parse_zone(options.timezone), "--timezone"
        except ValueError as error:
            raise MetadataError(f"--timezone: {error}") from None
    given = user.session.get("timezone")
    if given is not None:
        return parse_zone(str(given.value)), given.file
    return None, ""


def _twice(start: datetime) -> tuple[Problem, ...]:
    """Warn of the hour that the end of summer time repeats, and of the one that its start skips."""
    if start.utcoffset() == start.replace(fold=1).utcoffset():
        return ()
    message = (
        f"The clock time {start:%Y-%m-%d %H:%M:%S} is one that the change of summer time repeats "
        f"or skips; UTC{start:%z} is taken: give --start-time with an offset to be sure."
    )
    return (Problem(severity="warning", code="ambiguous_start", message=message),)


def _impossible(
    start: StartTime, value: datetime, recording: Recording, why: str
) -> MetadataError | RecordingError:
    if start is not recording.start:
        return MetadataError(
            f"{start.source} says that the recording started {value.isoformat(sep=' ')}, which is "
            f"{why}; correct the time or its zone."
        )
    return RecordingError(
        f"{recording.root} started {value.isoformat(sep=' ')} by its {start.source}, which is "
        f"{why}: the clock of the acquisition computer, or the assumed time zone, was wrong; give "
        "the true one with --start-time or --timezone."
    )
