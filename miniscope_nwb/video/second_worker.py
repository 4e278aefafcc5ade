"""The child process of `second`: decodes a part with the second decoder, writes frames to a pipe.

Run as ``python -m miniscope_nwb.video.second_worker``; the request comes as JSON on standard input.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import VideoPart
from miniscope_nwb.video.codecs import is_raw
from miniscope_nwb.video.decode import frame_of, of_container
from miniscope_nwb.video.picture import Picture, Samples, of_interleaved
from miniscope_nwb.video.second import DONE, ERROR, FORMAT, FRAME, LENGTH

_BLUE_GREEN_RED = (2, 1, 0)  # where OpenCV puts red, green and blue


def second_pictures(part: VideoPart, start: int, stop: int, *, colour: bool) -> Iterator[Picture]:
    """Yield the pictures [start, stop) by other ways than `decode.pictures`; see `second`."""
    if is_raw(part.fourcc):
        source = _of_demuxer if part.fourcc == "Y16 " else of_container
        yield from source(part, start, stop)
        return
    number = start
    from_opencv = _of_opencv(part, start, stop)
    if not (colour and part.pixel_format == "yuv"):
        for picture in from_opencv:
            yield picture
            number += 1
        if number < stop:
            yield from of_container(part, number, stop)
        return
    for whole in of_container(part, start, stop):
        luma = next(from_opencv, None)
        planes = (luma or whole).planes[:1] + whole.planes[1:]
        yield Picture("yuv", planes, is_full_range=whole.is_full_range)


def _of_opencv(part: VideoPart, start: int, stop: int) -> Iterator[Picture]:
    """Yield what OpenCV decodes, unconverted, until it stops."""
    import cv2

    capture = cv2.VideoCapture(str(part.path), cv2.CAP_FFMPEG)
    capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    code = int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT))
    pixel_code = (code & 0xFFFFFFFF).to_bytes(4, "little")
    try:
        for number in range(stop):
            if not capture.grab():
                return
            if number < start:
                continue
            is_good, frame = capture.retrieve()
            picture = _picture_of(part, frame, pixel_code) if is_good else None
            if picture is None:
                return
            yield picture
    finally:
        capture.release()


def _picture_of(part: VideoPart, frame: Samples, pixel_code: bytes) -> Picture | None:
    """Return the picture, or None where OpenCV does not hand the samples out as they are.

    It hands out 8- and 16-bit grey, interleaved blue-green-red, and the luma plane of YUV; formats
    that it does not know it takes for 8-bit grey.
    """
    if frame.shape[:2] != (part.height, part.width):
        return None
    if part.pixel_format == "bgr24":
        is_known = frame.ndim == 3 and pixel_code[:3] == b"BGR"
        return of_interleaved(frame, _BLUE_GREEN_RED) if is_known else None
    is_plain = frame.ndim == 2 and (frame.itemsize == 2) == (part.pixel_format == "gray16")
    return Picture("grey", (frame,)) if is_plain else None


def _of_demuxer(part: VideoPart, start: int, stop: int) -> Iterator[Picture]:
    """Take 16-bit samples out of the packets; no decoder knows the FourCC."""
    import av

    with av.open(str(part.path)) as container:
        for number, packet in enumerate(container.demux(container.streams[0])):
            if number >= stop or packet.size != 2 * part.width * part.height:
                return
            if number >= start:
                samples = np.frombuffer(bytes(packet), "<u2").reshape(part.height, part.width)
                yield Picture("grey", (samples,))


def _serve(request: dict[str, object], pipe: BinaryIO) -> None:
    part = _part_of(request["part"])
    start, stop = int(str(request["start"])), int(str(request["stop"]))
    colour = bool(request["colour"])
    number = start
    for picture in second_pictures(part, start, stop, colour=colour):
        frame = np.ascontiguousarray(
            frame_of(part, number, picture, colour=colour, is_first=number == start)
        )
        if number == start:
            said = {"shape": frame.shape, "dtype": frame.dtype.str}
            _send(pipe, FORMAT, json.dumps(said).encode("ascii"))
        _send(pipe, FRAME, frame.data)
        number += 1
    if number < stop:
        raise RecordingError(
            f"{part.relative_path}: the second decoder finds {number} frames, the first "
            f"{stop}; the file may be damaged, copy it again from the acquisition computer."
        )


def _part_of(fields: object) -> VideoPart:
    assert isinstance(fields, dict)
    return VideoPart(**{**fields, "path": Path(fields["path"])})


def _send(pipe: BinaryIO, kind: bytes, payload: bytes | memoryview) -> None:
    view = memoryview(payload)
    pipe.write(kind + LENGTH.pack(view.nbytes))
    pipe.write(view)


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.buffer.read())
    # what decoders print must not stand between the frames
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        _serve(request, pipe)
    except RecordingError as error:
        _send(pipe, ERROR, str(error).encode("utf-8"))
    else:
        _send(pipe, DONE, b"")
    pipe.flush()


if __name__ == "__main__":
    main()
