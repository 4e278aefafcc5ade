"""Write AVI files as the acquisition programs do, byte for byte the same at every run.

For the simulator and the fixtures of the tests. FFV1 streams are those of OpenCV's writer
(version 3, four slices, a key frame every 12); raw ones are laid out as Windows and Bonsai do.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from miniscope_nwb.errors import OutputError
from miniscope_nwb.video.mux import RIFF_LIMIT, AviMuxer, StreamFormat

Frame = npt.NDArray[Any]

FOURCCS = ("FFV1", "MJPG", "GREY", "Y800", "Y16 ", "DIB ")
_GOP = 12  # frames from key frame to key frame, OpenCV's default
_FFV1_OPTIONS = {"level": "3", "slices": "4", "slicecrc": "1"}
_MJPG_OPTIONS = {"qmin": "3", "qmax": "3"}  # fixed quality; rate control would depend on history
_GREY_PALETTE = b"".join(bytes((level, level, level, 0)) for level in range(256))


class _Packer(Protocol):
    """Turns frames into chunks: (bytes, is key frame)."""

    stream: StreamFormat

    def pack(self, frame: Frame) -> Iterable[tuple[bytes, bool]]: ...

    def flush(self) -> Iterable[tuple[bytes, bool]]: ...


class AviWriter:
    """Writes frames into an AVI file.

    Parameters
    ----------
    path
        File to write; replaced where it exists.
    width, height
        Size of a frame in pixels; odd ones are kept.
    fourcc
        ``"FFV1"`` (lossless), ``"MJPG"`` (lossy), ``"GREY"``, ``"Y800"`` (8-bit, top row first),
        ``"Y16 "`` (16-bit little-endian) or ``"DIB "`` (bottom row first, rows padded to 4 bytes:
        8-bit with a grey palette, or 24-bit blue-green-red where `colour`).
    header_rate
        Frames per second that the header claims.
    colour
        Frames are (height, width, 3) uint8, red-green-blue, instead of (height, width).
    threads
        Threads of the FFV1 encoder; the bytes do not depend on it.
    riff_limit
        Bytes after which an OpenDML segment begins.

    Raises
    ------
    OutputError
        The file cannot be written, or there is no such format.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        width: int,
        height: int,
        fourcc: str,
        header_rate: float,
        colour: bool = False,
        threads: int = 1,
        riff_limit: int = RIFF_LIMIT,
    ) -> None:
        self._shape = (height, width, 3) if colour else (height, width)
        self._dtype = np.dtype(np.uint16 if fourcc == "Y16 " else np.uint8)
        self._packer = _make_packer(width, height, fourcc, colour=colour, threads=threads)
        self._muxer = AviMuxer(
            Path(path), self._packer.stream, header_rate=header_rate, riff_limit=riff_limit
        )
        self._path = Path(path)

    def __enter__(self) -> AviWriter:
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
            self._muxer.__exit__(kind, error, trace)

    def write(self, frame: Frame) -> None:
        """Append a frame: (height, width) uint8, uint16 for ``"Y16 "``, or (height, width, 3).

        Raises
        ------
        OutputError
            The frame is not of the size or type of the file.
        """
        if frame.shape != self._shape or frame.dtype != self._dtype:
            raise OutputError(
                f"{self._path} takes frames of shape {self._shape} and type {self._dtype}, not "
                f"{frame.shape} and {frame.dtype}."
            )
        for data, is_keyframe in self._packer.pack(frame):
            self._muxer.write(data, is_keyframe=is_keyframe)

    def close(self) -> None:
        """Write what the encoder holds back, the index and the headers."""
        for data, is_keyframe in self._packer.flush():
            self._muxer.write(data, is_keyframe=is_keyframe)
        self._muxer.close()


def _make_packer(width: int, height: int, fourcc: str, *, colour: bool, threads: int) -> _Packer:
    if fourcc == "FFV1":
        pixels = "bgra" if colour else "gray"
        return _Encoder(
            "ffv1", pixels, _FFV1_OPTIONS, width, height, fourcc=fourcc, threads=threads
        )
    if fourcc == "MJPG":
        # one thread: with more, libavcodec puts restart marks into the picture
        return _Encoder("mjpeg", "yuvj420p", _MJPG_OPTIONS, width, height, fourcc=fourcc, threads=1)
    if fourcc not in FOURCCS or (colour and fourcc != "DIB "):
        raise OutputError(
            f"No {'colour ' if colour else ''}AVI can be written with FourCC {fourcc!r}; choose "
            f"one of {', '.join(FOURCCS)} (colour: FFV1, MJPG, DIB)."
        )
    return _RawPacker(width, height, fourcc, colour=colour)


class _RawPacker:
    """Lays the samples of a frame out as they stand in a raw AVI."""

    def __init__(self, width: int, height: int, fourcc: str, *, colour: bool) -> None:
        is_dib = fourcc == "DIB "
        self._is_bottom_up = is_dib
        self._row_bytes = width * (3 if colour else 2 if fourcc == "Y16 " else 1)
        self._padding = -self._row_bytes % 4 if is_dib else 0
        self.stream = StreamFormat(
            width=width,
            height=height,
            handler=fourcc.encode("ascii"),
            compression=b"\0\0\0\0" if is_dib else fourcc.encode("ascii"),
            bits_per_pixel=self._row_bytes // width * 8,
            chunk_id=b"00db" if is_dib else b"00dc",
            palette=_GREY_PALETTE if is_dib and not colour else b"",
        )

    def pack(self, frame: Frame) -> Iterable[tuple[bytes, bool]]:
        if frame.ndim == 3:
            frame = frame[:, :, ::-1]
        if frame.dtype == np.uint16:
            frame = frame.astype("<u2", copy=False)
        if self._is_bottom_up:
            frame = frame[::-1]
        if self._padding:
            rows = frame.reshape(len(frame), self._row_bytes)
            frame = np.pad(rows, ((0, 0), (0, self._padding)))
        return [(frame.tobytes(), True)]

    def flush(self) -> Iterable[tuple[bytes, bool]]:
        return []


class _Encoder:
    """Encodes frames with libavcodec, without anything that differs from run to run."""

    def __init__(
        self,
        codec: str,
        pixels: str,
        options: dict[str, str],
        width: int,
        height: int,
        *,
        fourcc: str,
        threads: int,
    ) -> None:
        import av

        context = av.CodecContext.create(codec, "w")
        context.width, context.height, context.pix_fmt = width, height, pixels
        context.time_base, context.framerate = Fraction(1, 1000), Fraction(1000)
        context.gop_size = _GOP
        context.thread_count = threads
        context.options = {**options, "flags": "+bitexact", "threads": str(threads)}
        if threads > 1:
            context.thread_type = "SLICE"
        context.open()
        self._context = context
        self._index = 0
        self.stream = StreamFormat(
            width=width,
            height=height,
            handler=fourcc.encode("ascii"),
            compression=fourcc.encode("ascii"),
            bits_per_pixel=24,  # what OpenCV's writer claims, whatever the samples are
            extradata=bytes(context.extradata or b""),
        )

    def pack(self, frame: Frame) -> Iterable[tuple[bytes, bool]]:
        import av

        picture = av.VideoFrame(self._context.width, self._context.height, self._context.pix_fmt)
        for plane, samples in zip(picture.planes, self._planes(frame), strict=True):
            _fill(plane, samples)
        picture.pts = self._index
        self._index += 1
        return [(bytes(packet), packet.is_keyframe) for packet in self._context.encode(picture)]

    def flush(self) -> Iterable[tuple[bytes, bool]]:
        return [(bytes(packet), packet.is_keyframe) for packet in self._context.encode(None)]

    def _planes(self, frame: Frame) -> list[Frame]:
        if self._context.pix_fmt == "gray":
            return [frame]
        if self._context.pix_fmt == "bgra":
            opaque = np.full((*frame.shape[:2], 1), 255, np.uint8)
            return [np.concatenate([frame[:, :, ::-1], opaque], axis=2)]
        if frame.ndim == 2:
            height, width = frame.shape
            grey = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
            return [frame, grey, grey]
        return _yuv420_of_rgb(frame)


def _fill(plane: Any, samples: Frame) -> None:
    """Copy samples into a plane of an encoder's frame, whose rows are longer than the picture."""
    rows = samples.reshape(len(samples), -1)
    target = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    target[:, : rows.shape[1]] = rows


def _yuv420_of_rgb(frame: Frame) -> list[Frame]:
    """Full-range BT.601 planes (JPEG's), each chroma sample the mean of 2 x 2 pixels."""
    import cv2

    luma, red, blue = cv2.split(cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2YCrCb))
    height, width = luma.shape
    half = ((width + 1) // 2, (height + 1) // 2)
    edge = (0, height & 1, 0, width & 1)
    chroma = [
        cv2.resize(
            cv2.copyMakeBorder(plane, *edge, cv2.BORDER_REPLICATE),
            half,
            interpolation=cv2.INTER_AREA,
        )
        for plane in (blue, red)
    ]
    return [luma, *chroma]
