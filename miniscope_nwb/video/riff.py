"""Find the frames of an AVI file by its own chunks, whatever its header or index claims.

A recording whose program was killed says in its header that it holds no frames, has no index, and
claims sizes of zero; a copy that broke off claims frames that it does not hold. So this walk reads
the chunk headers one after the other and trusts nothing but them: ``RIFF`` and ``LIST`` are
stepped into wherever they stand (``movi``, ``rec ``, the ``AVIX`` segments of OpenDML) and all
other chunks are stepped over. Only headers are read, never the frames. Written from the
descriptions of AVI RIFF (Microsoft) and of the OpenDML AVI file format extensions 1.02.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import IntArray

_BUFFER = 4096  # bytes read around a chunk header: small, or a network drive reads the whole film
_HEADER_LIMIT = 1 << 20  # bytes of a header chunk that are looked at; real ones have a few hundred
_NO_SIZE = (0, 0xFFFFFFFF)  # what writers put before they know
_LARGEST_SIDE = 32_768  # pixels
_LARGEST_AREA = 100_000_000  # pixels; a damaged header must not make a decoder take all memory
_COMPRESSIONS = {0: "DIB ", 1: "RLE8", 2: "RLE4", 3: "BITF"}  # biCompression that is not a FourCC
_NOT_VIDEO = (b"wb", b"tx", b"pc", b"ix")  # second half of the ids of sound, text, palette, index


@dataclass(frozen=True, slots=True)
class AviIndex:
    """Where the frames of the first video stream lie, and what its headers say.

    ``offsets`` and ``sizes`` have shape (n_frames,), bytes: the complete chunks that are not
    empty. An empty chunk stands for a frame that was not recorded. ``width``, ``height`` are 0
    where the file ends before its stream header.
    """

    path: Path
    n_bytes: int
    fourcc: str  # "DIB " where biCompression is 0
    width: int  # pixels
    height: int  # pixels
    is_bottom_up: bool  # the first row in the file is the lowest of the picture
    bits_per_pixel: int
    palette: bytes  # four bytes a colour: blue, green, red, zero; raw 8-bit streams only
    extradata: bytes  # codec header
    header_frames: int | None  # what the stream header claims
    offsets: IntArray
    sizes: IntArray
    n_empty_chunks: int
    is_truncated: bool  # frames are missing from the end
    is_finalised: bool  # the writer closed the file, and it is all there

    @property
    def n_frames(self) -> int:
        """Number of complete frames."""
        return len(self.offsets)


@dataclass(slots=True)
class _Walk:
    """What has been seen of the file so far."""

    n_streams: int = 0
    stream: int = -1  # number of the first video stream
    in_stream: bool = False  # the chunks read now belong to its header
    handler: bytes = b""
    strf: bytes = b""
    avih_frames: int | None = None
    strh_frames: int | None = None
    riff_sizes: list[int] = field(default_factory=list)
    offsets: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    n_empty: int = 0
    in_index: bool = False  # the frames of this segment are over
    is_cut: bool = False  # the last chunk is incomplete or garbage, and stands among the frames


def read_index(path: Path) -> AviIndex:
    """Walk through an AVI file and list its frames.

    Parameters
    ----------
    path
        The file. It is opened for reading only and closed again.

    Returns
    -------
    AviIndex
        Frames in file order. A truncated or unfinished file is no error; it yields the complete
        frames that it holds, possibly none.

    Raises
    ------
    RecordingError
        The file cannot be opened, is no AVI, or holds frames but no usable video header.
    """
    try:
        n_bytes = path.stat().st_size
        with path.open("rb", buffering=_BUFFER) as file:
            start = file.read(12)
            if not (b"RIFF".startswith(start[:4]) and b"AVI ".startswith(start[8:12])):
                raise RecordingError(
                    f"{path.name} is not an AVI file (it begins with {start[:12]!r}); "
                    "export or copy the recording again."
                )
            walk = _walk(file, n_bytes)
    except OSError as error:
        raise RecordingError(
            f"{path.name} cannot be read: {error.strerror or error}; check the drive and copy the "
            "file again."
        ) from error
    return _finish(path, n_bytes, walk)


def _walk(file: BinaryIO, n_bytes: int) -> _Walk:
    walk = _Walk()
    position, was_odd = 0, False
    while position + 8 <= n_bytes:
        file.seek(position)
        head = file.read(12)
        if not _is_name(head[:4]) and was_odd:  # some writers leave out the byte of padding
            position -= 1
            file.seek(position)
            head = file.read(12)
        if len(head) < 8 or not _is_name(head[:4]):
            break
        name, size = struct.unpack_from("<4sI", head)
        if name in (b"RIFF", b"LIST"):
            _enter(walk, name, size, head[8:12])
            position, was_odd = position + 12, False
            continue
        if position + 8 + size > n_bytes:
            break
        _take(walk, file, name, position + 8, size)
        position, was_odd = position + 8 + size + (size & 1), bool(size & 1)
    # anything but the end of the file is a chunk cut short; harmless once the index has begun
    walk.is_cut = position < n_bytes and not walk.in_index
    return walk


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def _enter(walk: _Walk, name: bytes, size: int, kind: bytes) -> None:
    if name == b"RIFF":
        walk.riff_sizes.append(size)
    if kind == b"movi":
        walk.in_stream = walk.in_index = False


def _take(walk: _Walk, file: BinaryIO, name: bytes, start: int, size: int) -> None:
    """Note one complete chunk whose data begin at `start`."""
    if name[:2].isdigit() and walk.stream == int(name[:2]) and name[2:] not in _NOT_VIDEO:
        if size:
            walk.offsets.append(start)
            walk.sizes.append(size)
        else:
            walk.n_empty += 1
    elif name == b"idx1":
        walk.in_index = True
    elif name in (b"avih", b"strh", b"strf"):
        file.seek(start)
        _take_header(walk, name, file.read(min(size, _HEADER_LIMIT)))


def _take_header(walk: _Walk, name: bytes, data: bytes) -> None:
    if name == b"avih" and len(data) >= 20 and walk.avih_frames is None:
        walk.avih_frames = struct.unpack_from("<I", data, 16)[0]
    elif name == b"strh":
        walk.in_stream = walk.stream < 0 and data[:4] == b"vids" and len(data) >= 36
        if walk.in_stream:
            walk.stream = walk.n_streams
            walk.handler = data[4:8]
            walk.strh_frames = struct.unpack_from("<I", data, 32)[0]
        walk.n_streams += 1
    elif name == b"strf" and walk.in_stream and not walk.strf:
        walk.strf = data


def _finish(path: Path, n_bytes: int, walk: _Walk) -> AviIndex:
    n_chunks = len(walk.offsets) + walk.n_empty
    if len(walk.strf) < 40:
        if n_chunks or walk.strf:
            raise RecordingError(
                f"{path.name} holds no usable video header; copy the file again from the "
                "acquisition computer."
            )
        return _headless(path, n_bytes, walk)
    width, height, bits, compression = _bitmap_header(path, walk.strf)
    is_raw = compression == 0
    header_frames = walk.strh_frames or walk.avih_frames or 0
    extra = walk.strf[40:]
    if struct.unpack_from("<I", walk.strf)[0] == len(walk.strf) - 1:
        extra = extra[:-1]  # counted with its byte of padding
    has_sizes = bool(walk.riff_sizes) and (
        walk.riff_sizes[0] not in _NO_SIZE and walk.riff_sizes[0] + 8 <= n_bytes + 1
    )
    is_short = header_frames > n_chunks or (walk.is_cut and header_frames != n_chunks)
    return AviIndex(
        path=path,
        n_bytes=n_bytes,
        fourcc=_fourcc(compression, walk.handler),
        width=width,
        height=abs(height),
        is_bottom_up=is_raw and height > 0,
        bits_per_pixel=bits,
        palette=extra[: 4 * 256] if is_raw and bits == 8 else b"",
        extradata=b"" if is_raw else extra,
        header_frames=header_frames,
        offsets=np.asarray(walk.offsets, np.int64),
        sizes=np.asarray(walk.sizes, np.int64),
        n_empty_chunks=walk.n_empty,
        is_truncated=is_short or (walk.is_cut and not header_frames and n_chunks > 0),
        is_finalised=has_sizes and not walk.is_cut and (header_frames > 0 or n_chunks == 0),
    )


def _headless(path: Path, n_bytes: int, walk: _Walk) -> AviIndex:
    """Return the index of a file that ends before its stream header."""
    none = np.zeros(0, np.int64)
    return AviIndex(
        path, n_bytes, "", 0, 0, False, 0, b"", b"", walk.avih_frames, none, none, 0, True, False
    )


def _bitmap_header(path: Path, strf: bytes) -> tuple[int, int, int, int]:
    """Width, height, bits a pixel and biCompression of a BITMAPINFOHEADER."""
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", strf, 4)
    sides = (width, abs(height))
    if not 0 < min(sides) <= max(sides) <= _LARGEST_SIDE or width * abs(height) > _LARGEST_AREA:
        raise RecordingError(
            f"{path.name} claims frames of {width} x {height} pixels, so its header is damaged; "
            "copy the file again from the acquisition computer."
        )
    return width, height, bits, compression


def _fourcc(compression: int, handler: bytes) -> str:
    if compression in _COMPRESSIONS:
        return _COMPRESSIONS[compression]
    name = struct.pack("<I", compression)
    for candidate in (name, handler):
        if _is_name(candidate.replace(b"\0", b" ")):
            return candidate.replace(b"\0", b" ").decode("ascii")
    return ""
