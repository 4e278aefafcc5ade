"""The corrected movie of a run, made from the raw frames and the stored shifts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.movie import Movie
from miniscope_nwb.prepare.movie import PreparedMovie
from miniscope_nwb.recording import IntArray
from miniscope_nwb.results import MotionResult, Prepared


def corrected_movie(
    raw: Movie, motion: MotionResult, crop: tuple[int, int, int, int], defects: IntArray
) -> Movie:
    """Return the corrected frames in the size of the raw ones, NaN outside the crop.

    Parameters
    ----------
    raw
        As recorded.
    motion
        Shifts and blocks in pixels of the raw movie.
    crop
        x0, y0, x1, y1: what was processed.
    defects
        (n, 2) pixels that are read from their neighbours, x then y.
    """
    x0, y0, _, _ = crop
    if motion.blocks is not None:
        blocks = motion.blocks
        inside = replace(
            blocks,
            x_start=blocks.x_start - x0,
            x_stop=blocks.x_stop - x0,
            y_start=blocks.y_start - y0,
            y_stop=blocks.y_stop - y0,
        )
        motion = replace(motion, blocks=inside)
    prepared = _untouched(crop, defects, raw.n_frames)
    return _Placed(
        CorrectedMovie(PreparedMovie(raw, prepared, recorded=True), motion), raw, (x0, y0)
    )


def _untouched(crop: tuple[int, int, int, int], defects: IntArray, n_frames: int) -> Prepared:
    """Say that frames are cropped and mended, and nothing else."""
    return Prepared(
        crop=crop,
        spatial_factor=1,
        temporal_factor=1,
        is_left_out=np.zeros(n_frames, np.bool_),
        reason_left_out=("",) * n_frames,
        defective_pixels=defects,
        glow=None,
        vignette=None,
        trend=None,
        normalise="none",
        baseline=None,
        brightness=np.zeros(n_frames, np.float32),
        brightness_steps=np.zeros(0, np.int64),
        cell_diameter_px=float("nan"),
    )


class _Placed(Movie):
    """A cropped movie in its place in the raw field of view, NaN around it."""

    def __init__(self, movie: Movie, raw: Movie, corner: tuple[int, int]) -> None:
        self._movie, (self._x, self._y) = movie, corner
        self.n_frames, self.height, self.width = raw.n_frames, raw.height, raw.width
        self.dtype, self.clock = np.dtype(np.float32), raw.clock

    def read(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        """Return the frames [start, stop), NaN outside the crop."""
        out = np.full((stop - start, self.height, self.width), np.nan, np.float32)
        rows = slice(self._y, self._y + self._movie.height)
        columns = slice(self._x, self._x + self._movie.width)
        out[:, rows, columns] = self._movie.read(start, stop)
        return out
