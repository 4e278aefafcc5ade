"""The movie as the extraction reads it: usable frames in blocks, their mean taken off.

What the sensor did not see is zero after the mean is taken off, and all who sum know how much was
seen. The coarse frames of the ring model are filled from the nearest seen pixels instead, because
the ring around a seen pixel may reach out of what was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from miniscope_nwb.movie import Movie, map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import Float32, FloatImage

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FrameBlock:
    """Some frames, without their mean; 0 where not seen."""

    numbers: IntArray  # (n,) of the frames in the movie
    pixels: Float32  # (n, height, width)
    seen: IntArray  # (n, 4): top, bottom, left, right of what was seen
    start: int  # of the block in the movie
    stop: int

    @property
    def is_whole(self) -> bool:
        """Whether every frame was seen as a whole."""
        _, height, width = self.pixels.shape
        return bool((self.seen == np.array([0, height, 0, width])).all())


@dataclass(frozen=True, slots=True)
class Frames:
    """A movie and the frames of it that take part."""

    movie: Movie
    is_left_out: BoolArray
    mean: FloatImage  # (height, width), finite
    n_threads: int

    @property
    def n_usable(self) -> int:
        """Number of frames that take part."""
        return int((~self.is_left_out).sum())

    def read(self, start: int, stop: int) -> FrameBlock:
        """Read the usable frames of [start, stop)."""
        from miniscope_nwb.extract import frames_kernels as kernels

        kept = np.flatnonzero(~self.is_left_out[start:stop])
        raw = self.movie.read(start, stop)
        if len(kept) < stop - start:
            raw = raw[kept]
        out = np.empty(raw.shape, np.float32)
        kernels.centre(raw, self.mean, out)
        return FrameBlock(kept + start, out, self.movie.seen(start, stop)[kept], start, stop)

    def each(self, work: Callable[[FrameBlock], Result]) -> Iterator[Result]:
        """Do something with every block, in threads; results come in the order of the blocks."""

        def one(bounds: tuple[int, int]) -> Result:
            return work(self.read(*bounds))

        yield from map_in_order(one, self.movie.blocks(), n_threads=self.n_threads)

    def sample(self, numbers: IntArray, work: Callable[[FrameBlock], Result]) -> Iterator[Result]:
        """Do something with chosen frames (ascending), as many at a time as a block has."""
        from miniscope_nwb.extract import frames_kernels as kernels

        length = max(1, self.movie.blocks()[0][1])
        parts = [numbers[i : i + length] for i in range(0, len(numbers), length)]

        def one(part: IntArray) -> Result:
            raw = self.movie.take(part)
            out = np.empty(raw.shape, np.float32)
            kernels.centre(raw, self.mean, out)
            seen = np.concatenate([self.movie.seen(int(n), int(n) + 1) for n in part])
            return work(FrameBlock(part, out, seen, int(part[0]), int(part[-1]) + 1))

        yield from map_in_order(one, parts, n_threads=self.n_threads)


@dataclass(frozen=True, slots=True)
class SeenShare:
    """Mean of every pixel over the frames that saw it, and the share of frames that did."""

    mean: FloatImage
    share: FloatImage


def mean_of(movie: Movie, is_left_out: BoolArray, *, n_threads: int) -> SeenShare:
    """Average all usable frames, each pixel where it was seen; 0 where it never was."""
    from miniscope_nwb.extract import frames_kernels as kernels

    shape = (movie.height, movie.width)
    nothing = Frames(movie, is_left_out, np.zeros(shape, np.float32), n_threads)

    def add(block: FrameBlock) -> tuple[FloatArray, IntArray]:
        sums, counts = np.zeros(shape), np.zeros(shape, np.int64)
        kernels.add_frames(block.pixels, block.seen, sums, counts)
        return sums, counts

    total, count = np.zeros(shape), np.zeros(shape, np.int64)
    for sums, counts in nothing.each(add):
        total += sums
        count += counts
    mean = (total / np.maximum(count, 1)).astype(np.float32)
    return SeenShare(mean, (count / max(nothing.n_usable, 1)).astype(np.float32))


def bin_frames(block: FrameBlock, factor: int) -> Float32:
    """Average squares of pixels, (n, height / factor, width / factor) rounded up.

    Squares that were not seen take the value of the nearest one that was.
    """
    from miniscope_nwb.extract import frames_kernels as kernels

    n, height, width = block.pixels.shape
    out = np.empty((n, -(-height // factor), -(-width // factor)), np.float32)
    kernels.bin_pixels(block.pixels, factor, out)
    if not block.is_whole:
        kernels.fill_unseen(out, block.seen, factor, height, width)
    return out
