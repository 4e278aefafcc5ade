"""Folders of recordings of the Open Ephys Miniscope V4 GUI, small and with a known answer.

Written as the specification says that the program writes them, independently of the reader.
Frames are 48 rows by 64 columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.video.write import AviWriter

HEADER = (
    "FrameNumber,HardwareTime,Quaternion_X,Quaternion_Y,Quaternion_Z,Quaternion_W,"
    "DigitalIn0,DigitalIn1,Timestamp"
)
START = datetime(2026, 3, 2, 14, 5, 7, 123456, tzinfo=timezone(timedelta(hours=2)))
SETTINGS = """\
Hardware:
  Miniscope:
    LedBrightness: 12.5
    Focus: -30
    SensorGain: Low
    FrameRate: Fps30
  Commutator:
    PortName: ''
    Enable: true
    Axes: {}
File:
  FileName: C:\\data\\mouse 7.avi
  Color: [0, 0, 255]
  Comment:
"""


@dataclass(frozen=True)
class GuiOptions:
    """What to write. `lost` maps a saved frame to the number of frames lost before it."""

    stem: str = "mouse7_0"
    n_frames: int = 20
    width: int = 64
    height: int = 48
    fourcc: str = "Y800"
    lost: dict[int, int] = field(default_factory=dict)
    high: tuple[tuple[int, int], ...] = ((3, 6), (15, 20))  # frames at which input 0 is high
    first_ms: float = 81_234.7  # the clock runs before the recording begins
    settings: str = SETTINGS
    seed: int = 5


@dataclass(frozen=True)
class GuiTruth:
    """What the folder holds. Frames have shape (n_frames, height, width), uint8."""

    folder: Path
    options: GuiOptions
    frames: np.ndarray
    numbers: np.ndarray
    hardware_ms: np.ndarray
    quaternions: np.ndarray  # (n_frames, 4): X, Y, Z, W
    is_high: np.ndarray

    def path(self, extension: str) -> Path:
        return self.folder / f"{self.options.stem}.{extension}"


def make_gui(folder: Path, **options: Any) -> GuiTruth:
    """Write a recording into `folder`, beside others that may be there."""
    chosen = GuiOptions(**options)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(chosen.seed)
    n = chosen.n_frames
    frames = rng.integers(20, 200, (n, chosen.height, chosen.width), dtype=np.uint8)
    numbers = 41 + np.cumsum([1 + chosen.lost.get(frame, 0) for frame in range(n)])
    elapsed = (numbers - numbers[0]) * 1000 / 30 + rng.uniform(-1, 1, n) * (np.arange(n) > 0)
    angle = np.linspace(0, 1, n)
    zero = np.zeros(n)
    quaternions = np.stack([zero, zero, np.sin(angle / 2), np.cos(angle / 2)], axis=1)
    is_high = np.zeros(n, dtype=bool)
    for start, stop in chosen.high:
        is_high[start:stop] = True
    hardware = np.round(chosen.first_ms + elapsed, 1)
    truth = GuiTruth(folder, chosen, frames, numbers, hardware, quaternions, is_high)
    _write(truth)
    return truth


def _write(truth: GuiTruth) -> None:
    options = truth.options
    with AviWriter(
        truth.path("avi"),
        width=options.width,
        height=options.height,
        fourcc=options.fourcc,
        header_rate=30,
    ) as writer:
        for frame in truth.frames:
            writer.write(frame)
    lines = [HEADER, *(_row(truth, frame) for frame in range(options.n_frames))]
    truth.path("csv").write_bytes("".join(line + "\r\n" for line in lines).encode())
    truth.path("yml").write_bytes(options.settings.encode())
    truth.path("log").write_bytes(b"Info,Recording started\r\n")


def _row(truth: GuiTruth, frame: int) -> str:
    elapsed_ms = float(truth.hardware_ms[frame] - truth.hardware_ms[0])
    moment = START + timedelta(milliseconds=elapsed_ms)
    stamp = moment.isoformat(timespec="microseconds").replace("+", "7+")  # seven decimals
    fields = [str(truth.numbers[frame]), repr(float(truth.hardware_ms[frame]))]
    fields += [repr(float(value)) for value in truth.quaternions[frame]]
    fields += [str(bool(truth.is_high[frame])), "False", stamp]
    return ",".join(fields)
