"""Statistics of every pixel over frames from the whole recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.movie import Movie, spread_frames
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import FloatImage

_N_FRAMES = 200  # a pixel's deviation is known to 5 %
_DARK_PERCENT = 5.0  # robust against single dark samples
_ROWS_AT_ONCE = 32  # of the percentile, which sorts a copy


@dataclass(frozen=True, slots=True)
class PixelStatistics:
    """Statistics of each pixel, (height, width)."""

    mean: FloatImage
    deviation: FloatImage
    darkest: FloatImage  # a low percentile


def pixel_statistics(movie: Movie, usable: BoolArray) -> PixelStatistics:
    """Measure every pixel in usable frames, evenly spread over the recording."""
    frames = movie.take(spread_frames(usable, _N_FRAMES))
    shape = frames.shape[1:]
    mean, deviation, darkest = (np.empty(shape, np.float32) for _ in range(3))
    for top in range(0, shape[0], _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        part = frames[:, rows].astype(np.float64)
        mean[rows], deviation[rows] = part.mean(axis=0), part.std(axis=0)
        darkest[rows] = np.percentile(part, _DARK_PERCENT, axis=0)
    return PixelStatistics(mean, deviation, darkest)
