"""How `process` grows with cells, frames, pixels and threads: ours alone.

    python -m benchmarks.scaling [--work DIR] [--only cells|frames|pixels|threads]

Each row is one run of the command on a moderate movie, in a process of its own. The exponent is the
slope of CPU seconds against the quantity, both in logarithms: 1 is linear. Frames beyond the first
2000 repeat the movie (`benchmarks/long_file.py`).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common import Run, measure
from benchmarks.long_file import repeat_movie
from benchmarks.process import LOOK_S, make_case

CELLS = (50, 100, 200, 400, 1000)
FRAMES = (1000, 3000, 9000, 27000, 72000)
SIDES = (200, 400, 600, 1000)
SEED = 7


@dataclass(frozen=True)
class Point:
    """One run: what was varied, how many frames of how many pixels, and what it took."""

    value: int
    n_frames: int
    side: int
    run: Run


def by_cells(work: Path) -> Iterator[Point]:
    """Vary the number of planted cells in one field."""
    for cells in CELLS:
        case = make_case(
            work, level="moderate", width=600, height=600, frames=600, cells=cells, seed=SEED
        )
        yield Point(cells, 600, 600, run(case.nwb, work))


def by_frames(work: Path) -> Iterator[Point]:
    """Vary the length of a recording."""
    case = make_case(work, level="moderate", width=200, height=200, frames=2000, seed=SEED)
    for n_frames in FRAMES:
        path = work / "longer.nwb"
        repeat_movie(case.nwb, path, n_frames)
        yield Point(n_frames, n_frames, 200, run(path, work))
        path.unlink()


def by_pixels(work: Path) -> Iterator[Point]:
    """Vary the field; cells are as dense in each."""
    for side in SIDES:
        case = make_case(work, level="moderate", width=side, height=side, frames=600, seed=SEED)
        yield Point(side**2, 600, side, run(case.nwb, work))


def by_threads(work: Path) -> Iterator[Point]:
    """Vary the number of threads; their exponent is of no use, the ratio of wall seconds is."""
    case = make_case(work, level="moderate", width=600, height=600, frames=2000, seed=SEED)
    for threads in (1, 2):
        yield Point(threads, 2000, 600, run(case.nwb, work, "--threads", str(threads)))


VARIED = {"cells": by_cells, "frames": by_frames, "pixels": by_pixels, "threads": by_threads}


def run(nwb: Path, work: Path, *options: str) -> Run:
    """Process a copy of a file, measured."""
    copy, scratch = work / "copy.nwb", work / "scratch"
    shutil.copyfile(nwb, copy)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    measured = measure(
        [sys.executable, "-m", "miniscope_nwb", "process", str(copy), "--engine", "builtin",
         "--scratch", str(scratch), "--quiet", *options],
        scratch=scratch, every_s=LOOK_S, with_mapped=False,
    )  # fmt: skip
    copy.unlink()
    return measured


def exponent(points: list[Point]) -> float:
    """Return the slope of CPU seconds against what was varied, in logarithms."""
    values = np.log([point.value for point in points])
    return float(np.polyfit(values, np.log([point.run.cpu_s for point in points]), 1)[0])


def line(point: Point) -> str:
    """Return a row of the table."""
    taken, raw = point.run, point.n_frames * point.side**2
    return (
        f"| {point.value} | {point.n_frames / taken.wall_s:.1f} | {taken.wall_s:.1f} "
        f"| {taken.cpu_s:.1f} | {1e3 * taken.cpu_s / point.n_frames:.1f} "
        f"| {taken.peak_held / 1e6:.0f} | {taken.peak_scratch / raw:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder for recordings")
    parser.add_argument("--only", action="append", choices=VARIED, help="vary only this")
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp(prefix="miniscope-nwb-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    for name in given.only or VARIED:
        print(
            f"\n| {name} | frames/s | wall s | CPU s | CPU ms a frame | memory MB | scratch/raw |"
        )
        print("|---|---|---|---|---|---|---|", flush=True)
        points = []
        for point in VARIED[name](work):
            points.append(point)
            print(line(point), flush=True)
        if name == "threads":
            print(f"\ntwo threads over one: {points[0].run.wall_s / points[1].run.wall_s:.2f}")
        else:
            print(f"\nCPU seconds grow with {name} to the power {exponent(points):.2f}")


if __name__ == "__main__":
    main()
