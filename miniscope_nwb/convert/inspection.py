"""What a raw folder holds, with every problem, without writing anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from miniscope_nwb.convert import detect, reconcile, timing
from miniscope_nwb.convert.folder import LEFT_OUT, read_recordings
from miniscope_nwb.convert.metadata_devices import warn_of_nominal_sizes
from miniscope_nwb.convert.readers.base import Match
from miniscope_nwb.convert.session_start import find_start
from miniscope_nwb.convert.user_metadata import UserMetadata
from miniscope_nwb.errors import MiniscopeError, RecordingError
from miniscope_nwb.recording import DeviceTiming, Problem, ReadOptions, Recording, Timeline
from miniscope_nwb.session import ConvertOptions
from miniscope_nwb.video.decode import read_frames


@dataclass(frozen=True, slots=True)
class Inspection:
    """One recording as found: devices, clocks and problems.

    ``problems`` of severity ``error`` are those that would stop `convert`; ``matches`` are what
    every reader said of the session folder, and why.
    """

    recording: Recording
    timelines: dict[str, Timeline]
    timing: tuple[DeviceTiming, ...]
    problems: tuple[Problem, ...]
    matches: tuple[Match, ...] = ()

    @property
    def is_convertible(self) -> bool:
        """Whether `convert` would go through with its default choices."""
        return all(problem.severity != "error" for problem in self.problems)


def inspect_folder(raw: Path, options: ReadOptions | None = None) -> list[Inspection]:
    """Read every recording in or below a folder and look at its clocks.

    Raises
    ------
    DetectionError
        If no reader, or more than one, recognises the folder.
    RecordingError
        If a recording cannot be read at all.
    """
    return [_inspect(item) for item in read_recordings(raw, options or ReadOptions())]


def _inspect(recording: Recording) -> Inspection:
    timelines = reconcile.reconcile_recording(
        recording, on_mismatch="stop", stamps="strict", collect=True
    )
    told = {problem.device for problem in recording.problems if problem.code in LEFT_OUT}
    clocks = [p for t in timelines.values() for p in t.problems]
    found = [*recording.problems]
    # The reader has said already that videos or stamps are missing.
    found += [p for p in clocks if not (p.device in told and p.code in {"no_frames", "no_stamps"})]
    found += [*_check_start(recording), *_check_colour(recording)]
    found += warn_of_nominal_sizes([recording])
    return Inspection(
        recording=recording,
        timelines=timelines,
        timing=timing.time_report(recording.devices, timelines),
        problems=tuple(dict.fromkeys(found)),
        matches=tuple(detect.explain(recording.root)),
    )


def _check_start(recording: Recording) -> list[Problem]:
    """Say what `convert` would assume of the start, or that it needs to be told."""
    try:
        return list(find_start(recording, UserMetadata(), ConvertOptions())[1])
    except MiniscopeError as error:
        return [Problem("error", "unclear_start", str(error))]


def _check_colour(recording: Recording) -> list[Problem]:
    """Look at one frame of every miniscope whose videos could be in colour."""
    found = []
    for device in recording.scopes:
        part = next((part for part in device.parts if part.n_frames), None)
        if part is None or part.pixel_format not in ("bgr24", "yuv"):
            continue
        try:
            next(iter(read_frames(part, 0, 1)))
        except RecordingError as error:
            message = str(error)
            found.append(Problem("error", "colour_video", message, part.relative_path, device.name))
    return found
