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


def pixel_statistics(movie: Movie, usable: BoolArray) -> PixelStatistics:
    """Measure every pixel in usable frames, evenly spread over the recording."""
    frames = movie.take(spread_frames(usable, _N_FRAMES))
    total, squares = (np.zeros(frames.shape[1:], np.float64) for _ in range(2))
    for frame in frames:
        values = frame.astype(np.float64)
        total += values
        squares += values**2
    mean = total / len(frames)
    # Integers add up exactly: a pixel that stands still has a deviation of exactly zero.
    variance = np.maximum(squares / len(frames) - mean**2, 0)
    return PixelStatistics(mean.astype(np.float32), np.sqrt(variance).astype(np.float32))


def darkest_picture(movie: Movie, usable: BoolArray) -> FloatImage:
    """Return a low percentile of every pixel over usable frames, (height, width)."""
    frames = movie.take(spread_frames(usable, _N_FRAMES))
    darkest = np.empty(frames.shape[1:], np.float32)
    for top in range(0, len(darkest), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        darkest[rows] = np.percentile(frames[:, rows], _DARK_PERCENT, axis=0)
    return darkest
