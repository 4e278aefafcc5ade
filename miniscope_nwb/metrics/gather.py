"""Mean pictures of chosen frames, gathered in one ordered pass over the movie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.metrics.event_choice import EventFrames
from miniscope_nwb.movie import Movie, map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import Float32

_BLOCK_BYTES = 8_000_000  # of frames as float32 that a thread has at a time: little is made of each
Jobs = npt.NDArray[np.int64]  # (n, 2): frame, slot; sorted by frame


@dataclass(frozen=True, slots=True)
class Slots:
    """Places of the pictures: top left corners (n_slots,) in px (may lie outside), and events."""

    x_start: IntArray
    y_start: IntArray
    side: int
    events: list[EventFrames]


def event_pictures(
    movie: Movie, slots: Slots, is_left_out: BoolArray, *, n_threads: int
) -> Float32:
    """Return for each slot the mean at its events minus the mean before, (n_slots, side, side).

    Each event counts alike at its peak and in the moment before; NaN where a pixel was never seen
    in one of the two, or where the slot has no event. Only frames that are needed are read, once,
    in threads; they are added in order, so that the result does not depend on the threads.
    """
    n_slots = len(slots.events)
    jobs = _jobs(slots.events, is_left_out)
    shape = (2 * n_slots, slots.side, slots.side)
    sums, counts = np.zeros(shape), np.zeros(shape, np.uint16)
    y_start, x_start = np.tile(slots.y_start, 2), np.tile(slots.x_start, 2)
    edges = [(block, np.searchsorted(jobs[:, 0], block)) for block in short_blocks(movie)]
    work = [jobs[first:last] for _, (first, last) in edges if last > first]

    def read(part: Jobs) -> tuple[Jobs, IntArray, npt.NDArray[Any]]:
        needed, place = np.unique(part[:, 0], return_inverse=True)
        return part, place.astype(np.int64), movie.take(needed).astype(np.float32, copy=False)

    from miniscope_nwb.metrics.patch_kernels import add_patches

    for part, place, frames in map_in_order(read, work, n_threads=n_threads):
        slot = np.ascontiguousarray(part[:, 1])
        add_patches(frames, place, slot, y_start, x_start, sums, counts)
    found = np.empty((n_slots, slots.side, slots.side), np.float32)
    for k in range(n_slots):  # one at a time: all together they are larger than the sums
        found[k] = _mean(sums, counts, k) - _mean(sums, counts, k + n_slots)
    return found


def short_blocks(movie: Movie) -> list[tuple[int, int]]:
    """Cut the movie into blocks for passes of which a few numbers a frame are left.

    Whole chunks of ten frames, as those of `Movie.blocks`, but a quarter as many.
    """
    n_frames = _BLOCK_BYTES // (4 * movie.height * movie.width) // 10 * 10
    return movie.blocks(max(10, min(500, n_frames)))


def _mean(sums: FloatArray, counts: npt.NDArray[np.uint16], slot: int) -> FloatArray:
    """Return the mean picture of one slot, NaN where no frame was seen."""
    seen = np.where(counts[slot] > 0, counts[slot], np.nan)
    mean: FloatArray = sums[slot] / seen
    return mean


def _jobs(events: list[EventFrames], is_left_out: BoolArray) -> Jobs:
    """List the frames that each slot needs: at the events, and (slot + n_slots) before them."""
    none = np.empty(0, np.int64)
    first = np.concatenate([none, *(e.peak for e in events), *(e.before for e in events)])
    stop = np.concatenate([none, *(e.peak_stop for e in events), *(e.onset for e in events)])
    owner = np.repeat(np.arange(2 * len(events)), [len(e) for e in (*events, *events)])
    length = np.maximum(stop - first, 0)
    starts = np.cumsum(length) - length  # of each event's frames in the list of all
    frames = np.arange(length.sum()) + np.repeat(first - starts, length)
    jobs: Jobs = np.stack([frames, np.repeat(owner, length)], axis=1)[~is_left_out[frames]]
    return jobs[np.lexsort((jobs[:, 1], jobs[:, 0]))]
