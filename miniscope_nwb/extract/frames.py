"""The movie as the extraction reads it: usable frames in blocks, their mean taken off.

What the sensor did not see is zero after the mean is taken off, and all who sum know how much was
seen. The coarse frames of the ring model are filled from the nearest seen pixels instead, because
the ring around a seen pixel may reach out of what was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from miniscope_nwb.movie import Movie, map_in_order, spread_frames
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import Float32, FloatImage

Result = TypeVar("Result")
_N_ROUGH = 60  # frames of a first mean


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
        out = _room_for(raw)
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
            out = _room_for(raw)
            kernels.centre(raw, self.mean, out)
            seen = np.concatenate([self.movie.seen(int(n), int(n) + 1) for n in part])
            return work(FrameBlock(part, out, seen, int(part[0]), int(part[-1]) + 1))

        yield from map_in_order(one, parts, n_threads=self.n_threads)


def _room_for(raw: npt.NDArray[Any]) -> Float32:
    """Return where frames go whose mean is taken off: a movie's frames are ours, a copy."""
    return raw if raw.dtype == np.float32 else np.empty(raw.shape, np.float32)


@dataclass(frozen=True, slots=True)
class SeenShare:
    """Mean of every pixel over the frames that saw it, and the share of frames that did."""

    mean: FloatImage
    share: FloatImage


class MeanSums:
    """Sums for the mean of every pixel, filled while the frames stream by for another purpose."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        shape = frames.mean.shape
        self._total, self._count = np.zeros(shape), np.zeros(shape, np.int64)

    def of_block(self, block: FrameBlock) -> tuple[FloatArray, IntArray]:
        """Return sums and counts of a block."""
        from miniscope_nwb.extract import frames_kernels as kernels

        sums, counts = np.zeros_like(self._total), np.zeros_like(self._count)
        kernels.add_frames(block.pixels, block.seen, sums, counts)
        return sums, counts

    def add(self, part: tuple[FloatArray, IntArray]) -> None:
        """Add what `of_block` returned, in the order of the blocks."""
        self._total += part[0]
        self._count += part[1]

    def result(self) -> SeenShare:
        """Return mean and share; the mean is 0 where no frame saw the pixel."""
        deviation = self._total / np.maximum(self._count, 1)
        mean = np.where(self._count > 0, self._frames.mean + deviation, 0).astype(np.float32)
        share = (self._count / max(self._frames.n_usable, 1)).astype(np.float32)
        return SeenShare(mean, share)


def rough_frames(movie: Movie, is_left_out: BoolArray, *, n_threads: int) -> Frames:
    """Return the movie with the mean of a sample of its frames taken off: near, not exact."""
    zeros = np.zeros((movie.height, movie.width), np.float32)
    nothing = Frames(movie, is_left_out, zeros, n_threads)
    sums = MeanSums(nothing)
    numbers = spread_frames(~is_left_out, _N_ROUGH)
    for part in nothing.sample(numbers, sums.of_block):
        sums.add(part)
    return Frames(movie, is_left_out, sums.result().mean, n_threads)


def mean_of(frames: Frames) -> SeenShare:
    """Average all usable frames, each pixel where it was seen."""
    sums = MeanSums(frames)
    for part in frames.each(sums.of_block):
        sums.add(part)
    return sums.result()


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
