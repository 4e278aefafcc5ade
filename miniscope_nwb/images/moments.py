"""Mean, maximum and variance of every pixel over the whole recording, in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.images.seen import SeenCount
from miniscope_nwb.movie import Movie, map_in_order
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import FloatImage

SEEN_SHARE = 0.8  # of the used frames must have seen a pixel that footprints may hold


@dataclass(frozen=True, slots=True)
class Moments:
    """Images over time, (height, width); NaN where no used frame saw the pixel."""

    mean: FloatImage
    max: FloatImage
    variance: FloatImage
    region: BoolArray  # seen in `SEEN_SHARE` of the used frames


class _Sums:
    """Sums over frames. Those of float32 in float64 are exact enough for any recording's length."""

    def __init__(self, height: int, width: int) -> None:
        self.total, self.squares = (np.zeros((height, width), np.float64) for _ in range(2))
        self.largest = np.full((height, width), -np.inf, np.float32)
        self.seen = SeenCount(height, width)

    def merge(self, other: _Sums) -> None:
        """Add what another block has seen."""
        self.total += other.total
        self.squares += other.squares
        self.seen.merge(other.seen)
        np.maximum(self.largest, other.largest, out=self.largest)


def moments_of(movie: Movie, used: BoolArray, resources: Resources) -> Moments:
    """Add up all used frames of a movie, without what was not seen.

    Parameters
    ----------
    movie
        Corrected.
    used
        (n_frames,).
    resources
        Threads, and whom to tell how far it is.
    """
    sums = _Sums(movie.height, movie.width)
    blocks = [block for block in movie.blocks() if used[slice(*block)].any()]
    parts = map_in_order(partial(_add, movie, used), blocks, n_threads=resources.n_threads)
    for number, part in enumerate(parts):
        sums.merge(part)
        resources.progress(number + 1, len(blocks))
    count = sums.seen.count()
    n = np.maximum(count, 1)
    mean = sums.total / n
    variance = np.maximum(sums.squares / n - mean**2, 0)
    unseen = count == 0
    images = [np.where(unseen, np.nan, item).astype(np.float32) for item in (mean, variance)]
    largest = np.where(unseen, np.float32(np.nan), sums.largest)
    region = ~unseen & (count >= SEEN_SHARE * used.sum())
    return Moments(mean=images[0], max=largest, variance=images[1], region=np.asarray(region))


def _add(movie: Movie, used: BoolArray, block: tuple[int, int]) -> _Sums:
    from miniscope_nwb.images.moment_kernels import add_moments

    start, stop = block
    sums = _Sums(movie.height, movie.width)
    bounds = np.ascontiguousarray(movie.seen(start, stop), np.int64)
    here = np.ascontiguousarray(used[start:stop])
    frames = movie.read(start, stop)
    add_moments(frames, here, bounds, sums.total, sums.squares, sums.largest)
    sums.seen.add(bounds[here])
    return sums
