"""Say what a video file holds: codec, size, and how many frames can truly be decoded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import PartState, VideoPart
from miniscope_nwb.video.codecs import decoder_name, is_keyframe, is_lossy, is_raw
from miniscope_nwb.video.decode import is_container, keyframe_before, of_packets, pictures
from miniscope_nwb.video.picture import Picture
from miniscope_nwb.video.raw import bytes_per_pixel
from miniscope_nwb.video.riff import AviIndex, read_index

PixelFormat = Literal["gray8", "gray16", "palette8", "bgr24", "yuv", ""]

_ZERO_RUN = 64  # zero bytes at the end of a chunk that tell that its end was never written
_TAIL_TRIES = 20  # groups of frames that are tried, from the end, until one decodes


def probe_part(path: Path, *, relative_path: str, index: int) -> VideoPart:
    """Examine a video file; at most its first frame and a damaged end are decoded.

    An AVI is counted by its chunks (`riff`), other videos by their packets. Where an AVI was cut or
    not closed, its last frames are decoded to see where the good ones end: after a power loss, a
    chunk can be complete and hold zeros.

    Parameters
    ----------
    path
        The file.
    relative_path
        The name under which the file is known, relative to the session root.
    index
        0-based place in the device's sequence of files.

    Returns
    -------
    VideoPart
        ``state`` is ``"whole"``; ``"empty"`` (no bytes, or headers without a frame);
        ``"truncated"`` (frames are missing from the end, or its last ones do not decode);
        ``"unfinalised"`` (all complete, but the program was killed before it wrote counts and
        index); ``"unreadable"`` (not a video, or no frame of it decodes). Never raises for the
        content of the file.

    Raises
    ------
    RecordingError
        The file does not exist or may not be read.
    """
    try:
        n_bytes = path.stat().st_size
    except OSError as error:
        raise RecordingError(
            f"{relative_path} cannot be read: {error.strerror or error}; check the drive and copy "
            "the file again."
        ) from error
    if not os.access(path, os.R_OK):
        raise RecordingError(
            f"{relative_path} may not be read (permission denied): give yourself the right to read "
            "it; the file itself may be whole."
        )
    if n_bytes == 0:
        return _without_frames(path, relative_path, index, 0, "empty")
    if is_container(path):
        return _probe_container(path, relative_path, index, n_bytes)
    try:
        avi = read_index(path)
    except RecordingError:
        return _without_frames(path, relative_path, index, n_bytes, "unreadable")
    return _probe_avi(avi, relative_path, index)


def _probe_avi(avi: AviIndex, relative_path: str, index: int) -> VideoPart:
    n_frames = avi.n_frames
    state: PartState = "whole"
    if not n_frames:
        state = "empty"
    elif avi.is_truncated or not avi.is_finalised:
        n_frames = _n_good_frames(avi)
        is_cut = avi.is_truncated or n_frames < avi.n_frames
        state = "truncated" if is_cut else "unfinalised"
        if not n_frames:
            state = "unreadable"
    return VideoPart(
        path=avi.path,
        relative_path=relative_path,
        index=index,
        n_bytes=avi.n_bytes,
        fourcc=avi.fourcc,
        width=avi.width,
        height=avi.height,
        n_frames=n_frames,
        header_frames=avi.header_frames,
        pixel_format=_avi_pixel_format(avi) if n_frames else "",
        is_lossy=bool(avi.fourcc) and is_lossy(avi.fourcc),
        state=state,
    )


def _n_good_frames(avi: AviIndex) -> int:
    """Count the frames up to the last one that decodes."""
    n_frames = avi.n_frames
    with avi.path.open("rb", buffering=0) as file:
        if _ends_in_zeros(avi, file, n_frames - 1) and not _ends_in_zeros(avi, file, n_frames - 2):
            n_frames -= 1
        if is_keyframe(avi.fourcc, b"") is None or not decoder_name(avi.fourcc):
            return n_frames
        for _ in range(_TAIL_TRIES):
            if not n_frames:
                break
            first = keyframe_before(avi, file, n_frames - 1)
            n_good = _count_decodable(avi, first, n_frames)
            if n_good:
                return first + n_good
            n_frames = first
    return 0


def _count_decodable(avi: AviIndex, first: int, stop: int) -> int:
    n_good = 0
    try:
        for _ in of_packets(avi, first, stop):
            n_good += 1
    except RecordingError:
        pass  # this frame is where the good ones end
    return n_good


def _ends_in_zeros(avi: AviIndex, file: Any, number: int) -> bool:
    """Whether the end of a frame's chunk was never written.

    Black pixels are zeros too: a raw frame counts only where zeros follow the chunk as well.
    """
    if number < 0:
        return False
    offset, size = int(avi.offsets[number]), int(avi.sizes[number])
    length = min(size, _ZERO_RUN)
    file.seek(offset + size - length)
    data = file.read(length)
    if is_raw(avi.fourcc):
        file.seek(offset + size + (size & 1))
        after = file.read(8)
        return not any(data) and len(after) == 8 and not any(after)
    return not any(data)


def _avi_pixel_format(avi: AviIndex) -> PixelFormat:
    if not is_raw(avi.fourcc):
        part = _stub_of(avi)
        return _first_pixel_format(part)
    if avi.fourcc == "Y16 ":
        return "gray16"
    try:
        step = bytes_per_pixel(avi)
    except RecordingError:
        return ""
    return "bgr24" if step > 1 else "palette8" if avi.palette else "gray8"


def _stub_of(avi: AviIndex) -> VideoPart:
    return VideoPart(
        *(avi.path, avi.path.name, 0, avi.n_bytes, avi.fourcc, avi.width, avi.height),
        *(avi.n_frames, avi.header_frames, "", False, "whole"),
    )


def _first_pixel_format(part: VideoPart) -> PixelFormat:
    """Kind of samples in the first picture; "" where it cannot be decoded."""
    try:
        for picture in pictures(part, 0, 1):
            return _kind_of(picture)
    except RecordingError:
        pass  # decoding will say why
    return ""


def _kind_of(picture: Picture) -> PixelFormat:
    if picture.kind == "grey":
        return "gray8" if picture.planes[0].itemsize == 1 else "gray16"
    return "bgr24" if picture.kind == "rgb" else "yuv"


def _probe_container(path: Path, relative_path: str, index: int, n_bytes: int) -> VideoPart:
    """Count the packets of a video that is no AVI."""
    import av

    n_frames = 0
    state: PartState = "whole"
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if stream.codec_context is None:  # no decoder for this codec
                return _without_frames(path, relative_path, index, n_bytes, "unreadable")
            width, height = stream.codec_context.width, stream.codec_context.height
            fourcc = _tag_of(stream)
            claimed = int(stream.frames)
            try:
                for packet in container.demux(stream):
                    n_frames += packet.size > 0
            except av.FFmpegError:
                state = "truncated"
    except (av.FFmpegError, IndexError):
        return _without_frames(path, relative_path, index, n_bytes, "unreadable")
    if n_frames < claimed:
        state = "truncated"
    part = VideoPart(
        *(path, relative_path, index, n_bytes, fourcc, width, height, n_frames),
        *(claimed or None, "", is_lossy(fourcc), state if n_frames else "empty"),
    )
    return _with_pixel_format(part)


def _with_pixel_format(part: VideoPart) -> VideoPart:
    from dataclasses import replace

    return replace(part, pixel_format=_first_pixel_format(part)) if part.n_frames else part


def _tag_of(stream: Any) -> str:
    """FourCC of a stream; Matroska has none, there the codec's name stands for it."""
    tag = str(stream.codec_context.codec_tag)
    is_text = len(tag) == 4 and tag.isascii() and tag.isprintable()
    return tag if is_text else str(stream.codec_context.name)[:4].upper()


def _without_frames(
    path: Path, relative_path: str, index: int, n_bytes: int, state: PartState
) -> VideoPart:
    return VideoPart(
        path, relative_path, index, n_bytes, "", 0, 0, 0, None, "", is_lossy=False, state=state
    )
