"""Statistics of every pixel over frames from the whole recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.movie import Movie, map_in_order, spread_frames
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import FloatImage

_N_FRAMES = 200  # a pixel's deviation is known to 5 %
_DARK_PERCENT = 5.0  # robust against single dark samples
_AT_ONCE = 10  # frames that a thread reads
_ROWS_AT_ONCE = 32  # of the percentile, which sorts a copy


@dataclass(frozen=True, slots=True)
class PixelStatistics:
    """Statistics of each pixel, (height, width)."""

    mean: FloatImage
    deviation: FloatImage


def pixel_statistics(movie: Movie, usable: BoolArray, *, n_threads: int) -> PixelStatistics:
    """Measure every pixel in usable frames, evenly spread over the recording."""
    total, squares = (np.zeros((movie.height, movie.width)) for _ in range(2))
    n_frames = 0
    for frames in _sampled(movie, usable, n_threads=n_threads):
        for frame in frames:
            values = frame.astype(np.float64)
            total += values
            squares += values**2
        n_frames += len(frames)
    mean = total / n_frames
    # Integers add up exactly: a pixel that stands still has a deviation of exactly zero.
    variance = np.maximum(squares / n_frames - mean**2, 0)
    return PixelStatistics(mean.astype(np.float32), np.sqrt(variance).astype(np.float32))


def darkest_picture(movie: Movie, usable: BoolArray, *, n_threads: int) -> FloatImage:
    """Return a low percentile of every pixel over usable frames, (height, width)."""
    frames = np.concatenate(list(_sampled(movie, usable, n_threads=n_threads)))
    darkest = np.empty(frames.shape[1:], np.float32)
    for top in range(0, len(darkest), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        darkest[rows] = np.percentile(frames[:, rows], _DARK_PERCENT, axis=0)
    return darkest


def _sampled(movie: Movie, usable: BoolArray, *, n_threads: int) -> Iterator[npt.NDArray[Any]]:
    """Read usable frames, evenly spread over the recording, a few at a time, in their order."""
    numbers = spread_frames(usable, _N_FRAMES)
    few = np.split(numbers, range(_AT_ONCE, len(numbers), _AT_ONCE))
    return map_in_order(movie.take, few, n_threads=n_threads)
