"""Unpacked frames in a mapped file: a movie that is read often is unpacked once.

What little the file has no room for may stay in memory. The file is a cache of one run. It begins
empty, is removed when it is closed, and nobody reads it again: what a killed run leaves is removed
with the rest of its work. Mapped pages are the system's to take back, so they add nothing to the
memory that a run needs.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from miniscope_nwb.nwb.axes import Pixels

FILE_NAME = "unpacked_frames.bin"


class KeptFrames:
    """Pieces of a movie, each of as many consecutive frames; threads may share it.

    The room on the disk is taken at once, where the system can: a full disk means that nothing is
    kept, and not the end of the process when a page of the map is written.

    Parameters
    ----------
    folder
        Where the file is made; there may be one in a folder.
    n_bytes
        That the file may hold; whole pieces only.
    n_bytes_in_memory
        That memory may hold of what the file does not, and as much more as completes a piece at
        either end.
    shape
        (n, height, width) of a piece.
    dtype
        Of the frames.
    """

    def __init__(
        self,
        folder: Path,
        n_bytes: int,
        n_bytes_in_memory: int = 0,
        *,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
    ) -> None:
        self._path = folder / FILE_NAME
        self._piece_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self._lock = Lock()
        self._pieces: dict[int, Pixels] = {}  # by their first frame; complete ones
        self._begun: set[int] = set()
        self._map: mmap.mmap | None = None
        places: list[Pixels] = []
        n_pieces = n_bytes // self._piece_bytes
        if n_pieces and (mapped := _make(self._path, n_pieces * self._piece_bytes)) is not None:
            self._map = mapped
            places.extend(np.frombuffer(mapped, dtype).reshape(n_pieces, *shape))
        if n_bytes_in_memory:
            places.extend(np.empty((n_bytes_in_memory // self._piece_bytes + 2, *shape), dtype))
        self._free = places[::-1]  # the last one is taken first: memory, once the file is full

    @property
    def n_bytes(self) -> int:
        """Bytes of the pieces that are kept."""
        return len(self._pieces) * self._piece_bytes

    def get(self, begin: int, n_frames: int, read: Callable[[Pixels], None]) -> Pixels | None:
        """Return the piece that begins with a frame; not to be changed.

        Parameters
        ----------
        begin, n_frames
            First frame of the piece, and how many it has: the last of a movie has fewer.
        read
            Called with the (n_frames, height, width) to fill, where the piece is not there yet. If
            it fails, its place is free again.

        Returns
        -------
        frames
            None where there is no room, or another thread is about to fill the piece.
        """
        kept = self._pieces.get(begin)
        if kept is not None:
            return kept
        with self._lock:
            if not self._free or begin in self._begun:
                return self._pieces.get(begin)
            self._begun.add(begin)
            place = self._free.pop()
        frames = place[:n_frames]
        try:
            read(frames)
        except BaseException:
            with self._lock:
                self._begun.discard(begin)
                self._free.append(place)
            raise
        with self._lock:
            self._pieces[begin] = frames
        return frames

    def close(self) -> None:
        """Remove the file; no thread may be reading."""
        self._pieces.clear()
        self._free.clear()
        if self._map is None:
            return
        with suppress(BufferError):  # an error's traceback holds frames: they go with it
            self._map.close()
        self._map = None
        with suppress(OSError):
            self._path.unlink()


def _make(path: Path, n_bytes: int) -> mmap.mmap | None:
    """Make and map a file; None where the disk does not take it."""
    try:
        with path.open("w+b") as file:
            file.truncate(n_bytes)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, n_bytes)
            return mmap.mmap(file.fileno(), n_bytes)
    except (OSError, ValueError, OverflowError):
        with suppress(OSError):
            path.unlink()
        return None
