"""Decode a part again, by other software and in another process: the decoder of `verify`.

What differs from `decode`, by kind of file:

- FFV1, MJPEG and the like: OpenCV, which brings an FFmpeg build and a demuxer of its own. Where a
  file was cut or not closed and OpenCV stops early, PyAV's demuxer goes on from that frame: then
  the demuxer differs, the decoder's code does not. So it is with the chroma of YUV colour videos
  (their luma is OpenCV's), because OpenCV hands out no chroma as recorded.
- uncompressed AVI: PyAV, while `decode` reads the chunks itself; OpenCV corrupts its memory on
  some of them. 16-bit grey has no decoder: there only the demuxer differs.

The child process (`second_worker`) sends its frames through a pipe, so memory is bounded, and a
decoder that crashes takes nobody with it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import VideoPart
from miniscope_nwb.video.picture import Samples

# Kinds of message: the worker writes one byte, then what is said here.
FRAME, ERROR, DONE, FORMAT = b"F", b"E", b"D", b"H"
_WORKER = ("-m", "miniscope_nwb.video.second_worker")
LENGTH = struct.Struct("<Q")  # stands before every payload


def read_frames_again(
    part: VideoPart, start: int = 0, stop: int | None = None, *, colour: bool = False
) -> Iterator[Samples]:
    """Yield the frames that `decode.read_frames` yields, from an independent decoder.

    Parameters
    ----------
    part
        The file, as probed.
    start, stop
        Range of frames, 0-based, `stop` excluded. Decoding always begins at frame 0.
    colour
        Yield colour instead of grey levels.

    Yields
    ------
    numpy.ndarray
        (height, width) uint8 or uint16; (height, width, 3) uint8, red-green-blue, with `colour`.

    Raises
    ------
    RecordingError
        The second decoder finds another number of frames, cannot decode one, or died.
    """
    stop = part.n_frames if stop is None else min(stop, part.n_frames)
    if start >= stop:
        return
    request = {"part": _as_json(part), "start": start, "stop": stop, "colour": colour}
    with subprocess.Popen(
        [sys.executable, *_WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # decoders chatter
        env=_environment(),
    ) as worker:
        try:
            yield from _frames_of(worker, request, part)
        except BaseException:  # also when the caller wants no more frames
            worker.kill()
            raise


def _frames_of(
    worker: subprocess.Popen[bytes], request: dict[str, object], part: VideoPart
) -> Iterator[Samples]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(json.dumps(request).encode("ascii"))
        worker.stdin.close()
    except OSError as error:
        raise _died(part, worker) from error
    shape: tuple[int, ...] = ()
    dtype = np.dtype(np.uint8)
    while True:
        kind, payload = _receive(worker.stdout)
        if kind == FRAME:
            yield payload.view(dtype).reshape(shape)
        elif kind == FORMAT:
            said = json.loads(payload.tobytes())
            shape, dtype = tuple(said["shape"]), np.dtype(said["dtype"])
        elif kind == ERROR:
            raise RecordingError(payload.tobytes().decode("utf-8"))
        elif kind == DONE:
            return
        else:
            raise _died(part, worker)


def _receive(pipe: IO[bytes]) -> tuple[bytes, Samples]:
    """Return one message; the kind is empty where the worker is gone."""
    kind = pipe.read(1)
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return b"", np.zeros(0, np.uint8)
    payload = np.empty(LENGTH.unpack(head)[0], np.uint8)
    view, filled = payload.data, 0
    while filled < len(payload):
        n_read = pipe.readinto(view[filled:])  # type: ignore[attr-defined]
        if not n_read:
            return b"", payload
        filled += n_read
    return kind, payload


def _died(part: VideoPart, worker: subprocess.Popen[bytes]) -> RecordingError:
    code = worker.wait()
    return RecordingError(
        f"{part.relative_path} could not be decoded a second time: the decoder's process died "
        f"(exit code {code}); the file may be damaged, try it in another video program."
    )


def _as_json(part: VideoPart) -> dict[str, object]:
    fields = {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}
    return {**fields, "path": str(part.path)}


def _environment() -> dict[str, str]:
    """Let the worker find this package where the parent found it."""
    root = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": root + (os.pathsep + known if known else "")}
