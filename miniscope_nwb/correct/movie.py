"""The corrected movie: made from the frames and their shifts whenever a block is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.bend import Bender
from miniscope_nwb.correct.shift import seen_after_shift, shift_frames
from miniscope_nwb.errors import MiniscopeError
from miniscope_nwb.movie import Movie, runs_of
from miniscope_nwb.recording import IntArray
from miniscope_nwb.results import MotionResult


class CorrectedMovie(Movie):
    """Frames brought onto the template, float32, computed at each read, from any thread.

    Pixels that the sensor did not see are NaN, frame by frame; the others are always weighted from
    pixels that it saw. `seen` tells the rectangle of the latter. Where blocks move each in its own
    way the seen part is no rectangle; the largest simple one inside is kept.

    Parameters
    ----------
    movie
        Prepared (or recorded) frames, of the size that the shifts were estimated on.
    motion
        The correction. Frames that could not be placed have shifts too (interpolated ones), and
        are moved like the others: who reads them decides what they are worth.
    """

    def __init__(self, movie: Movie, motion: MotionResult) -> None:
        if len(motion.shifts_px) != movie.n_frames:
            message = (
                f"The movie has {movie.n_frames} frames but the motion result has shifts for "
                f"{len(motion.shifts_px)}: they belong to different recordings."
            )
            raise MiniscopeError(message)
        self._movie, self._motion = movie, motion
        self.n_frames, self.height, self.width = movie.n_frames, movie.height, movie.width
        self.dtype = np.dtype(np.float32)
        self.clock = movie.clock
        self._bender = None
        self._seen = np.full((self.n_frames, 4), -1)  # of bent frames: asked often, slow to find
        if motion.blocks is not None:
            self._bender = Bender(motion.blocks, height=self.height, width=self.width)

    @property
    def uncorrected(self) -> Movie:
        """The frames before the correction: an engine may have its own way to apply its shifts."""
        return self._movie

    def seen(self, start: int, stop: int) -> IntArray:
        """Return which part of each frame the sensor saw, (n, 4); see `Movie.seen`."""
        if self._bender is not None and self._motion.block_shifts_px is not None:
            found = self._seen[start:stop]
            if (found < 0).any():  # threads that ask at once write the same
                shifts = self._motion.block_shifts_px[start:stop]
                found[:] = self._bender.seen(shifts, self._movie.seen(start, stop))
            return found.copy()
        before = self._movie.seen(start, stop)
        shifts = self._motion.shifts_px[start:stop]
        return seen_after_shift(shifts, before, height=self.height, width=self.width)

    def read(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        """Return the corrected frames [start, stop), NaN where the sensor did not see."""
        return self.correct(self._movie.read(start, stop), start)

    def correct(self, frames: npt.NDArray[Any], start: int) -> npt.NDArray[np.float32]:
        """Correct frames that were read already, (n, height, width), the first of them `start`."""
        stop = start + len(frames)
        bounds = self.seen(start, stop)
        out = np.empty(frames.shape, np.float32)
        if self._bender is not None and self._motion.block_shifts_px is not None:
            self._bender.bend(frames, self._motion.block_shifts_px[start:stop], bounds, out)
        else:
            shift_frames(frames, self._motion.shifts_px[start:stop], bounds, out)
        return out

    def take(self, frames: IntArray) -> npt.NDArray[np.float32]:
        """Return chosen corrected frames, in the order of `frames`, which ascends."""
        before = self._movie.take(frames)
        out = np.empty(before.shape, np.float32)
        for part in runs_of(frames):
            out[part] = self.correct(before[part], int(frames[part.start]))
        return out
