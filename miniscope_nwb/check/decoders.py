"""A real test of the two decoders: a few frames, written, and decoded by each of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from miniscope_nwb.check.finding import Finding
from miniscope_nwb.errors import MiniscopeError

_HEIGHT, _WIDTH, _N_FRAMES = 48, 64, 2
_REMEDY = (
    'python -m pip install --force-reinstall "av" "opencv-python-headless" (after uninstalling '
    "every other opencv wheel)"
)


def examine_decoders() -> list[Finding]:
    """Decode two frames of FFV1 and of MJPEG with PyAV and with OpenCV, and compare them."""
    with tempfile.TemporaryDirectory(prefix="miniscope-nwb-") as folder:
        return [_examine_codec(fourcc, Path(folder)) for fourcc in ("FFV1", "MJPG")]


def _examine_codec(fourcc: str, folder: Path) -> Finding:
    from miniscope_nwb.video.decode import read_frames
    from miniscope_nwb.video.probe import probe_part
    from miniscope_nwb.video.second import read_frames_again
    from miniscope_nwb.video.write import AviWriter

    path = folder / f"{fourcc}.avi"
    ramp = np.add.outer(np.arange(_HEIGHT), np.arange(_WIDTH)).astype(np.uint8)
    frames = [ramp, ramp[::-1].copy()]
    try:
        with AviWriter(path, width=_WIDTH, height=_HEIGHT, fourcc=fourcc, header_rate=20) as avi:
            for frame in frames:
                avi.write(frame)
        part = probe_part(path, relative_path=path.name, index=0)
        first = list(read_frames(part))
        second = list(read_frames_again(part))
    except (MiniscopeError, ImportError) as problem:
        return Finding("decoders", "error", f"{fourcc} cannot be decoded: {problem}", _REMEDY)
    expected = frames if fourcc == "FFV1" else first  # MJPEG is lossy
    if not (_equal(first, expected) and _equal(second, expected)):
        return Finding("decoders", "error", f"PyAV and OpenCV decode {fourcc} differently", _REMEDY)
    return Finding("decoders", "ok", f"PyAV and OpenCV decode {fourcc} to the same frames")


def _equal(frames: list[np.ndarray], expected: list[np.ndarray]) -> bool:
    return len(frames) == len(expected) and all(
        np.array_equal(one, other) for one, other in zip(frames, expected, strict=True)
    )
