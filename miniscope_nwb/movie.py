"""Movies that are read block by block: what every stage of the processing sees.

A movie is never held as a whole. A stage asks for blocks of consecutive frames, from any thread,
and adds up what it needs in the order of the blocks, so that no result depends on the number of
threads. Frames are (height, width), as OpenCV has them; only the NWB edge knows another order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import BoolArray, FloatArray, IntArray

BLOCK_BYTES = 8_000_000  # of a block's frames as float32: a few blocks a thread are in memory
_AHEAD = 2  # blocks a thread that may be done and wait to be added up

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FrameClock:
    """When the frames of a movie were taken. Arrays have shape (n_frames,).

    Frames that were lost or belong to another recording are no neighbours: nothing is filtered,
    detrended or deconvolved across a gap as if it were one frame.
    """

    times_s: FloatArray  # seconds since the start of the session
    steps: IntArray  # frame intervals since the frame before: 1, or n + 1 after n lost frames
    segment: IntArray  # number of the joined recording, from 0; a new one starts from scratch
    rate_hz: float  # measured rate

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.times_s)

    def runs(self) -> list[tuple[int, int]]:
        """Cut the frames into [start, stop) without a lost frame or a new recording inside."""
        breaks = (self.steps[1:] != 1) | (np.diff(self.segment) != 0)
        edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), self.n_frames]
        return list(pairwise(edges))


class Movie(ABC):
    """Frames that can be read in blocks, from several threads at a time.

    Attributes
    ----------
    n_frames, height, width
        Size, frames and pixels.
    dtype
        Of the frames that `read` gives: uint8 and uint16 as recorded, float32 where computed.
    clock
        When the frames were taken.
    """

    n_frames: int
    height: int
    width: int
    dtype: np.dtype[Any]
    clock: FrameClock

    @abstractmethod
    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return a copy of the frames [start, stop), (n, height, width), C-contiguous."""

    def seen(self, start: int, stop: int) -> IntArray:
        """Return which part of each frame the sensor saw.

        Returns
        -------
        bounds
            (n, 4) int: first row, row after the last, first column, column after the last. Values
            of `read` outside of them are NaN. Here: everything.
        """
        return np.tile(np.array([0, self.height, 0, self.width]), (stop - start, 1))

    def take(self, frames: IntArray) -> npt.NDArray[Any]:
        """Return chosen frames, (n, height, width), in the order of `frames`, which ascends."""
        out = np.empty((len(frames), self.height, self.width), self.dtype)
        for part in runs_of(frames):
            out[part] = self.read(int(frames[part.start]), int(frames[part.stop - 1]) + 1)
        return out

    def blocks(self, n_frames: int | None = None) -> list[tuple[int, int]]:
        """Cut the movie into blocks [start, stop); the cut depends on the size of frames alone."""
        length = n_frames or block_length(self.height, self.width)
        starts = range(0, self.n_frames, length)
        return [(start, min(start + length, self.n_frames)) for start in starts]


def runs_of(frames: IntArray) -> list[slice]:
    """Cut numbers of frames, which ascend, into runs without a gap."""
    if not len(frames):
        return []
    breaks = (np.flatnonzero(np.diff(frames) != 1) + 1).tolist()
    return [slice(*edges) for edges in pairwise([0, *breaks, len(frames)])]


def block_length(height: int, width: int) -> int:
    """Frames of a block: 8 MB as float32, tens of frames, the same on every machine.

    A multiple of ten, the frames of a stored chunk, so that no chunk is unpacked twice.
    """
    return max(10, min(500, BLOCK_BYTES // (4 * height * width) // 10 * 10))


class ArrayMovie(Movie):
    """A movie in memory or a memory map: for tests, and for small movies.

    Parameters
    ----------
    frames
        (n_frames, height, width).
    clock
        When they were taken; by default at 20 Hz without a gap.
    """

    def __init__(self, frames: npt.NDArray[Any], clock: FrameClock | None = None) -> None:
        self._frames = frames
        self.n_frames, self.height, self.width = frames.shape
        self.dtype = frames.dtype
        self.clock = clock or regular_clock(self.n_frames, rate_hz=20.0)

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return a copy of the frames [start, stop)."""
        return np.array(self._frames[start:stop], order="C")


def regular_clock(n_frames: int, *, rate_hz: float) -> FrameClock:
    """Return the clock of frames at a constant rate, none lost."""
    steps = np.ones(n_frames, np.int64)
    return FrameClock(np.arange(n_frames) / rate_hz, steps, np.zeros(n_frames, np.int64), rate_hz)


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], *, n_threads: int
) -> Iterator[Result]:
    """Apply a function to items in threads; give the results in the order of the items.

    Few results wait at a time, so memory stays flat however slowly they are taken. The first
    error of the function is raised in its place in the order.
    """
    if n_threads <= 1:
        yield from map(function, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= _AHEAD * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for task in waiting:
                task.cancel()


def exhaust(results: Iterator[Any]) -> None:
    """Wait for results of `map_in_order` that are told in another way; raise the first error."""
    for _ in results:
        pass


def spread_frames(usable: BoolArray, n: int) -> IntArray:
    """Choose up to `n` usable frames, evenly over the recording; ascending."""
    found = np.flatnonzero(usable)
    if len(found) <= n:
        return found
    return found[np.linspace(0, len(found) - 1, n).round().astype(np.int64)]
