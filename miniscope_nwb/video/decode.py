"""Decode the frames of a part, bit for bit as they were recorded: the decoder of `convert`.

Uncompressed AVI files are read by their chunks (`raw`). Compressed ones are decoded by PyAV, fed
with the chunks that `riff` found rather than through its demuxer: files that were cut or never
closed then decode to their last complete frame, and any range can be had without seeking by time.
Only videos that are not AVI go through PyAV's demuxer.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import VideoPart
from miniscope_nwb.video import ffv1, raw
from miniscope_nwb.video.codecs import decoder_name, is_keyframe, is_raw
from miniscope_nwb.video.picture import Picture, Samples, of_av_frame
from miniscope_nwb.video.riff import AviIndex, read_index

_CONTAINER_SUFFIXES = (".mp4", ".m4v", ".mkv", ".mov", ".webm", ".mpg", ".mpeg", ".wmv")
# FFV1 has a checksum in every slice; without these libavcodec mends a bad one in silence.
_STRICT = {"err_detect": "crccheck+explode"}


def read_frames(
    part: VideoPart,
    start: int = 0,
    stop: int | None = None,
    *,
    colour: bool = False,
    threads: int = 1,
) -> Iterator[Samples]:
    """Yield frames of a part, exactly as recorded.

    Memory is bounded by a few frames. The interpreter lock is released while libavcodec works and
    while raw frames are read, so several parts can be decoded in threads.

    Parameters
    ----------
    part
        The file, as probed.
    start, stop
        Range of frames, 0-based, `stop` excluded; the end of the part by default.
    colour
        Yield colour instead of grey levels.
    threads
        Threads of the decoder.

    Yields
    ------
    numpy.ndarray
        (height, width) uint8 (uint16 for 16-bit files): the luma plane, the samples, or the
        common value of equal channels. With `colour`, (height, width, 3) uint8, red-green-blue;
        luma and chroma become RGB by the same integer arithmetic as in `second`.

    Raises
    ------
    RecordingError
        The file cannot be read, a frame cannot be decoded or is of another size, or the pictures
        are coloured and `colour` was not asked for.
    """
    stop = part.n_frames if stop is None else min(stop, part.n_frames)
    if start >= stop:
        return
    number = start
    try:
        for picture in pictures(part, start, stop, threads=threads):
            yield frame_of(part, number, picture, colour=colour, is_first=number == start)
            number += 1
    except OSError as error:
        raise RecordingError(
            f"{part.relative_path} cannot be read beyond frame {number}: "
            f"{error.strerror or error}; check the drive and start again."
        ) from error
    if number < stop:
        raise RecordingError(
            f"{part.relative_path} decodes to {number} frames instead of {stop}; it changed or is "
            "damaged: copy it again from the acquisition computer."
        )


def is_grey(part: VideoPart) -> bool:
    """Whether the first, the middle and the last picture of a part hold no colour.

    Raises
    ------
    RecordingError
        The pictures cannot be decoded.
    """
    numbers = sorted({0, part.n_frames // 2, part.n_frames - 1}) if part.n_frames else []
    return all(
        picture.is_grey() for number in numbers for picture in pictures(part, number, number + 1)
    )


def frame_of(
    part: VideoPart, number: int, picture: Picture, *, colour: bool, is_first: bool
) -> Samples:
    """Return the array of a picture, after checking its size and, for grey, its colours.

    Equal channels are checked in every frame; chroma, which grey recordings leave neutral and
    whose loss does not change the luma, only in the first.
    """
    if picture.shape != (part.height, part.width):
        height, width = picture.shape
        raise RecordingError(
            f"frame {number} of {part.relative_path} is {width} x {height} pixels instead of "
            f"{part.width} x {part.height}; split the recording where the size changes."
        )
    if colour:
        return picture.rgb()
    if (is_first or picture.kind == "rgb") and not picture.is_grey():
        raise RecordingError(
            f"{part.relative_path} is a colour video (frame {number}), so it is no miniscope's; if "
            "it is a behaviour camera, give the device the role 'camera' in the session YAML."
        )
    return picture.grey()


def pictures(part: VideoPart, start: int, stop: int, *, threads: int = 1) -> Iterator[Picture]:
    """Yield the pictures [start, stop) of a part, undecided between grey and colour.

    Fewer come where the decoder returns fewer frames than the file has chunks.
    """
    if is_container(part.path):
        return of_container(part, start, stop, threads=threads)
    index = read_index(part.path)
    stop = min(stop, index.n_frames)
    if is_raw(index.fourcc):
        return raw.read_pictures(index, start, stop)
    if decoder_name(index.fourcc):
        return of_packets(index, start, stop, threads=threads)
    return of_container(part, start, stop, threads=threads)


def is_container(path: Path) -> bool:
    """Whether a video is to be read by PyAV's demuxer because it is no AVI."""
    return path.suffix.lower() in _CONTAINER_SUFFIXES


def of_packets(index: AviIndex, start: int, stop: int, *, threads: int = 1) -> Iterator[Picture]:
    """Decode the pictures [start, stop), beginning with the key frame before them.

    Raises
    ------
    RecordingError
        A chunk cannot be decoded.
    """
    import av

    context = _open_decoder(index, threads)
    with index.path.open("rb", buffering=0) as file:
        first = keyframe_before(index, file, start)
        number = first
        is_checked = _has_checksums(index, file)
        for chunk in range(first, stop + 1):
            packet = None  # at the end: hand out what is held back
            if chunk < stop:
                data = _chunk(index, file, chunk)
                if is_checked and not ffv1.is_whole(data):
                    raise RecordingError(
                        f"frame {chunk} of {index.path.name} cannot be decoded (its checksum is "
                        "wrong); the file is damaged there: copy it again from the acquisition "
                        "computer."
                    )
                packet = _packet(data)
            try:
                frames = context.decode(packet)
            except av.FFmpegError as error:
                raise RecordingError(
                    f"frame {chunk} of {index.path.name} cannot be decoded ({error.strerror}); the "
                    "file is damaged there: copy it again from the acquisition computer."
                ) from error
            for frame in frames:
                if start <= number < stop:
                    yield of_av_frame(frame)
                number += 1


def of_container(part: VideoPart, start: int, stop: int, *, threads: int = 1) -> Iterator[Picture]:
    """Decode the pictures [start, stop) through PyAV's own demuxer, from the first frame on.

    Ends early, without an error, where the demuxer or the decoder cannot go on.
    """
    import av

    number = 0
    try:
        with av.open(str(part.path)) as container:
            stream = container.streams.video[0]
            if stream.codec_context is None:  # no decoder for this codec
                return
            stream.codec_context.thread_count = threads
            stream.thread_type = "AUTO" if threads > 1 else "NONE"
            for frame in container.decode(stream):
                if number >= stop:
                    return
                if number >= start:
                    yield of_av_frame(frame)
                number += 1
    except (av.FFmpegError, IndexError):
        return


def _open_decoder(index: AviIndex, threads: int) -> Any:
    import av

    context = av.CodecContext.create(decoder_name(index.fourcc), "r")
    context.width, context.height = index.width, index.height
    if index.extradata:
        context.extradata = index.extradata
    context.codec_tag = index.fourcc
    context.thread_count = threads
    context.thread_type = "AUTO" if threads > 1 else "NONE"
    if index.fourcc.upper() == "FFV1":
        context.options = _STRICT
    return context


def _has_checksums(index: AviIndex, file: BinaryIO | FileIO) -> bool:
    if index.fourcc.upper() != "FFV1" or not index.n_frames:
        return False
    return ffv1.has_checksums(_chunk(index, file, 0))


def _chunk(index: AviIndex, file: BinaryIO | FileIO, number: int) -> bytes:
    file.seek(int(index.offsets[number]))
    return file.read(int(index.sizes[number])) or b""


def _packet(data: bytes) -> Any:
    """Put the bytes of a chunk into a packet of libavcodec.

    Not ``Packet(data)``: decoders read a little beyond the end of a packet, where only memory that
    libavcodec has allocated is known to hold zeros. With other bytes there, frames can differ.
    """
    import av

    packet = av.Packet(len(data))
    packet.update(data)
    return packet


def keyframe_before(index: AviIndex, file: BinaryIO | FileIO, number: int) -> int:
    """Last frame up to `number` with which a decoder may begin."""
    while number > 0:
        file.seek(int(index.offsets[number]))
        if is_keyframe(index.fourcc, file.read(2)):
            return number
        number -= 1
    return 0
