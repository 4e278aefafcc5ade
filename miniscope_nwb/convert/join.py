"""Several recordings of one animal and one plane become the segments of one file.

Time zero of the file is the earliest start; every later recording is moved by the difference of
the starts, so that the gaps between the recordings are visible in the time stamps.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import Device, Problem, Recording, Timeline
from miniscope_nwb.session import Segment

# Settings that place a scope's imaging plane in the tissue and on the sensor.
PLANE_SETTINGS = ("ewl", "ROI.leftEdge", "ROI.topEdge")


def shift_clock(recording: Recording, shift_s: float) -> Recording:
    """Move everything but the frames of a recording by `shift_s` seconds.

    Frames are moved with the repair of their own device; head orientation, notes, setting changes
    and intervals share the session's clock and follow it here.
    """
    if shift_s == 0:
        return recording
    return replace(
        recording,
        samples=tuple(replace(item, time_s=item.time_s + shift_s) for item in recording.samples),
        notes=tuple(replace(note, time_s=note.time_s + shift_s) for note in recording.notes),
        setting_changes=tuple(
            replace(change, time_s=change.time_s + shift_s) for change in recording.setting_changes
        ),
        intervals=tuple(
            replace(item, start_s=item.start_s + shift_s, stop_s=item.stop_s + shift_s)
            for item in recording.intervals
        ),
    )


def join_segments(
    segments: Sequence[Segment], starts: Sequence[datetime | None]
) -> tuple[Path, tuple[Segment, ...]]:
    """Put recordings on one clock and their paths below one root.

    Parameters
    ----------
    segments
        One a recording, each on its own clock.
    starts
        Start of each recording, with time zone.

    Returns
    -------
    root
        The folder that holds all recordings.
    segments
        In order of their starts; `offset_s` and the timelines count from the earliest start.

    Raises
    ------
    RecordingError
        If a start is unknown, the recordings overlap, or a scope's frame size, type or plane
        differs between them.
    """
    timed = []
    for segment, start in zip(segments, starts, strict=True):
        if start is None:
            raise RecordingError(
                f"{segment.recording.root} does not tell when it started, so it cannot be joined; "
                "convert it alone with --start-time."
            )
        timed.append((start, segment))
    timed.sort(key=lambda pair: pair[0])
    _refuse_other_planes([segment.recording for _, segment in timed])
    root = Path(os.path.commonpath([segment.recording.root for _, segment in timed]))
    joined = tuple(
        _place(segment, (start - timed[0][0]).total_seconds(), root) for start, segment in timed
    )
    _refuse_overlap(joined)
    return root, joined


def _place(segment: Segment, offset_s: float, root: Path) -> Segment:
    prefix = segment.recording.root.relative_to(root).as_posix()
    return Segment(
        recording=_rebase(segment.recording, prefix),
        timelines={
            name: _move(timeline, offset_s, prefix) for name, timeline in segment.timelines.items()
        },
        offset_s=offset_s,
    )


def _move(timeline: Timeline, offset_s: float, prefix: str) -> Timeline:
    """Move stored times; what was recorded stays as it was recorded."""
    return replace(
        timeline,
        problems=_say_where(timeline.problems, prefix),
        time_s=timeline.time_s + offset_s,
        repairs=tuple(replace(r, used_s=r.used_s + offset_s) for r in timeline.repairs),
        lost=tuple(
            replace(span, start_s=span.start_s + offset_s, stop_s=span.stop_s + offset_s)
            for span in timeline.lost
        ),
    )


def _rebase(recording: Recording, prefix: str) -> Recording:
    """Make all relative paths of a recording start with `prefix`."""
    if prefix == ".":
        return recording

    def below(path: str) -> str:
        return f"{prefix}/{path}" if path else path

    devices = tuple(
        replace(
            device,
            folder=prefix if device.folder == "." else below(device.folder),
            parts=tuple(
                replace(part, relative_path=below(part.relative_path)) for part in device.parts
            ),
            stamps=device.stamps and replace(device.stamps, source=below(device.stamps.source)),
        )
        for device in recording.devices
    )
    return replace(
        recording,
        devices=devices,
        settings=tuple(replace(item, source=below(item.source)) for item in recording.settings),
        samples=tuple(replace(item, source=below(item.source)) for item in recording.samples),
        intervals=tuple(replace(item, source=below(item.source)) for item in recording.intervals),
        source_files=tuple(
            replace(item, relative_path=below(item.relative_path))
            for item in recording.source_files
        ),
        problems=_say_where(recording.problems, prefix),
    )


def _say_where(problems: Sequence[Problem], prefix: str) -> tuple[Problem, ...]:
    """Let every problem begin with the recording that it is about."""
    if prefix == ".":
        return tuple(problems)
    return tuple(
        replace(
            problem,
            message=f"{prefix}: {problem.message}",
            file=f"{prefix}/{problem.file}" if problem.file else "",
        )
        for problem in problems
    )


def _refuse_other_planes(recordings: Sequence[Recording]) -> None:
    """Frames of one series have one size, one scope and one plane."""
    first: dict[str, tuple[Recording, Device]] = {}
    for recording in recordings:
        for device in recording.devices:
            other_recording, other = first.setdefault(device.name, (recording, device))
            ours, theirs = _plane(recording, device), _plane(other_recording, other)
            for what in ours.keys() & theirs.keys():
                if ours[what] != theirs[what]:
                    raise RecordingError(
                        f"{recording.root} cannot be joined to {other_recording.root}: the "
                        f"{what} of {device.name} is {ours[what]} there and {theirs[what]} here; "
                        "convert them without --join."
                    )


def _plane(recording: Recording, device: Device) -> dict[str, object]:
    plane: dict[str, object] = {"role": device.role}
    parts = [part for part in device.parts if part.n_frames > 0]
    if parts:
        plane["frame size"] = f"{parts[0].width}x{parts[0].height}"
        plane["pixel format"] = "16 bit" if parts[0].pixel_format == "gray16" else "8 bit"
    if device.device_type:
        plane["device type"] = device.device_type
    if device.role == "scope":
        for setting in recording.settings:
            if setting.device == device.name and setting.key in PLANE_SETTINGS:
                plane[f"setting {setting.key}"] = setting.value
    return plane


def _refuse_overlap(segments: Sequence[Segment]) -> None:
    for before, after in itertools.pairwise(segments):
        ends = [float(t.time_s.max()) for t in before.timelines.values() if t.n_frames]
        begins = [float(t.time_s.min()) for t in after.timelines.values() if t.n_frames]
        if ends and begins and min(begins) < max(ends):
            raise RecordingError(
                f"{_say_which(before)} ends {max(ends) - min(begins):.3f} s after "
                f"{_say_which(after)} begins, so the two overlap and cannot be joined; "
                "convert them without --join."
            )


def _say_which(segment: Segment) -> str:
    """Name a recording; several may stand in one folder."""
    label = segment.recording.label
    return f"{segment.recording.root}, recording {label}," if label else str(segment.recording.root)
