"""The movie of an NWB file, read block by block from any number of threads.

HDF5 reads one thread at a time and unpacks with zlib. So only the packed bytes of a chunk come
through HDF5, under a lock, and the calling thread unpacks them with ISA-L and turns the frames
round. What is stored in another way (other filters, no chunks, other byte order) is read by h5py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.movie import FrameClock, Movie
from miniscope_nwb.nwb.axes import Pixels, movie_from_nwb, write_images_back
from miniscope_nwb.nwb.kept_frames import KeptFrames
from miniscope_nwb.nwb.read import Source, raise_remote
from miniscope_nwb.nwb.recording_file import check_series, movie_dtype, read_clock
from miniscope_nwb.recording import IntArray
from miniscope_nwb.remote.file import RemoteFile

_ADLER_BYTES = 4  # checksum at the end of a zlib stream
_FALLBACK_BYTES = 16_000_000  # read at once where h5py unpacks


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the chunks of a dataset are packed, where we can unpack them ourselves."""

    chunks: tuple[int, int, int]
    is_deflated: bool
    is_shuffled: bool


class StoredMovie(Movie):
    """The frames of a `OnePhotonSeries`, as recorded; use it as a context manager, or `close` it.

    Parameters
    ----------
    path
        The NWB file, ours or another's, here or on a server.
    series
        Name of the series in `acquisition`.
    clock
        When the frames were taken, where the caller has read it already.
    keep_in, keep_bytes, keep_in_memory_bytes
        A folder, how much of its disk unpacked chunks may take, and how much memory the ones that
        have no room there. The first ones that are read are kept until the movie is closed;
        samples that are not packed never.

    Raises
    ------
    NwbContentError
        If the file or the series cannot be read as a movie; one sentence.
    """

    def __init__(
        self,
        path: Source,
        series: str,
        *,
        clock: FrameClock | None = None,
        keep_in: Path | None = None,
        keep_bytes: int = 0,
        keep_in_memory_bytes: int = 0,
    ) -> None:
        self.path: Source = path if isinstance(path, RemoteFile) else Path(path)
        self.series = series
        check_series(self.path, series)
        self.clock = read_clock(self.path, series) if clock is None else clock
        self._file = h5py.File(self.path, "r")
        self._data = self._file[f"acquisition/{series}/data"]
        self.n_frames, self.width, self.height = self._data.shape
        self.dtype = movie_dtype(self._data.dtype)
        self._layout = _layout(self._data)
        self._lock = Lock()
        self._kept: KeptFrames | None = None
        if keep_in is not None and self._layout is not None and self._layout.is_deflated:
            piece = (min(self._layout.chunks[0], self.n_frames), self.height, self.width)
            self._kept = KeptFrames(
                keep_in, keep_bytes, keep_in_memory_bytes, shape=piece, dtype=self.dtype
            )

    def __enter__(self) -> StoredMovie:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; no thread may be reading."""
        if self._kept is not None:
            self._kept.close()
        self._file.close()

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return the frames [start, stop), (n, height, width)."""
        return self.take(np.arange(start, stop))

    def take(self, frames: IntArray) -> npt.NDArray[Any]:
        """Return chosen frames, (n, height, width), in the order of `frames`, which ascends.

        A chunk is unpacked once, and only as far as its last chosen frame.
        """
        if len(frames) and (frames[0] < 0 or frames[-1] >= self.n_frames):
            raise IndexError(f"frames {frames[0]} to {frames[-1]} of {self.n_frames}")
        out = np.empty((len(frames), self.height, self.width), self.dtype)
        length = self._layout.chunks[0] if self._layout else self._fallback_length()
        places = frames // length
        cuts = [*np.flatnonzero(np.diff(places, prepend=-1)).tolist(), len(frames)]
        for first, stop in pairwise(cuts):
            begin = int(places[first]) * length
            inside = frames[first:stop] - begin
            if self._layout is None:
                self._read_slowly(begin + inside, out[first:stop])
            elif (kept := self._keep(self._layout, begin)) is not None:
                np.take(kept, inside, axis=0, out=out[first:stop], mode="clip")
            else:
                self._read_chunks(self._layout, begin, inside, out[first:stop])
        return out

    def _keep(self, layout: _Layout, begin: int) -> Pixels | None:
        """Return the frames of the chunks that begin with frame `begin`, None without room."""
        if self._kept is None:
            return None
        n_frames = min(layout.chunks[0], self.n_frames - begin)
        whole = np.arange(n_frames)
        return self._kept.get(
            begin, n_frames, lambda frames: self._read_chunks(layout, begin, whole, frames)
        )

    def _fallback_length(self) -> int:
        frame_bytes = self._data.dtype.itemsize * self.height * self.width
        return int(
            self._data.chunks[0] if self._data.chunks else _FALLBACK_BYTES // frame_bytes + 1
        )

    def _read_slowly(self, frames: IntArray, out: Pixels) -> None:
        """Let h5py read frames that lie close together."""
        begin, stop = int(frames[0]), int(frames[-1]) + 1
        if len(frames) == stop - begin:
            stored = self._ask_h5py(slice(begin, stop))
        else:
            stored = np.stack([self._ask_h5py(frame) for frame in frames.tolist()])
        out[:] = movie_from_nwb(stored)

    def _ask_h5py(self, frames: slice | int, *area: slice) -> Pixels:
        """Let h5py read and unpack, (n, columns, rows) as stored."""
        try:
            with self._lock:
                stored: Pixels = self._data[(frames, *area)]
        except (OSError, RuntimeError) as problem:
            raise_remote(self.path, problem)
            where = f"{frames.start} to {frames.stop - 1}" if isinstance(frames, slice) else frames
            raise NwbContentError(
                f"frames {where} of {self.series} in {self.path.name} cannot be read ({problem}): "
                "the file is damaged; copy it again or convert again."
            ) from problem
        return stored

    def _read_chunks(self, layout: _Layout, begin: int, inside: IntArray, out: Pixels) -> None:
        """Read the chunks that begin with frame `begin`, over the whole field of view."""
        _, n_columns, n_rows = layout.chunks
        n_needed = int(inside[-1]) + 1
        for x in range(0, self.width, n_columns):
            for y in range(0, self.height, n_rows):
                columns, rows = min(n_columns, self.width - x), min(n_rows, self.height - y)
                chunk = self._unpack(layout, (begin, x, y), n_needed)
                if chunk is None:  # stored otherwise, or not at all
                    area = (slice(x, x + columns), slice(y, y + rows))
                    chunk = self._ask_h5py(slice(begin, begin + n_needed), *area)
                write_images_back(
                    chunk[inside, :columns, :rows], out=out[:, y : y + rows, x : x + columns]
                )

    def _unpack(self, layout: _Layout, place: tuple[int, int, int], n_needed: int) -> Any:
        """Return the first frames of a chunk, (n, columns, rows); None where h5py must do it."""
        with self._lock:
            try:
                mask, packed = self._data.id.read_direct_chunk(place)
            except (RuntimeError, OSError) as problem:  # the chunk was never written
                raise_remote(self.path, problem)
                return None
        if mask:
            return None
        shape = layout.chunks
        frame_bytes = shape[1] * shape[2] * self.dtype.itemsize
        reaches_end = place[0] + n_needed >= self.n_frames  # the rest is padding: check it as well
        wanted = shape[0] if layout.is_shuffled or reaches_end else n_needed
        samples = packed
        if layout.is_deflated:
            samples = _inflate(packed, wanted * frame_bytes, is_whole=wanted == shape[0])
        if samples is None or len(samples) < wanted * frame_bytes:
            return None  # damaged: h5py knows what to say of it
        if layout.is_shuffled:
            samples = _unshuffle(samples, self.dtype.itemsize)
        count = wanted * shape[1] * shape[2]
        return np.frombuffer(samples, self.dtype, count).reshape(wanted, *shape[1:])


def _inflate(packed: bytes, n_bytes: int, *, is_whole: bool) -> bytes | None:
    """Unpack a zlib stream (RFC 1950) up to `n_bytes`; None where it is damaged.

    With a limit of length the library does not come to the checksum at the end, so that of a whole
    chunk is compared here: a flipped bit can give wrong pixels without any other sign.
    """
    from isal import isal_zlib
    from isal.igzip_lib import IsalError

    try:
        samples: bytes = isal_zlib.decompressobj().decompress(packed, n_bytes)
    except IsalError:  # type: ignore[misc]  # its stub calls it no class
        return None
    if is_whole and isal_zlib.adler32(samples) != int.from_bytes(packed[-_ADLER_BYTES:], "big"):
        return None
    return samples


def _unshuffle(samples: bytes, itemsize: int) -> bytes:
    """Undo HDF5's shuffle: all first bytes of the samples, then all second ones, and so on."""
    if itemsize == 1:
        return samples
    return np.frombuffer(samples, np.uint8).reshape(itemsize, -1).T.tobytes()


def _layout(data: h5py.Dataset) -> _Layout | None:
    """Say how chunks are packed; None where only h5py can unpack them."""
    if data.chunks is None or data.dtype != movie_dtype(data.dtype):
        return None
    properties = data.id.get_create_plist()
    filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    known: Sequence[list[int]] = (
        [],
        [h5py.h5z.FILTER_DEFLATE],
        [h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE],
    )
    if filters not in known:
        return None
    return _Layout(data.chunks, bool(filters), len(filters) > 1)
