"""A movie that is decoded while somebody else's writer asks for it, in order and in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from hdmf.data_utils import GenericDataChunkIterator

from miniscope_nwb.nwb.axes import to_nwb
from miniscope_nwb.nwb.chunks import chunk_shape
from miniscope_nwb.nwb.frames import DeviceFrames
from miniscope_nwb.video.decode import read_frames

BUFFER_BYTES = 32_000_000


class LazyMovie(GenericDataChunkIterator):  # type: ignore[misc]
    """The stored frames of a scope as NWB wants them, shape (n_frames, width, height).

    Blocks are asked for in order of time, so every video is decoded once, from its first frame to
    its last. A block that is asked for out of order is decoded anew from the key frame before it.
    """

    def __init__(self, frames: DeviceFrames, **options: Any) -> None:
        part = frames.parts[0]
        self._pieces = tuple(frames.pieces())
        self._shape = (frames.n_frames, part.width, part.height)
        self._dtype = np.dtype("u2" if part.pixel_format == "gray16" else "u1")
        self._stream: Iterator[npt.NDArray[Any]] = iter(())
        self._next = -1  # frame that `_stream` gives next
        self._block: tuple[int, int, npt.NDArray[Any]] | None = None
        chunks = chunk_shape(self._shape, self._dtype.itemsize)
        frame_bytes = part.width * part.height * self._dtype.itemsize
        n_chunks = max(1, BUFFER_BYTES // (frame_bytes * chunks[0]))
        buffer = (min(chunks[0] * n_chunks, frames.n_frames), part.width, part.height)
        super().__init__(chunk_shape=chunks, buffer_shape=buffer, **options)

    def _get_maxshape(self) -> tuple[int, ...]:
        return self._shape

    def _get_dtype(self) -> np.dtype[Any]:
        return self._dtype

    def _get_data(self, selection: tuple[slice, ...]) -> npt.NDArray[Any]:
        start, stop, _ = selection[0].indices(self._shape[0])
        if self._block is None or self._block[:2] != (start, stop):
            self._block = (start, stop, self._read(start, stop))
        return self._block[2][(slice(None), *selection[1:])]

    def _read(self, start: int, stop: int) -> npt.NDArray[Any]:
        block = np.empty((stop - start, *self._shape[1:]), self._dtype)
        if start != self._next:
            self._stream, self._next = self._frames(start), start
        for place in range(stop - start):
            block[place] = to_nwb(next(self._stream))
            self._next += 1
        return block

    def _frames(self, start: int) -> Iterator[npt.NDArray[Any]]:
        for piece in self._pieces:
            n_skipped = max(0, start - piece.position)
            if piece.start + n_skipped < piece.stop:
                rest = replace(piece, start=piece.start + n_skipped)
                yield from read_frames(rest.part, rest.start, rest.stop)
