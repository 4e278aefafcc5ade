"""What a raw folder holds, with every problem, without writing anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from miniscope_nwb.convert import detect, reconcile, timing
from miniscope_nwb.convert.folder import read_recordings
from miniscope_nwb.convert.readers.base import Match
from miniscope_nwb.recording import DeviceTiming, Problem, ReadOptions, Recording, Timeline


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
    found = [*recording.problems, *(p for t in timelines.values() for p in t.problems)]
    return Inspection(
        recording=recording,
        timelines=timelines,
        timing=timing.time_report(recording.devices, timelines),
        problems=tuple(dict.fromkeys(found)),
        matches=tuple(detect.explain(recording.root)),
    )
