"""What reconciling one device has found so far: problems, repairs, and whether to stop.

`convert` stops at the first problem that needs a decision; `inspect` collects them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from miniscope_nwb.errors import MismatchError
from miniscope_nwb.recording import IntArray, Problem, Repair, Severity

# Runs of frames that a message spells out before it only counts the others.
MAX_RUNS_SPELLED = 3


@dataclass(slots=True)
class Findings:
    """Problems and repairs of one device, in the order in which they were found."""

    device: str
    source: str  # the stamp file, relative to the session root
    collects: bool = False  # errors are collected instead of raised
    problems: list[Problem] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)

    def stop(self, code: str, message: str, *, file: str | None = None) -> None:
        """Raise a `MismatchError`, or note the error and let the caller do its best."""
        if not self.collects:
            raise MismatchError(f"{self.device}: {message}")
        self._add_problem("error", code, message, file)

    def warn(self, code: str, message: str, *, file: str | None = None) -> None:
        """Note something that was mended or kept as it is."""
        self._add_problem("warning", code, message, file)

    def repair(
        self,
        rule: str,
        frames: Iterable[int],
        *,
        recorded_s: Iterable[float] | None = None,
        used_s: Iterable[float] | None = None,
    ) -> None:
        """List one repair a frame; NaN where nothing was recorded, or nothing is stored."""
        frames = [int(frame) for frame in frames]
        nothing = [float("nan")] * len(frames)
        recorded = nothing if recorded_s is None else [float(time) for time in recorded_s]
        used = nothing if used_s is None else [float(time) for time in used_s]
        self.repairs.extend(
            Repair(self.device, frame, before, after, rule)
            for frame, before, after in zip(frames, recorded, used, strict=True)
        )

    def _add_problem(self, severity: Severity, code: str, message: str, file: str | None) -> None:
        self.problems.append(
            Problem(
                severity=severity,
                code=code,
                message=f"{self.device}: {message}",
                file=self.source if file is None else file,
                device=self.device,
            )
        )


def spell_frames(frames: IntArray | Sequence[int]) -> str:
    """Say which frames, as runs: "frame 7", "frames 3 to 12, 15 and 2 more runs".

    Parameters
    ----------
    frames
        0-based indices of saved frames, ascending, at least one.
    """
    index = np.asarray(frames, dtype=np.int64)
    edges = [0, *(np.flatnonzero(np.diff(index) != 1) + 1), len(index)]
    runs = list(pairwise(edges[: MAX_RUNS_SPELLED + 1]))
    texts = [
        str(index[start]) if stop == start + 1 else f"{index[start]} to {index[stop - 1]}"
        for start, stop in runs
    ]
    n_more = len(edges) - 1 - len(texts)
    word = "frame" if len(index) == 1 else "frames"
    if n_more:
        return f"{word} {', '.join(texts)} and {n_more} more runs"
    if len(texts) > 1:
        return f"{word} {', '.join(texts[:-1])} and {texts[-1]}"
    return f"{word} {texts[0]}"


def count(number: int, thing: str) -> str:
    """Say "1 frame", "2 frames"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
