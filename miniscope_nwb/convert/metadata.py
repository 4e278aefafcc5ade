"""Session, subject and devices of the NWB file: the user's YAML over what the raw files say.

`load_yaml_files` reads what the user says, `resolve` puts it over the recordings and tells which
file won each key, what had to be assumed, and what DANDI still needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from miniscope_nwb.convert import names
from miniscope_nwb.convert.metadata_devices import missing_of_scopes, resolve_devices
from miniscope_nwb.convert.plausible import judge_weight
from miniscope_nwb.convert.session_start import find_start, resolve_start
from miniscope_nwb.convert.user_metadata import Given, UserMetadata, load_yaml_files
from miniscope_nwb.convert.yaml_text import printable
from miniscope_nwb.errors import MetadataError, RecordingError
from miniscope_nwb.recording import Problem, Recording, StartTime
from miniscope_nwb.session import ConvertOptions, SessionInfo, SubjectInfo

__all__ = ["UserMetadata", "load_yaml_files", "raw_source", "resolve", "resolve_start"]

# How the keys begin under which acquisition software records what fills a YAML key.
RECORDED_KEYS = {
    "subject.subject_id": ("animal", "subject", "mouse"),
    "session.experimenter": ("researcher", "experimenter", "user"),
    "session.experiment_description": ("experiment",),
}
# YAML keys of the session that are not simply fields of `SessionInfo`.
_START_KEYS = ("session_start_time", "timezone")


def resolve(
    recordings: Sequence[Recording], user: UserMetadata, options: ConvertOptions
) -> SessionInfo:
    """Resolve the metadata of one NWB file.

    Parameters
    ----------
    recordings
        What the file is made of; several only with ``--join``.
    user
        The YAML files.
    options
        ``start_time`` and ``timezone`` are looked at.

    Raises
    ------
    RecordingError
        If the start is unknown or cannot be, or joined recordings are of different subjects.
    MetadataError
        If the YAML contradicts the recordings.
    """
    start, problems = _earliest_start(recordings, user, options)
    assert start.value is not None  # a start without value has been refused
    subject_id, subject_problems = _recorded_subject(recordings, user)
    devices, winners, device_problems = resolve_devices(recordings, user)
    values: dict[str, Any] = {
        "session_id": names.session_id(start.value),
        "session_description": _session_description(recordings),
        "experimenter": _distinct(recordings, lambda recording: recording.experimenter),
        "experiment_description": "; ".join(
            _distinct(recordings, lambda recording: recording.experiment_description)
        ),
    }
    values |= {key: given.value for key, given in user.session.items() if key not in _START_KEYS}
    subject = _subject(subject_id, user, start.value)
    session = SessionInfo(
        start=start.value,
        start_source=start.source,
        start_is_assumed=start.is_assumed,
        subject=subject,
        devices=devices,
        problems=(*problems, *subject_problems, *device_problems),
        **values,
    )
    return replace(
        session,
        winners={**_winners(session, recordings, user, options), **winners},
        missing=(*_missing_of_subject(subject), *missing_of_scopes(devices)),
    )


def raw_source(recording: Recording, key: str) -> str:
    """Say where a recording holds what fills a YAML key: ``animalName in metaData.json``."""
    for setting in recording.settings:
        name = setting.key.rpartition(".")[2]
        is_wanted = name.casefold().startswith(RECORDED_KEYS.get(key, ()))
        if not setting.device and is_wanted and setting.value not in ("", None):
            return f"{name} in {setting.source}"
    return f"the raw recording ({recording.format})"


def _earliest_start(
    recordings: Sequence[Recording], user: UserMetadata, options: ConvertOptions
) -> tuple[StartTime, tuple[Problem, ...]]:
    given = user.session.get("session_start_time")
    if len(recordings) > 1 and (given is not None or options.start_time is not None):
        where = "--start-time" if options.start_time is not None or given is None else given.where
        raise MetadataError(
            f"{where}: {len(recordings)} recordings are joined, and one start can be true of only "
            "one of them; delete it, or convert their folders one by one."
        )
    found = [find_start(recording, user, options) for recording in recordings]
    first, _ = min(found, key=lambda item: item[0].value or datetime.max.replace(tzinfo=UTC))
    problems = dict.fromkeys(problem for _, several in found for problem in several)
    return first, tuple(problems)


def _distinct(recordings: Sequence[Recording], text: Callable[[Recording], str]) -> tuple[str, ...]:
    """List what the recordings say, each once; what is empty is absent."""
    texts = (printable(text(recording)).strip() for recording in recordings)
    return tuple(dict.fromkeys(item for item in texts if item))


def _recorded_subject(
    recordings: Sequence[Recording], user: UserMetadata
) -> tuple[str, tuple[Problem, ...]]:
    """Take the subject that was recorded; only the YAML may bring two names together."""
    recorded = _distinct(recordings, lambda recording: recording.subject_id)
    given = user.subject.get("subject_id")
    if len(recorded) > 1:
        listed = " and ".join(recorded)
        if given is None:
            raise RecordingError(
                f"The recordings to be joined are of different subjects ({listed}): convert them "
                "without --join, or give the true subject_id in the YAML if they are one animal."
            )
        message = f"Recordings of {listed} are joined as one subject, as {given.where} says."
        return "", (Problem(severity="warning", code="joined_subjects", message=message),)
    if not recorded:
        return "", ()
    subject_id = names.path_part(recorded[0])
    if given is not None:
        return "", _another_subject(recordings[0], recorded[0], given)
    if subject_id == recorded[0]:
        return subject_id, ()
    message = (
        f"The recorded subject {recorded[0]!r} is stored as {subject_id!r}, because DANDI makes a "
        "path of it; give subject_id in the YAML for another."
    )
    return subject_id, (Problem(severity="warning", code="subject_id", message=message),)


def _another_subject(recording: Recording, recorded: str, given: Given) -> tuple[Problem, ...]:
    """Say where the YAML names another animal than the recording: it may be of another session."""
    if given.value in (recorded, names.path_part(recorded)):
        return ()
    message = (
        f"{given.where} says that the subject is {given.value!r}, the recording that it is "
        f"{recorded!r} ({raw_source(recording, 'subject.subject_id')}): the file is of "
        f"{given.value!r}; if that is wrong, correct or empty subject_id there and convert again."
    )
    return (Problem(severity="warning", code="another_subject", message=message),)


def _subject(subject_id: str, user: UserMetadata, start: datetime) -> SubjectInfo:
    # SUBJECT's keys are fields of SubjectInfo, and its parsers give the fields' types.
    values: dict[str, Any] = {"subject_id": subject_id}
    values |= {key: given.value for key, given in user.subject.items()}
    given = user.subject.get("date_of_birth")
    if given is not None:
        birth = values["date_of_birth"]
        if isinstance(birth, date) and not isinstance(birth, datetime):
            birth = datetime(birth.year, birth.month, birth.day)  # midnight where it was recorded
        birth = birth if birth.tzinfo else birth.replace(tzinfo=start.tzinfo)
        values["date_of_birth"] = birth
        if birth > start:
            raise MetadataError(
                f"{given.where}: subject.date_of_birth is {birth:%Y-%m-%d}, after the recording of "
                f"{start:%Y-%m-%d}."
            )
    subject = SubjectInfo(**values)
    wrong, is_impossible = judge_weight(subject.weight, subject.species)
    if is_impossible:
        raise MetadataError(f"{user.subject['weight'].where}: subject.weight is {wrong}.")
    return subject


def _session_description(recordings: Sequence[Recording]) -> str:
    scopes = {device.name for recording in recordings for device in recording.scopes}
    cameras = {device.name for recording in recordings for device in recording.cameras}
    what = [_count(len(scopes), "miniscope")] if scopes else []
    what += [_count(len(cameras), "behaviour camera")] if cameras else []
    software = "; ".join(_distinct(recordings, lambda recording: recording.software))
    many = f"{len(recordings)} joined recordings" if len(recordings) > 1 else "Recording"
    made = f", made with {software}" if software else ""
    return f"{many} of {' and '.join(what) or 'a miniscope'}{made}."


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("s" if number != 1 else "")


def _missing_of_subject(subject: SubjectInfo) -> tuple[str, ...]:
    missing = [
        f"subject.{key}" for key in ("subject_id", "species", "sex") if not getattr(subject, key)
    ]
    if not subject.age and subject.date_of_birth is None:
        missing.append("subject.age")
    return tuple(missing)


def _winners(
    session: SessionInfo,
    recordings: Sequence[Recording],
    user: UserMetadata,
    options: ConvertOptions,
) -> dict[str, str]:
    """Say for every key that has a value where the value comes from."""
    filled: Mapping[str, bool] = {
        "subject.subject_id": bool(session.subject.subject_id),
        "session.experimenter": bool(session.experimenter),
        "session.experiment_description": bool(session.experiment_description),
    }
    winners = {
        key: raw_source(recordings[0], key) for key, is_filled in filled.items() if is_filled
    }
    winners |= {f"session.{key}": given.file for key, given in user.session.items()}
    winners |= {f"subject.{key}": given.file for key, given in user.subject.items()}
    winners["session.session_start_time"] = session.start_source
    if options.timezone is not None:
        winners["session.timezone"] = "--timezone"
    return winners
