"""A short piece of a movie, as a movie of its own: what the probe works on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.movie import FrameClock, Movie
from miniscope_nwb.recording import IntArray


class Stretch(Movie):
    """The frames [start, stop) of another movie."""

    def __init__(self, movie: Movie, start: int, stop: int) -> None:
        self._movie, self._start = movie, start
        self.n_frames = stop - start
        self.height, self.width, self.dtype = movie.height, movie.width, movie.dtype
        clock, part = movie.clock, slice(start, stop)
        steps = np.array(clock.steps[part])
        steps[:1] = 1
        self.clock = FrameClock(
            clock.times_s[part], steps, clock.segment[part] - clock.segment[start], clock.rate_hz
        )

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return the frames [start, stop) of the stretch."""
        return self._movie.read(self._start + start, self._start + stop)

    def seen(self, start: int, stop: int) -> IntArray:
        """Return which part of each frame the sensor saw."""
        return self._movie.seen(self._start + start, self._start + stop)
