"""Binned copies of a movie and of its motion, and the small pieces in which they are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.filters import binned
from miniscope_nwb.movie import Movie
from miniscope_nwb.results import MotionBlocks, MotionResult

Float32 = npt.NDArray[np.float32]
BATCH_BYTES = 4_000_000  # of float32 frames that a thread works on: copies of them are held, too
Picture = Callable[[npt.NDArray[Any]], Float32]  # of a frame


class SmallMovie(Movie):
    """A picture of each frame, `factor` times as small, made when it is read.

    Parameters
    ----------
    movie
        The frames.
    factor
        Side of the squares of pixels that make one.
    picture
        What is made of a frame; the average of its squares by default.
    """

    def __init__(self, movie: Movie, factor: int, picture: Picture | None = None) -> None:
        self._movie = movie
        self._picture: Picture = picture or (lambda frame: binned(frame, factor))
        self.n_frames, self.clock = movie.n_frames, movie.clock
        self.height, self.width = movie.height // factor, movie.width // factor
        self.dtype = np.dtype(np.float32)

    def read(self, start: int, stop: int) -> Float32:
        """Return the small frames [start, stop)."""
        return np.stack([self._picture(frame) for frame in self._movie.read(start, stop)])


def batches(movie: Movie) -> list[tuple[int, int]]:
    """Cut a movie into small pieces [start, stop): tens of frames, as they are stored."""
    n_frames = BATCH_BYTES // (4 * movie.height * movie.width) // 10 * 10
    return movie.blocks(max(10, n_frames))


def small_motion(motion: MotionResult, factor: int) -> MotionResult:
    """Scale shifts, blocks and template to a movie that is `factor` times as small."""
    if factor == 1:
        return motion
    scale = np.float32(1 / factor)
    blocks = motion.blocks
    return dataclasses.replace(
        motion,
        template=binned(motion.template, factor),
        shifts_px=motion.shifts_px * scale,
        blocks=None if blocks is None else _small_blocks(blocks, factor),
        block_shifts_px=None if motion.block_shifts_px is None else motion.block_shifts_px * scale,
    )


def _small_blocks(blocks: MotionBlocks, factor: int) -> MotionBlocks:
    edges = {
        name: getattr(blocks, name) // factor for name in ("x_start", "x_stop", "y_start", "y_stop")
    }
    return MotionBlocks(blocks.n_down, blocks.n_across, **edges)
