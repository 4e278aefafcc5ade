"""What a device of Miniscope-DAQ-QT-Software says twice, compared: videos against metadata."""

from __future__ import annotations

from pathlib import Path

from miniscope_nwb.convert.readers import video_checks
from miniscope_nwb.convert.readers.v4_metadata import Metadata
from miniscope_nwb.recording import Device, Problem

STALE_S = 3600.0  # how much longer than the recording metadata may be older than its stamps


def check_videos(device: Device, metadata: Metadata | None) -> tuple[Problem, ...]:
    """Compare a device's videos with each other and with its metadata.

    A change of the frame size is an error, all else a note or a warning. The number of frames a
    file is compared where stamps and frames are joined.
    """
    return (*video_checks.check_videos(device), *_check_codec(device, metadata))


def _check_codec(device: Device, metadata: Metadata | None) -> list[Problem]:
    coded = [part for part in device.parts if part.fourcc]
    found = list(dict.fromkeys(part.fourcc.strip().upper() for part in coded))
    claimed = metadata.text("compression").strip().upper() if metadata is not None else ""
    problems = []
    if found and claimed not in ("", "NONE") and found != [claimed]:
        message = (
            f"{device.folder}: metaData.json says that the videos are {claimed}, they are "
            f"{' and '.join(found)}; the videos are right."
        )
        problems.append(Problem("note", "other_codec", message, device.folder, device.name))
    return problems


def check_age(metadata: Metadata | None, stamps_path: Path, device: Device) -> tuple[Problem, ...]:
    """Warn of a metaData.json that is older than the recording it lies beside.

    The software keeps an existing metaData.json where it overwrites time stamps and videos, so
    the settings may be those of an earlier recording in the same folder.
    """
    if metadata is None or device.stamps is None or not stamps_path.is_file():
        return ()
    length_s = float(device.stamps.time_s[-1] - device.stamps.time_s[0])
    age_s = stamps_path.stat().st_mtime - metadata.path.stat().st_mtime
    if age_s <= max(length_s, 0.0) + STALE_S:
        return ()
    message = (
        f"{metadata.relative_path} was written {age_s / STALE_S:.1f} hours before "
        f"{stamps_path.name} of {device.name}: its start time and settings may be those of an "
        "earlier recording."
    )
    return (Problem("warning", "stale_metadata", message, metadata.relative_path, device.name),)
