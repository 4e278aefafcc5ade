"""Put chunks of video into an AVI file whose bytes depend on nothing but its frames.

An AVI is a RIFF tree: ``RIFF 'AVI '`` holds ``LIST hdrl`` (headers), ``LIST movi`` (one ``00dc``
or ``00db`` chunk a frame) and ``idx1`` (the index). Beyond `RIFF_LIMIT` bytes it goes on in
``RIFF 'AVIX'`` segments with an index of indices in the header (OpenDML 1.02). Libraries write
their version, and sometimes the time, into the file; this writer does not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from miniscope_nwb.errors import OutputError

RIFF_LIMIT = 2**30  # bytes of one RIFF segment; many players cannot seek further
MAX_SEGMENTS = 256  # entries kept free in the header for the index of indices
_KEYFRAME = 0x10  # AVIIF_KEYFRAME in idx1
_NOT_KEYFRAME = 0x8000_0000  # top bit of a size in ix00
_HAS_INDEX_AND_INTERLEAVED = 0x10 | 0x100


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What the stream header says of the video."""

    width: int
    height: int
    handler: bytes  # fccHandler, four characters
    compression: bytes  # biCompression, four characters or four zeros
    bits_per_pixel: int
    chunk_id: bytes = b"00dc"
    palette: bytes = b""  # four bytes a colour: blue, green, red, zero
    extradata: bytes = b""  # codec header, stands behind BITMAPINFOHEADER


def _chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) & 1)


def _list(name: bytes, payload: bytes) -> bytes:
    return _chunk(b"LIST", name + payload)


class AviMuxer:
    """Writes one video stream into an AVI file.

    Use as a context manager; on an exception the file is left as it is, unfinished, like one
    whose program was killed.

    Parameters
    ----------
    path
        File to write; replaced where it exists.
    stream
        What the headers say.
    header_rate
        Frames per second in the header.
    riff_limit
        Bytes after which an AVIX segment begins.
    """

    def __init__(
        self, path: Path, stream: StreamFormat, *, header_rate: float, riff_limit: int = RIFF_LIMIT
    ) -> None:
        self._path = path
        self._stream = stream
        self._rate = Fraction(header_rate).limit_denominator(10_000)
        self._limit = riff_limit
        self._n_frames = 0
        self._n_frames_first = 0
        self._largest = 0
        self._first_sizes = (0, 0)  # of the first RIFF and of its movi list
        self._segments: list[tuple[int, int, int]] = []  # ix00: offset, bytes, frames
        self._entries: list[tuple[int, int, bool]] = []  # of this segment: offset, bytes, key
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
        self._file.write(self._header())
        self._riff_start = 0
        self._movi_start = self._file.tell() - 12
        self._end = self._file.tell()

    def __enter__(self) -> AviMuxer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()

    def write(self, data: bytes | memoryview, *, is_keyframe: bool = True) -> None:
        """Append one frame's chunk."""
        room = self._end - self._riff_start + len(data) + 24 * (len(self._entries) + 2)
        if self._entries and room > self._limit:
            self._next_segment()
        size = len(data)
        self._file.write(self._stream.chunk_id + struct.pack("<I", size))
        self._file.write(data)
        if size & 1:
            self._file.write(b"\0")
        self._entries.append((self._end, size, is_keyframe))
        self._end += 8 + size + (size & 1)
        self._n_frames += 1
        self._largest = max(self._largest, size)

    def close(self) -> None:
        """Write the index and the final headers."""
        if self._file.closed:
            return
        if self._segments:
            self._finish_segment()
        else:
            self._finish_first(with_ix=False)
        self._file.seek(0)
        self._file.write(self._header())
        self._file.close()

    # the tree ------------------------------------------------------------------------------

    def _finish_first(self, *, with_ix: bool) -> None:
        self._n_frames_first = self._n_frames
        if with_ix:
            self._write_ix()
        movi_size = self._end - self._movi_start - 8
        index = b"".join(
            self._stream.chunk_id
            # offsets in idx1 are counted from the word 'movi'
            + struct.pack("<III", _KEYFRAME * key, offset - self._movi_start - 8, size)
            for offset, size, key in self._entries
        )
        block = _chunk(b"idx1", index)
        self._file.write(block)
        self._end += len(block)
        self._first_sizes = (self._end - 8, movi_size)

    def _finish_segment(self) -> None:
        self._write_ix()
        self._file.seek(self._riff_start + 4)
        self._file.write(struct.pack("<I", self._end - self._riff_start - 8))
        self._file.seek(self._movi_start + 4)
        self._file.write(struct.pack("<I", self._end - self._movi_start - 8))
        self._file.seek(self._end)

    def _next_segment(self) -> None:
        if len(self._segments) >= MAX_SEGMENTS - 1:
            raise OutputError(
                f"{self._path} would exceed {MAX_SEGMENTS * self._limit} bytes; write fewer frames "
                "a file."
            )
        if self._segments:
            self._finish_segment()
        else:
            self._finish_first(with_ix=True)
        self._entries = []
        self._riff_start = self._end
        self._movi_start = self._end + 12
        self._file.write(b"RIFF" + struct.pack("<I", 0) + b"AVIX")
        self._file.write(b"LIST" + struct.pack("<I", 0) + b"movi")
        self._end += 24

    def _write_ix(self) -> None:
        entries = b"".join(
            struct.pack("<II", offset + 8 - self._riff_start, size | (0 if key else _NOT_KEYFRAME))
            for offset, size, key in self._entries
        )
        head = struct.pack("<HBBI4sQI", 2, 0, 1, len(self._entries), self._stream.chunk_id,
                           self._riff_start, 0)  # fmt: skip
        block = _chunk(b"ix00", head + entries)
        self._file.write(block)
        self._segments.append((self._end, len(block), len(self._entries)))
        self._end += len(block)

    # the headers, always of the same length ----------------------------------------------------

    def _header(self) -> bytes:
        stream_list = _list(b"strl", self._strh() + self._strf() + self._super_index())
        hdrl = _list(b"hdrl", self._avih() + stream_list + self._odml())
        riff_size, movi_size = self._first_sizes
        start = b"RIFF" + struct.pack("<I", riff_size) + b"AVI "
        return start + hdrl + b"LIST" + struct.pack("<I", movi_size) + b"movi"

    def _avih(self) -> bytes:
        s = self._stream
        microseconds = round(1_000_000 / self._rate)
        fields = (
            *(microseconds, 0, 0, _HAS_INDEX_AND_INTERLEAVED, self._n_frames_first, 0, 1),
            *(self._largest, s.width, s.height, 0, 0, 0, 0),
        )
        return _chunk(b"avih", struct.pack("<14I", *fields))

    def _strh(self) -> bytes:
        s, rate = self._stream, self._rate
        head = b"vids" + s.handler + struct.pack("<IHHI", 0, 0, 0, 0)
        timing = struct.pack(
            "<IIIIIiI", rate.denominator, rate.numerator, 0, self._n_frames, self._largest, -1, 0
        )
        return _chunk(b"strh", head + timing + struct.pack("<4H", 0, 0, s.width, s.height))

    def _strf(self) -> bytes:
        s = self._stream
        row_bytes = (s.width * s.bits_per_pixel // 8 + 3) // 4 * 4
        head = struct.pack("<IiiHH4sIiiII", 40 + len(s.extradata), s.width, s.height, 1,
                           s.bits_per_pixel, s.compression, row_bytes * s.height, 0, 0,
                           len(s.palette) // 4, 0)  # fmt: skip
        return _chunk(b"strf", head + s.extradata + s.palette)

    def _super_index(self) -> bytes:
        size = 24 + 16 * MAX_SEGMENTS
        if not self._segments:
            return _chunk(b"JUNK", b"\0" * size)
        head = struct.pack("<HBBI4s12x", 4, 0, 0, len(self._segments), self._stream.chunk_id)
        entries = b"".join(struct.pack("<QII", *segment) for segment in self._segments)
        return _chunk(b"indx", (head + entries).ljust(size, b"\0"))

    def _odml(self) -> bytes:
        total = _chunk(b"dmlh", struct.pack("<I", self._n_frames).ljust(248, b"\0"))
        if not self._segments:
            return _chunk(b"JUNK", b"\0" * (4 + len(total)))
        return _list(b"odml", total)
