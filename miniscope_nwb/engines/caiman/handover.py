"""The movie in a file that CaImAn maps: written once, deleted with the job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.engines.caiman.timeline import Timeline
from miniscope_nwb.movie import Movie, block_length, map_in_order
from miniscope_nwb.results import MotionResult

BUFFER_BYTES = 1 << 30  # most that is gathered before it is written, as memory allows
BUFFER_SHARE = 8  # ... which is one part in so many of what the job may use


def write_frames(movie: Movie, timeline: Timeline, path: Path, resources: Resources) -> None:
    """Write the frames one after the other (.npy), in their own type: for motion correction."""
    shape = (timeline.n_handed, movie.height, movie.width)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=movie.dtype, shape=shape)
    for start, frames in _blocks(movie, timeline, resources):
        stop = start + len(frames)
        whole = np.issubdtype(movie.dtype, np.integer) and frames.dtype != movie.dtype
        out[start:stop] = np.rint(frames) if whole else frames
    out.flush()


def map_path(movie: Movie, timeline: Timeline, folder: Path) -> Path:
    """Name the file of the mapped movie: CaImAn reads its shape from the name."""
    size = f"d1_{movie.height}_d2_{movie.width}_d3_1"
    return folder / f"movie_{size}_order_C_frames_{timeline.n_handed}.mmap"


def write_map(movie: Movie, timeline: Timeline, path: Path, resources: Resources) -> None:
    """Write the movie as CaImAn maps it: float32, a row a pixel, columns first.

    Pixels that the sensor did not see hold the value of the nearest one that it saw, as CaImAn's
    own correction leaves them.
    """
    height, width, n_frames = movie.height, movie.width, timeline.n_handed
    out = np.memmap(path, np.float32, "w+", shape=(width, height, n_frames))
    n_buffer = max(1, buffer_bytes(resources) // (4 * height * width))
    buffer = np.empty((width, height, min(n_buffer, n_frames)), np.float32)
    filled = written = 0
    for _, frames in _blocks(movie, timeline, resources):
        taken = 0
        while taken < len(frames):
            n = min(len(frames) - taken, buffer.shape[2] - filled)
            buffer[:, :, filled : filled + n] = frames[taken : taken + n].transpose(2, 1, 0)
            taken, filled = taken + n, filled + n
            if filled == buffer.shape[2] or written + filled == n_frames:
                out[:, :, written : written + filled] = buffer[:, :, :filled]
                written, filled = written + filled, 0
    out.flush()


def buffer_bytes(resources: Resources) -> int:
    """Return how much is gathered before it is written: a map is written in strips."""
    return min(BUFFER_BYTES, resources.max_memory_bytes // BUFFER_SHARE)


def write_moves(motion: MotionResult, timeline: Timeline, path: Path) -> None:
    """Write the shifts as CaImAn has them, rows before columns, and which frames are mixed."""
    arrays: dict[str, Any] = {
        "before": timeline.before,
        "after": timeline.after,
        "weight": timeline.weight,
    }
    blocks = motion.blocks
    if blocks is None or motion.block_shifts_px is None:
        arrays["rigid"] = motion.shifts_px[:, ::-1]
    else:
        arrays["blocks"] = motion.block_shifts_px[:, :, ::-1]
        rows = (blocks.y_start + blocks.y_stop - 1) / 2
        columns = (blocks.x_start + blocks.x_stop - 1) / 2
        arrays["row_middle"] = rows[:: blocks.n_across]
        arrays["column_middle"] = columns[: blocks.n_across]
    np.savez(path, **arrays)


def _blocks(movie: Movie, timeline: Timeline, resources: Resources) -> Any:
    """Read the handed frames block by block: (first, frames)."""
    length = block_length(movie.height, movie.width)
    starts = range(0, timeline.n_handed, length)

    def read(start: int) -> tuple[int, npt.NDArray[Any]]:
        stop = min(start + length, timeline.n_handed)
        return start, _read_handed(movie, timeline, start, stop)

    return map_in_order(read, starts, n_threads=resources.n_threads)


def _read_handed(movie: Movie, timeline: Timeline, start: int, stop: int) -> npt.NDArray[Any]:
    before, after = timeline.before[start:stop], timeline.after[start:stop]
    weight = timeline.weight[start:stop]
    is_mixed = weight > 0
    needed = np.unique(np.concatenate([before, after[is_mixed]]))
    frames = movie.take(needed)
    fill_unseen(frames, movie, needed)
    if len(needed) == stop - start and not is_mixed.any():
        return frames
    first = frames[np.searchsorted(needed, before)]
    if not is_mixed.any():
        return first
    share = weight[is_mixed, None, None]
    mixed = first.astype(np.float32)
    second = frames[np.searchsorted(needed, after[is_mixed])]
    mixed[is_mixed] = (1 - share) * mixed[is_mixed] + share * second
    return mixed


def fill_unseen(frames: npt.NDArray[Any], movie: Movie, numbers: npt.NDArray[np.int64]) -> None:
    """Put the value of the nearest seen pixel where the sensor did not see, in place.

    Parameters
    ----------
    frames
        (n, height, width).
    movie
        Tells what was seen.
    numbers
        (n,) which frames they are.
    """
    if not np.issubdtype(frames.dtype, np.floating):
        return
    for frame, number in zip(frames, numbers.tolist(), strict=True):
        top, bottom, left, right = movie.seen(number, number + 1)[0].tolist()
        if bottom <= top or right <= left:
            frame[:] = 0
            continue
        frame[top:bottom, :left] = frame[top:bottom, left : left + 1]
        frame[top:bottom, right:] = frame[top:bottom, right - 1 : right]
        frame[:top] = frame[top]
        frame[bottom:] = frame[bottom - 1]
