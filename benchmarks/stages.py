"""Single stages against CaImAn's, frames in memory, one core each, in one run.

    python -m benchmarks.stages --caiman-python PYTHON [--width 600] [--height 600] [--frames 500]

Rigid and piecewise-rigid motion are estimated **and** applied to every frame; CaImAn reads the
frames from an uncompressed file and writes the corrected movie to its memory map, as its pipeline
does.
The correlation and peak-to-noise images are made of all frames on both sides. Every stage runs in
a process of its own, after a small movie that loads and compiles what it needs; CPU seconds of one
thread are compared, and ours are run with two threads besides.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import measure

STAGES = ("rigid", "piecewise", "images")
SCRIPT = Path(__file__).with_name("caiman_stages.py")
# Rarely, and not at mapped files: looks at gigabytes of them would take the second core.
_LOOKS: dict[str, Any] = {"every_s": 0.5, "with_mapped": False}
_WARM = (slice(120), slice(160), slice(160))  # of the movie that goes first


def ours(movie: Path, stage: str, n_threads: int) -> None:
    """Run one of our stages and print its seconds; the process of `measure`."""
    frames = np.load(movie)
    _run(frames[_WARM], stage, n_threads)
    began = time.perf_counter(), time.process_time()
    _run(frames, stage, n_threads)
    ended = time.perf_counter(), time.process_time()
    print(json.dumps({"wall_s": ended[0] - began[0], "cpu_s": ended[1] - began[1]}))


def _run(frames: np.ndarray, stage: str, n_threads: int) -> None:
    from miniscope_nwb.correct.movie import CorrectedMovie
    from miniscope_nwb.correct.stage import estimate_motion
    from miniscope_nwb.movie import ArrayMovie, map_in_order, regular_clock
    from miniscope_nwb.testing.jobs import motion_job, resources

    movie = ArrayMovie(frames, regular_clock(len(frames), rate_hz=20.0))
    with tempfile.TemporaryDirectory() as folder:
        place = resources(Path(folder), n_threads=n_threads)
        if stage == "images":
            _images(movie, place)
            return
        motion = estimate_motion(motion_job(movie, method=stage), place)
        corrected = CorrectedMovie(movie, motion)

        def read(span: tuple[int, int]) -> float:
            return float(corrected.read(*span)[0, 0, 0])

        for _ in map_in_order(read, corrected.blocks(), n_threads=n_threads):
            pass


def _images(movie: Any, place: Any) -> None:
    from miniscope_nwb.images.filtering import center_surround_kernel
    from miniscope_nwb.images.sampled import sampled_images
    from miniscope_nwb.testing.jobs import CELL_DIAMETER_PX

    sampled_images(
        movie,
        np.ones(movie.n_frames, np.bool_),
        center_surround_kernel(CELL_DIAMETER_PX),
        n_frames=movie.n_frames,
        resources=place,
    )


def make_movie(work: Path, *, width: int, height: int, n_frames: int) -> Path:
    """Draw a movie that moves and bends, once."""
    path = work / f"nonrigid_{width}x{height}x{n_frames}.npy"
    if not path.exists():
        from miniscope_nwb.testing.jobs import simulated_movie

        made = simulated_movie(
            level="nonrigid", width=width, height=height, frames=n_frames, seed=1
        )
        np.save(path, made.frames)
    return path


def compare(movie: Path, stage: str, work: Path, *, caiman_python: str) -> str:
    """Return one row of the table."""
    mine = [
        measure(
            [sys.executable, "-m", "benchmarks.stages", "--ours", stage, str(movie), str(threads)],
            **_LOOKS,
        )
        for threads in (1, 2)
    ]
    one, two = (json.loads(run.output.splitlines()[-1]) for run in mine)
    n_frames = len(np.load(movie, mmap_mode="r"))
    row = f"| {stage} | {1e3 * one['cpu_s'] / n_frames:.2f} | {one['wall_s'] / two['wall_s']:.2f} "
    row += f"| {mine[0].peak_held / 1e6:.0f} "
    if not caiman_python:
        return row + "| | | |"
    folder = Path(tempfile.mkdtemp(dir=work))
    run = measure([caiman_python, str(SCRIPT), str(movie), str(folder), stage], **_LOOKS)
    subprocess.run(["rm", "-r", str(folder)], check=True)
    theirs = json.loads(run.output.splitlines()[-1])
    return (
        row + f"| {1e3 * theirs['cpu_s'] / n_frames:.1f} | {run.peak_held / 1e6:.0f} "
        f"| {theirs['cpu_s'] / one['cpu_s']:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder for movies")
    parser.add_argument("--caiman-python", default="", help="interpreter that has CaImAn")
    parser.add_argument("--width", type=int, default=600)
    parser.add_argument("--height", type=int, default=600)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--stage", action="append", choices=STAGES, help="only these")
    parser.add_argument("--ours", nargs=3, metavar=("STAGE", "MOVIE", "THREADS"))
    given = parser.parse_args()
    if given.ours:
        stage, movie, threads = given.ours
        ours(Path(movie), stage, int(threads))
        return
    work = given.work or Path(tempfile.mkdtemp(prefix="miniscope-nwb-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    movie = make_movie(work, width=given.width, height=given.height, n_frames=given.frames)
    print("| stage | ours, CPU ms a frame | two threads over one | ours MB ", end="")
    print("| CaImAn, CPU ms a frame | CaImAn MB | ratio |\n|---|---|---|---|---|---|---|")
    for stage in given.stage or STAGES:
        print(compare(movie, stage, work, caiman_python=given.caiman_python), flush=True)


if __name__ == "__main__":
    main()
