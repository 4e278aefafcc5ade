"""Which frames make a movie, and the chunks in which they are stored.

Chunks are made outside HDF5's own filters: any thread may hand in any frame; whoever completes a
chunk compresses it and puts it into the file as it is. ISA-L's deflate is several times faster
than zlib's, and its output opens in every HDF5 reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.nwb.axes import Pixels, shape_in_nwb, write_image
from miniscope_nwb.recording import IntArray, VideoPart
from miniscope_nwb.session import Compression, Segment

CHUNK_BYTES = 4_000_000  # as many whole frames as fit: stays inside HDF5's chunk cache of 8 MB
CHUNK_FRAMES = 10  # at most: a viewer that wants one frame should not decompress many
LARGE_FRAME_BYTES = 8_000_000  # frames above are cut into parts of their width
GZIP_LEVEL = 1  # the noise of these movies holds no structure for a higher level to find


@dataclass(frozen=True, slots=True)
class FrameRun:
    """Frames of a movie that come one after the other from one part.

    ``frames`` has shape (n,): 0-based frames in the part, ascending. The first of them is frame
    ``start`` of the movie, the others follow.
    """

    part: VideoPart
    frames: IntArray
    start: int


@dataclass(frozen=True, slots=True)
class Movie:
    """All stored frames of one device, over all segments of the file."""

    device: str
    width: int  # pixels
    height: int  # pixels
    is_colour: bool
    dtype: np.dtype[Any]
    runs: tuple[FrameRun, ...]

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return sum(len(run.frames) for run in self.runs)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the dataset: (time, width, height), or (time, width, height, 3)."""
        image = (self.height, self.width, 3) if self.is_colour else (self.height, self.width)
        return (self.n_frames, *shape_in_nwb(image))

    @property
    def n_bytes(self) -> int:
        """Bytes of the uncompressed frames."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def chunks(self) -> tuple[int, ...]:
        """Shape of a chunk of the dataset."""
        return chunk_shape(self.shape, self.dtype.itemsize)


def frame_runs(name: str, segments: Sequence[Segment]) -> tuple[FrameRun, ...]:
    """Cut the frames of a device, in the order of its stamps, where the part changes."""
    runs: list[FrameRun] = []
    start = 0
    for segment in segments:
        timeline = segment.timelines.get(name)
        if timeline is None or not timeline.n_frames:
            continue
        device = next(d for d in segment.recording.devices if d.name == name)
        part, frame = timeline.part, timeline.frame_in_part
        cuts = np.flatnonzero((np.diff(part) != 0) | (np.diff(frame) <= 0)) + 1
        for first, stop in zip([0, *cuts], [*cuts, timeline.n_frames], strict=True):
            runs.append(FrameRun(device.parts[int(part[first])], frame[first:stop], start))
            start += int(stop - first)
    return tuple(runs)


def make_movie(name: str, segments: Sequence[Segment], *, is_camera: bool) -> Movie:
    """Collect the frames of a device as one movie.

    Grey recordings become (height, width) frames of the recorded depth; a camera's become red,
    green and blue unless all its parts hold single-channel samples.

    Raises
    ------
    RecordingError
        If the frame size or depth changes between parts.
    """
    runs = frame_runs(name, segments)
    first = runs[0].part
    for run in runs[1:]:
        same = (run.part.width, run.part.height) == (first.width, first.height)
        if not same or (run.part.pixel_format == "gray16") != (first.pixel_format == "gray16"):
            raise RecordingError(
                f"{run.part.relative_path} holds frames of {_size(run.part)}, but "
                f"{first.relative_path} of {_size(first)}: convert the recordings of each size "
                "separately."
            )
    is_colour = is_camera and any(run.part.pixel_format not in ("gray8", "gray16") for run in runs)
    dtype = np.dtype(np.uint16 if first.pixel_format == "gray16" else np.uint8)
    return Movie(name, first.width, first.height, is_colour, dtype, runs)


def _size(part: VideoPart) -> str:
    bits = 16 if part.pixel_format == "gray16" else 8
    return f"{part.width} x {part.height} pixels, {bits} bit"


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Chunks of one to ten whole frames in 4 MB; of parts of the width for frames above 8 MB.

    Parameters
    ----------
    shape
        Of the dataset: (time, width, height) or (time, width, height, 3).
    itemsize
        Bytes a sample.
    """
    n_frames, width, *rest = shape
    frame_bytes = int(np.prod(shape[1:], dtype=np.int64)) * itemsize
    if frame_bytes > LARGE_FRAME_BYTES:
        n_columns = max(1, width * CHUNK_BYTES // frame_bytes)
        return (1, n_columns, *rest)
    n_fitting = min(max(1, CHUNK_BYTES // frame_bytes), CHUNK_FRAMES)
    return (min(n_fitting, max(1, n_frames)), width, *rest)


@dataclass(slots=True)
class _Chunk:
    pixels: Pixels
    n_missing: int  # frames that it still waits for


@dataclass(slots=True)
class ChunkWriter:
    """Takes the frames of a movie from any thread and writes them as whole chunks.

    Chunks that wait for frames are few: one for every piece of the movie that is being decoded,
    and one for every seam between two pieces.
    """

    movie: Movie
    dataset: Any  # h5py.Dataset with the movie's shape, type and chunks
    compression: Compression
    n_done: int = 0  # frames handed in
    n_bytes: int = 0  # written
    _waiting: dict[int, _Chunk] = field(default_factory=dict)
    _spare: list[Pixels] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, number: int, image: Pixels) -> None:
        """Take frame `number` of the movie, (height, width) or (height, width, 3)."""
        length = self.movie.chunks[0]
        place, offset = divmod(number, length)
        with self._lock:
            chunk = self._waiting.get(place)
            if chunk is None:
                chunk = self._waiting[place] = self._new_chunk(place)
        write_image(image, out=chunk.pixels[offset])
        with self._lock:
            chunk.n_missing -= 1
            self.n_done += 1
            is_whole = chunk.n_missing == 0
            if is_whole:
                del self._waiting[place]
        if is_whole:
            self._write(place * length, chunk.pixels)
            with self._lock:
                self._spare.append(chunk.pixels)

    def _new_chunk(self, place: int) -> _Chunk:
        length, shape = self.movie.chunks[0], self.movie.shape
        n_frames = min(length, shape[0] - place * length)
        if n_frames < length:  # HDF5 wants whole chunks; zeros beyond the end are never seen
            return _Chunk(np.zeros((length, *shape[1:]), self.movie.dtype), n_frames)
        pixels = self._spare.pop() if self._spare else None
        return _Chunk(
            np.empty((length, *shape[1:]), self.movie.dtype) if pixels is None else pixels, n_frames
        )

    def _write(self, first: int, pixels: Pixels) -> None:
        """Compress and write the frames of a chunk, by parts of their width where so chunked."""
        _, n_columns, *rest = self.movie.chunks
        width = self.movie.shape[1]
        for column in range(0, width, n_columns):
            block = pixels[:, column : column + n_columns]
            if block.shape[1] < n_columns:
                padded = np.zeros((len(pixels), n_columns, *rest), pixels.dtype)
                padded[:, : block.shape[1]] = block
                block = padded
            data = encode_chunk(np.ascontiguousarray(block), self.compression)
            self.dataset.id.write_direct_chunk((first, column, *(0 for _ in rest)), data)
            with self._lock:
                self.n_bytes += len(data)


def encode_chunk(block: Pixels, compression: Compression) -> Any:
    """Return the bytes of a chunk as HDF5's deflate filter, or no filter, would store them."""
    samples = block if block.dtype.itemsize == 1 else block.astype(block.dtype.newbyteorder("<"))
    if compression == "none":
        return samples.tobytes()
    from isal import isal_zlib

    return isal_zlib.compress(samples, GZIP_LEVEL)
