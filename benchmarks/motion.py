"""Shift errors of our motion correction alone, on movies that the table does not use.

    python -m benchmarks.motion --work DIR [--minisim-python PYTHON] KIND:SEED:SIZE ...

SIZE is width, height and frames, 240x210x2000. KIND is a level of our simulator, or
``minisim-moderate`` or ``minisim-v4``; for example ``nonrigid:402:240x210x2000``. Errors are those
of the table (`scoring`), px of the movie.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import movies
from benchmarks.movies import BenchMovie
from benchmarks.scoring import Blocks, Result, block_error, shift_error


def of_name(folder: Path, name: str, *, minisim_python: str) -> BenchMovie:
    """Return the movie of a name as above, made if it is not there."""
    kind, seed, size = name.split(":")
    width, height, frames = (int(side) for side in size.split("x"))
    sizes = {"width": width, "height": height, "frames": frames}
    if kind.startswith("minisim-"):
        source = kind.removeprefix("minisim-")
        return movies.minisim(folder, source, python=minisim_python, seed=int(seed), **sizes)
    return movies.simulated(folder, level=kind, seed=int(seed), **sizes)


def errors(movie: BenchMovie) -> tuple[float, float, float]:
    """Prepare and register a movie; return its errors of shifts and blocks, px, and CPU seconds.

    The error of blocks is NaN where the field does not bend; the shift of one that does is that of
    the whole frame, not the mean over the true places that the table shows.
    """
    from miniscope_nwb.correct.stage import estimate_motion
    from miniscope_nwb.engines.base import MotionInput, Scale
    from miniscope_nwb.movie import ArrayMovie, regular_clock
    from miniscope_nwb.params.models import MotionParams, PreprocessParams
    from miniscope_nwb.prepare.movie import PreparedMovie
    from miniscope_nwb.prepare.stage import prepare
    from miniscope_nwb.testing.jobs import resources

    truth = movie.truth()
    assert truth is not None
    raw = ArrayMovie(movie.frames(), regular_clock(movie.n_frames, rate_hz=movie.rate_hz))
    began = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        place = resources(Path(scratch))
        scale = Scale(movie.pixel_size_um, movie.rate_hz, "GCaMP6f")
        prepared = prepare(raw, PreprocessParams(), scale, place)
        factor = prepared.spatial_factor
        binned = Scale(movie.pixel_size_um * factor, movie.rate_hz, "GCaMP6f")
        clean = PreparedMovie(raw, prepared)
        motion = estimate_motion(MotionInput(clean, MotionParams(), prepared, binned), place)
        blocks = None
        if motion.blocks is not None and motion.block_shifts_px is not None:
            at = motion.blocks
            centres = np.stack([at.x_start + at.x_stop - 1, at.y_start + at.y_stop - 1], axis=1) / 2
            centres = centres * factor + (factor - 1) / 2
            blocks = Blocks(centres, np.array(motion.block_shifts_px, float) * factor)
        shifts = np.array(motion.shifts_px, float) * factor
    off = float("nan")
    if truth.blocks is not None:
        found = Result(np.empty((0, 0)), np.empty(0, bool), {}, shifts, blocks)
        off = block_error(found, truth.blocks)
    return shift_error(shifts, truth.shifts)[0], off, time.process_time() - began


def main() -> None:
    """Print a line a movie."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.motion", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("names", nargs="+", metavar="KIND:SEED:SIZE")
    parser.add_argument("--work", type=Path, required=True, help="folder for movies; kept")
    parser.add_argument("--minisim-python", default="", help="interpreter that has minisim")
    given = parser.parse_args()
    folder = given.work / "movies"
    folder.mkdir(parents=True, exist_ok=True)
    for name in given.names:
        movie = of_name(folder, name, minisim_python=given.minisim_python)
        shift, block, seconds = errors(movie)
        print(f"{movie.name}: shift {shift:.3f} px, blocks {block:.3f} px, {seconds:.1f} CPU s")


if __name__ == "__main__":
    main()
