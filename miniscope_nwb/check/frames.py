"""Every stored frame against the raw video, decoded again by other software.

Both sides are streamed: a part of the raw video is decoded once from its begin to its end, and
the stored frames are read chunk by chunk beside it. Parts are compared at the same time, one a
core; each holds one chunk and one frame.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.check.report import Difference, Kind, Tally
from miniscope_nwb.errors import MiniscopeError
from miniscope_nwb.nwb.axes import image_from_nwb, shape_in_nwb, write_image
from miniscope_nwb.recording import IntArray

Frame = npt.NDArray[Any]
Progress = Callable[[int, int], None]  # frames done, frames in all

MAX_WORKERS = 8
BLOCK_BYTES = 16_000_000  # read at once from a series that is not chunked


@dataclass(frozen=True, slots=True)
class PartJob:
    """One raw video and the stored frames that are said to come from it.

    ``rows`` and ``frames`` have shape (n_stored,): place in the series, and frame in the file,
    ascending by the latter. ``explained`` are frames of the file that are not stored on purpose;
    ``is_open_ended`` says that frames behind the last stored one are left out on purpose.
    """

    series: str
    dataset: Any  # h5py.Dataset (time, width, height[, colour])
    path: Path
    relative_path: str
    rows: IntArray
    frames: IntArray
    explained: frozenset[int] = frozenset()
    is_open_ended: bool = False

    @property
    def n_expected(self) -> int:
        """Number of stored frames of this part."""
        return len(self.rows)


def compare_parts(jobs: list[PartJob], *, progress: Progress | None = None) -> Tally:
    """Decode every part again and compare it with what is stored.

    Parameters
    ----------
    jobs
        In the order in which differences are reported.
    progress
        Called with frames compared so far and in all, from one thread at a time.
    """
    counter = _Counter(sum(job.n_expected for job in jobs), progress)
    workers = max(1, min(MAX_WORKERS, os.cpu_count() or 1, len(jobs)))
    tally = Tally()
    with ThreadPoolExecutor(workers) as pool:
        for found in pool.map(lambda job: _compare_part(job, counter), jobs):
            tally.extend(found)
    return tally


def count_frames(job: PartJob, tally: Tally) -> None:
    """Account for the frames of a video that is not decoded, because its bytes are compared."""
    from miniscope_nwb.video.probe import probe_part

    n_frames = probe_part(job.path, relative_path=job.relative_path, index=0).n_frames
    known = set(job.frames.tolist()) | job.explained
    stop = int(job.frames.max(initial=-1)) + 1 if job.is_open_ended else n_frames
    for number in range(min(stop, n_frames)):
        if number not in known:
            message = f"frame {number} of the file has no time stamp, and nothing says why"
            _add(tally, job, "frames", -1, message)
    for row, number in zip(job.rows.tolist(), job.frames.tolist(), strict=True):
        if number >= n_frames:
            _add(
                tally, job, "frames", row, "is stamped, but the raw file has no such frame", number
            )


class _Counter:
    """Counts frames of all threads and tells the caller."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress, self._done = total, progress, 0
        self._lock = threading.Lock()

    def step(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._total)


class _StoredFrames:
    """Frames of a series as they are stored, read a chunk of frames at a time."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        n_bytes = int(np.prod(dataset.shape[1:])) * dataset.dtype.itemsize
        self._step = dataset.chunks[0] if dataset.chunks else max(1, BLOCK_BYTES // n_bytes)
        self._begin, self._block = 0, dataset[:0]

    def __getitem__(self, row: int) -> Frame:
        if not self._begin <= row < self._begin + len(self._block):
            self._begin = row // self._step * self._step
            self._block = self._dataset[self._begin : self._begin + self._step]
        frame: Frame = self._block[row - self._begin]
        return frame


def _compare_part(job: PartJob, counter: _Counter) -> Tally:
    tally = Tally()
    stored = _StoredFrames(job.dataset)
    at = 0  # next stored frame to be met
    try:
        for number, frame in enumerate(_decode(job)):
            if not (at < job.n_expected and job.frames[at] == number):
                if number not in job.explained:
                    _add(tally, job, "frames", -1, f"frame {number} of the file is not stored")
                continue
            while at < job.n_expected and job.frames[at] == number:
                difference = _difference(stored[int(job.rows[at])], frame)
                if difference:
                    _add(tally, job, "pixels", int(job.rows[at]), difference, number)
                at += 1
                counter.step()
    except MiniscopeError as problem:
        _add(tally, job, "unreadable", -1, str(problem))
    for lost in range(at, job.n_expected):
        row, number = int(job.rows[lost]), int(job.frames[lost])
        _add(tally, job, "frames", row, "is stored, but the raw file has no such frame", number)
    return tally


def _decode(job: PartJob) -> Iterator[Frame]:
    from miniscope_nwb.video.probe import probe_part
    from miniscope_nwb.video.second import read_frames_again

    if job.is_open_ended and not job.n_expected:
        return iter(())
    part = probe_part(job.path, relative_path=job.relative_path, index=0)
    stop = int(job.frames[-1]) + 1 if job.is_open_ended else None
    return read_frames_again(part, 0, stop, colour=job.dataset.ndim == 4)


def _difference(stored: Frame, raw: Frame) -> str:
    """Say how a stored frame and a raw one differ; ``""`` where they are equal, bit for bit."""
    turned = np.empty(shape_in_nwb(raw.shape), raw.dtype)
    write_image(raw, out=turned)
    if stored.dtype == turned.dtype and np.array_equal(stored, turned):
        return ""
    mine = image_from_nwb(stored)
    if mine.shape != raw.shape or mine.dtype != raw.dtype:
        return (
            f"is {mine.shape[1]}x{mine.shape[0]} {mine.dtype}, the raw frame is "
            f"{raw.shape[1]}x{raw.shape[0]} {raw.dtype}"
        )
    other = np.argwhere(mine != raw)
    row, column = other[0][:2]
    largest = int(np.abs(mine.astype(np.int64) - raw.astype(np.int64)).max())
    return (
        f"{len(other)} of {mine.size} values differ from the raw frame, by up to {largest}; the "
        f"first at row {row}, column {column}"
    )


def _add(
    tally: Tally, job: PartJob, kind: Kind, row: int, message: str, number: int | None = None
) -> None:
    where = f" (frame {number} of the file)" if number is not None else ""
    tally.add(Difference(kind, job.series, row, job.relative_path, message + where))
