"""Single stages against CaImAn's, frames in memory, one core each, in one run.

    python -m benchmarks.stages --caiman-python PYTHON [--frames 500] [--runs 1]

Rigid and piecewise-rigid motion are estimated **and** applied to every frame; CaImAn reads the
frames from an uncompressed file and writes the corrected movie to its memory map, as its pipeline
does.
The correlation and peak-to-noise images are made of all frames on both sides. Every stage runs in
a process of its own, after a small movie that loads and compiles what it needs; CPU seconds of one
thread are compared, and ours are run with two threads besides. Of more runs the medians stand in
the table.
"""

from __future__ import annotations

import argparse
import json
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


def compare(movie: Path, stage: str, work: Path, *, n_runs: int, caiman_python: str) -> str:
    """Return one row of the table."""
    one = [_ours_measured(movie, stage, n_threads=1) for _ in range(n_runs)]
    two = [_ours_measured(movie, stage, n_threads=2) for _ in range(n_runs)]
    n_frames = len(np.load(movie, mmap_mode="r"))
    row = f"| {stage}, {n_frames} | {1e3 * _median('cpu_s', one) / n_frames:.2f} "
    row += f"| {_median('wall_s', one) / _median('wall_s', two):.2f} "
    row += f"| {_median('peak_mb', one):.0f} "
    if not caiman_python:
        return row + "| | | |"
    theirs = [_caiman_measured(movie, stage, work, caiman_python) for _ in range(n_runs)]
    return (
        row + f"| {1e3 * _median('cpu_s', theirs) / n_frames:.1f} "
        f"| {_median('peak_mb', theirs):.0f} "
        f"| {_median('cpu_s', theirs) / _median('cpu_s', one):.1f} |"
    )


def _ours_measured(movie: Path, stage: str, *, n_threads: int) -> dict[str, float]:
    """Run a stage of ours in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.stages", "--ours"]
    return _measured([*command, stage, str(movie), str(n_threads)])


def _caiman_measured(movie: Path, stage: str, work: Path, python: str) -> dict[str, float]:
    """Run a stage of CaImAn's in a process of its own, in a folder that is removed."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        return _measured([python, str(SCRIPT), str(movie), folder, stage])


def _measured(command: list[str]) -> dict[str, float]:
    """Return the seconds that a process prints at its end, and its memory."""
    run = measure(command, **_LOOKS)
    return {**json.loads(run.output.splitlines()[-1]), "peak_mb": run.peak_held / 1e6}


def _median(name: str, runs: list[dict[str, float]]) -> float:
    return float(np.median([run[name] for run in runs]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder for movies")
    parser.add_argument("--caiman-python", default="", help="interpreter that has CaImAn")
    parser.add_argument("--width", type=int, default=600)
    parser.add_argument("--height", type=int, default=600)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--runs", type=int, default=1, help="of each side; their medians count")
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
    print("| stage, frames | ours, CPU ms a frame | two threads over one | ours MB ", end="")
    print("| CaImAn, CPU ms a frame | CaImAn MB | ratio |\n|---|---|---|---|---|---|---|")
    for stage in given.stage or STAGES:
        row = compare(movie, stage, work, n_runs=given.runs, caiman_python=given.caiman_python)
        print(row, flush=True)


if __name__ == "__main__":
    main()
