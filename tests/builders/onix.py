"""Folders of ONIX recordings of a Miniscope V4, small and with a known answer.

Written as the specification says that the workflow writes them, independently of the reader.
Frames are 48 rows by 64 columns, the clock of the sensor has 608 rows all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.video.write import AviWriter

SENSOR_ROWS = 608
HEADER = "Timestamp,AcquisitionClockHz,BlockReadSize,BlockWriteSize\n"
START_TEXT = "2026-03-02T14:05:07.1234567Z"


@dataclass(frozen=True)
class OnixOptions:
    """What to write. Defaults: the official names and header, one clock word a sensor row."""

    key: str = "0"
    is_lab: bool = False
    has_header: bool = True
    words_per_frame: int = SENSOR_ROWS
    n_frames: int = 20
    n_stamps: int | None = None  # None: as many as frames
    width: int = 64
    height: int = 48
    fourcc: str = "DIB "
    clock_hz: int = 250_000_000
    start: str = START_TEXT
    n_motion: int = 30
    faults: int = 2
    seed: int = 11


@dataclass(frozen=True)
class OnixTruth:
    """What the folder holds. Frames have shape (n_frames, height, width), uint8 or uint16."""

    folder: Path
    options: OnixOptions
    frames: np.ndarray
    ticks: np.ndarray  # (n_stamps,), uint64: start of the readout of each frame
    motion: np.ndarray  # (n_motion, 16): the fields of bno055
    fault_ticks: np.ndarray

    def path(self, kind: str, extension: str) -> Path:
        lab = "_miniscope" if self.options.is_lab and kind in ("start-time", "port-status") else ""
        return self.folder / f"{kind}_{self.options.key}{lab}.{extension}"

    @property
    def start(self) -> Path:
        return self.path("start-time", "csv")

    @property
    def video(self) -> Path:
        return self.path("ucla-miniscope-v4-video", "avi")

    @property
    def clock(self) -> Path:
        return self.path("ucla-miniscope-v4-clock", "raw")

    @property
    def bno055(self) -> Path:
        return self.path("bno055", "csv")

    @property
    def port_status(self) -> Path:
        return self.path("port-status", "csv")


def make_onix(folder: Path, **options: Any) -> OnixTruth:
    """Write a recording into `folder` (made where missing) and return what is in it."""
    chosen = OnixOptions(**options)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(chosen.seed)
    frames = _make_frames(chosen, rng)
    n_stamps = chosen.n_frames if chosen.n_stamps is None else chosen.n_stamps
    interval = chosen.clock_hz // 30
    # The context has been running for some time when the first frame is taken.
    ticks = 3_100_000_017 + np.arange(n_stamps) * interval + rng.integers(-500, 500, n_stamps)
    faults = ticks[:: max(n_stamps // 3, 1)][: chosen.faults] + 12_345
    motion = _make_motion(chosen, rng, int(ticks[0]) if n_stamps else 0, interval)
    truth = OnixTruth(folder, chosen, frames, ticks.astype(np.uint64), motion, faults)
    _write(truth)
    return truth


def readout_ticks(options: OnixOptions) -> int:
    """Ticks from the first to the last row of a frame."""
    return (SENSOR_ROWS - 1) * (options.clock_hz // 30 // 700)


def write_avi(path: Path, frames: np.ndarray, fourcc: str) -> None:
    """Write grey frames, shape (n, height, width), as one AVI file."""
    height, width = frames.shape[1:3]
    with AviWriter(path, width=width, height=height, fourcc=fourcc, header_rate=30) as writer:
        for frame in frames:
            writer.write(frame)


def _make_frames(options: OnixOptions, rng: np.random.Generator) -> np.ndarray:
    shape = (options.n_frames, options.height, options.width)
    is_deep = options.fourcc == "Y16 "
    dtype = np.uint16 if is_deep else np.uint8
    frames = rng.integers(20, 1000 if is_deep else 200, shape).astype(dtype)
    frames[:, :4, :8] = np.arange(options.n_frames, dtype=dtype)[:, None, None]
    return frames


def _make_motion(
    options: OnixOptions, rng: np.random.Generator, first: int, interval: int
) -> np.ndarray:
    n = options.n_motion
    clock = first + np.arange(n) * interval // 2 + rng.integers(0, interval // 4, n)
    angle = np.linspace(0, 1, n)
    zero = np.zeros(n)
    quaternion = np.stack([zero, zero, np.sin(angle / 2), np.cos(angle / 2)], axis=1)
    euler = np.stack([np.degrees(angle), zero, zero], axis=1)
    vectors = rng.normal(0, 1, (n, 6)).round(4)
    vectors[:, 5] = 9.81
    is_identity = zero[:, None]
    temperature = np.full((n, 1), 34.0)
    return np.hstack([clock[:, None], euler, quaternion, is_identity, vectors, temperature])


def _write(truth: OnixTruth) -> None:
    options = truth.options
    row = f"{options.start},{options.clock_hz},2048,2048\n"
    truth.start.write_bytes(((HEADER if options.has_header else "") + row).encode())
    write_avi(truth.video, truth.frames, options.fourcc)
    words = truth.ticks[:, None]
    if options.words_per_frame > 1:
        step = readout_ticks(options) // (SENSOR_ROWS - 1)
        words = words + np.arange(options.words_per_frame, dtype=np.uint64) * np.uint64(step)
    truth.clock.write_bytes(words.astype("<u8").tobytes())
    truth.bno055.write_bytes("".join(_motion_row(row) for row in truth.motion).encode())
    lines = ["Timestamp,Clock,StatusCode\n"] if options.has_header else []
    lines += [f"{options.start},{ticks},SerdesLock\n" for ticks in truth.fault_ticks.tolist()]
    truth.port_status.write_bytes("".join(lines).encode())


def _motion_row(row: np.ndarray) -> str:
    fields = [str(int(row[0])), *(repr(float(value)) for value in row[1:8])]
    fields += [str(bool(row[8])), *(repr(float(value)) for value in row[9:15]), str(int(row[15]))]
    return ",".join(fields) + "\n"
