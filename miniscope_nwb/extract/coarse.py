"""The movie in coarse time: means of consecutive frames, on which cells are searched and updated.

A frame's noise is the camera's, and calcium changes little from one frame to the next: the mean of
a few frames shows the same cells with less noise, and there are fewer of them to work on. Nothing
is averaged across a lost frame or into the next recording, and frames that are left out have no
part in a mean.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.engines.base import ExtractInput
from miniscope_nwb.movie import FrameClock, Movie, block_length
from miniscope_nwb.recording import BoolArray, IntArray
from miniscope_nwb.results import Float32

LEAST_SHARE = 0.75  # of the frames of a mean: one of fewer would be noisier than the others
LEAST_MEANS = 300  # that take part: with fewer, noise and thresholds are told from single frames
LEAST_USED = 0.8  # of the usable frames, in means that take part: else gaps leave too few
NOT_AVERAGED = f"fewer than {LEAST_MEANS} means of frames, or too many gaps: at the full rate"


class CoarseMovie(Movie):
    """Means of up to `factor` consecutive frames, float32; NaN where one of them was not seen.

    Parameters
    ----------
    movie
        At the full rate.
    is_left_out
        (n_frames,): frames that have no part in a mean.
    factor
        Frames of a mean; fewer at the end of a run without a gap.
    hold_bytes
        Memory that means may take which are held once they were read, for the next pass over the
        movie: those of the blocks that come first.

    Attributes
    ----------
    edges
        (n + 1,): mean `i` is that of the frames [edges[i], edges[i + 1]).
    is_thin
        (n,): means of too few frames.
    """

    def __init__(
        self, movie: Movie, is_left_out: BoolArray, factor: int, *, hold_bytes: int = 0
    ) -> None:
        self.factor = factor
        self._movie, self._is_used = movie, np.asarray(~is_left_out)
        starts = [np.arange(start, stop, factor) for start, stop in movie.clock.runs()]
        self.edges: IntArray = np.append(np.concatenate(starts), movie.n_frames)
        self._counts = np.add.reduceat(self._is_used.astype(np.int64), self.edges[:-1])
        self.is_thin: BoolArray = self._counts < LEAST_SHARE * factor
        self.n_frames = len(self.edges) - 1
        self.height, self.width = movie.height, movie.width
        self.dtype = np.dtype(np.float32)
        self.clock = _coarse_clock(movie.clock, self.edges, factor)
        self._held: dict[tuple[int, int], Float32] = {}
        self._room_bytes, self._lock = hold_bytes, Lock()
        self._blocks = set(self.blocks()) if hold_bytes else set()
        self._length = block_length(movie.height, movie.width)
        self._at_once = max(1, self._length // factor)

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values of means (n,) as values of their frames, (n_frames,)."""
        return np.repeat(values, np.diff(self.edges))

    def seen(self, start: int, stop: int) -> IntArray:
        """Return what every frame of a mean saw, (n, 4); nothing where no frame is used."""
        bounds = self._movie.seen(int(self.edges[start]), int(self.edges[stop]))
        used = self._is_used[self.edges[start] : self.edges[stop], None]
        widest = np.array([0, self.height, 0, self.width])
        bounds = np.where(used, bounds, widest)
        at = self.edges[start:stop] - self.edges[start]
        low = np.maximum.reduceat(bounds[:, ::2], at, axis=0)
        high = np.maximum(np.minimum.reduceat(bounds[:, 1::2], at, axis=0), low)
        seen = np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1)
        seen[self._counts[start:stop] == 0] = 0
        return seen

    def read(self, start: int, stop: int) -> Float32:
        """Return the means [start, stop)."""
        held = self._held.get((start, stop))
        if held is not None:
            return held.copy()
        means = self.take(np.arange(start, stop))
        if (start, stop) in self._blocks and self._takes_room(means.nbytes):
            self._held[start, stop] = means.copy()
        return means

    def _takes_room(self, n_bytes: int) -> bool:
        with self._lock:
            is_room = self._room_bytes >= n_bytes
            self._room_bytes -= n_bytes if is_room else 0
        return is_room

    def forget(self) -> None:
        """Give back the memory of what is held; nothing is held from now on."""
        self._held.clear()
        self._room_bytes = 0

    def take(self, frames: IntArray) -> Float32:
        """Return chosen means, in the order of `frames`, which ascends."""
        out = np.empty((len(frames), self.height, self.width), np.float32)
        places = frames // self._length
        cuts = [*np.flatnonzero(np.diff(places, prepend=-1)).tolist(), len(frames)]
        for first, stop in pairwise(cuts):
            start = int(places[first]) * self._length
            held = self._held.get((start, min(start + self._length, self.n_frames)))
            if held is not None:
                out[first:stop] = held[frames[first:stop] - start]
            else:
                self._average(frames[first:stop], out[first:stop])
        return out

    def _average(self, frames: IntArray, out: Float32) -> None:
        """Read the frames of means and average them."""
        from miniscope_nwb.extract import frames_kernels as kernels

        for first in range(0, len(frames), self._at_once):
            chosen = frames[first : first + self._at_once]
            numbers = np.concatenate([self._used_in(n) for n in chosen.tolist()])
            cuts = np.concatenate([[0], np.cumsum(self._counts[chosen])]).astype(np.int64)
            kernels.average(self._frames(numbers), cuts, out[first : first + len(chosen)])

    def _frames(self, numbers: IntArray) -> npt.NDArray[Any]:
        """Read frames; where none is left out, without another copy of them."""
        if len(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1:
            return self._movie.read(int(numbers[0]), int(numbers[-1]) + 1)
        return self._movie.take(numbers)

    def _used_in(self, number: int) -> IntArray:
        start, stop = self.edges[number : number + 2].tolist()
        used: IntArray = start + np.flatnonzero(self._is_used[start:stop])
        return used


def _coarse_clock(clock: FrameClock, edges: IntArray, factor: int) -> FrameClock:
    """Return the clock of the means; after a gap they are at least two steps apart."""
    firsts = edges[:-1]
    counts = np.diff(edges)
    middles = np.add.reduceat(clock.times_s, firsts) / counts
    segment = clock.segment[firsts]
    is_new = np.append(True, np.diff(segment) != 0)
    lost = np.where(is_new, 0, clock.steps[firsts] - 1)
    steps = np.where(lost > 0, 1 + np.ceil(lost / factor).astype(np.int64), 1)
    return FrameClock(middles, steps.astype(clock.steps.dtype), segment, clock.rate_hz / factor)


def in_coarse_time(job: ExtractInput, *, hold_bytes: int = 0) -> ExtractInput | None:
    """Return the job on means of frames, None where it is better done at the full rate."""
    factor = job.prepared.temporal_factor
    if factor <= 1:
        return None
    movie = CoarseMovie(job.movie, job.is_left_out, factor, hold_bytes=hold_bytes)
    n_used = int((~movie.spread(movie.is_thin) & ~job.is_left_out).sum())
    is_enough = n_used >= LEAST_USED * max(1, int((~job.is_left_out).sum()))
    if not is_enough or int((~movie.is_thin).sum()) < LEAST_MEANS:
        return None
    return replace(job, movie=movie, is_left_out=movie.is_thin)
