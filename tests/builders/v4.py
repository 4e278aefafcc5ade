"""Session folders of Miniscope-DAQ-QT-Software, any version, small and with a known answer.

The folder is written as the specification says that the software writes it, independently of the
reader. Frames are 48 rows by 64 columns unless asked otherwise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.video.write import AviWriter

VERSIONS = ("v0.1", "v0.13", "v1.02", "v1.11", "v2.0")
START = datetime(2023, 3, 26, 14, 5, 9, 123000, tzinfo=timezone(timedelta(hours=2)))
HEADER_RATE = 60  # what the software's AVI headers claim, whatever the rate
STAMP_HEADER = "Frame Number,Time Stamp (ms),Buffer Index"


@dataclass(frozen=True)
class V4Options:
    """What to write. Defaults: one scope, no camera, 25 frames in files of 10."""

    version: str = "v1.11"
    scopes: tuple[str, ...] = ("Miniscope",)
    cameras: tuple[str, ...] = ()
    n_frames: int = 25
    frames_per_file: int = 10
    width: int = 64
    height: int = 48
    fourcc: str = "FFV1"
    camera_fourcc: str = "MJPG"
    rate_hz: float = 20.0
    has_daq_column: bool | None = None  # None: as the version has it
    lost: dict[int, int] = field(default_factory=dict)  # frame -> frames lost before it
    orientation: bool = True
    notes: tuple[tuple[int, str], ...] = ((1500, "light on, left, twice"),)
    scope_type: str = "Miniscope_V4_BNO"
    camera_type: str = "WebCam"
    animal: str = "mouse 7"
    researcher: str = "A. Person"
    experiment: str = "open field"
    start: datetime = START
    extra_session: dict[str, Any] = field(default_factory=dict)
    extra_device: dict[str, Any] = field(default_factory=dict)
    seed: int = 7


@dataclass(frozen=True)
class V4Truth:
    """What the folder holds. Frames have shape (n_frames, height, width), uint8."""

    folder: Path
    start: datetime
    frames: dict[str, np.ndarray]  # by device name
    stamps_ms: dict[str, np.ndarray]
    daq: dict[str, np.ndarray]


def folder_name(device: str) -> str:
    return device.replace(" ", "_")


def make_frames(options: V4Options, place: int) -> np.ndarray:
    """Frames that tell their number, their device and which way is up."""
    rng = np.random.default_rng([options.seed, place])
    shape = (options.n_frames, options.height, options.width)
    frames = rng.integers(20, 60, shape, dtype=np.uint8)
    frames += np.linspace(0, 120, options.width).astype(np.uint8)  # brighter to the right
    frames[:, :4, :8] = np.arange(options.n_frames, dtype=np.uint8)[:, None, None]
    frames[:, -4:, :8] = 200 + place
    return frames


def make_stamps(options: V4Options, place: int) -> np.ndarray:
    """Milliseconds; the first is slightly negative, every interval jitters by up to 2 ms."""
    rng = np.random.default_rng([options.seed, place, 1])
    steps = np.array([1 + options.lost.get(frame, 0) for frame in range(options.n_frames)])
    interval = 1000 / options.rate_hz
    return np.rint((np.cumsum(steps) - 1) * interval - 12 + rng.uniform(-1, 1, len(steps))).astype(
        int
    )


def make_v4(folder: Path, **options: Any) -> V4Truth:
    """Write a session into `folder` (made, must be empty) and return what is in it."""
    chosen = V4Options(**options)
    assert chosen.version in VERSIONS
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "metaData.json", session_metadata(chosen, folder))
    _write_notes(folder / "notes.csv", chosen)
    (folder / "experiment").mkdir()
    truth = V4Truth(folder, chosen.start, {}, {}, {})
    for place, name in enumerate((*chosen.scopes, *chosen.cameras)):
        _write_device(truth, chosen, place, name)
    return truth


def session_metadata(options: V4Options, folder: Path) -> dict[str, Any]:
    start = options.start
    clock = {
        "year": start.year, "month": start.month, "day": start.day, "hour": start.hour,
        "minute": start.minute, "second": start.second, "msec": start.microsecond // 1000,
        "msecSinceEpoch": round(start.timestamp() * 1000),
    }  # fmt: skip
    values = {
        "animalName": options.animal,
        "baseDirectory": f"D:/data/{folder.name}",
        "cameras": list(options.cameras),
        "experimentName": options.experiment,
        "miniscopes": list(options.scopes),
        "researcherName": options.researcher,
    }
    is_nested = options.version in ("v1.11", "v2.0")
    values.update({"recordingStartTime": clock} if is_nested else clock)
    return values | options.extra_session


def device_metadata(options: V4Options, place: int, name: str) -> dict[str, Any]:
    is_scope = place < len(options.scopes)
    if options.version == "v0.1" and not is_scope and place < 2 * len(options.scopes):
        # A fault of that version: a camera gets the miniscope's entry of the same number.
        place -= len(options.scopes)
        return device_metadata(options, place, options.scopes[place])
    values: dict[str, Any] = {
        "deviceDirectory": f"D:/data/{folder_name(name)}",
        "deviceID": place,
        "deviceName": name,
        "deviceType": options.scope_type if is_scope else options.camera_type,
        "framesPerFile": options.frames_per_file,
    }
    if options.version != "v0.1":
        values["compression"] = options.fourcc if is_scope else options.camera_fourcc
    if is_scope:
        values |= {"ewl": 12, "frameRate": f"{options.rate_hz:g}FPS", "gain": "High", "led0": 26}
        values["ROI"] = {
            "height": options.height, "leftEdge": 8, "topEdge": 4, "width": options.width
        }  # fmt: skip
    return values | (options.extra_device if is_scope else {})


def _write_device(truth: V4Truth, options: V4Options, place: int, name: str) -> None:
    folder = truth.folder / folder_name(name)
    folder.mkdir()
    is_scope = place < len(options.scopes)
    frames, stamps = make_frames(options, place), make_stamps(options, place)
    truth.frames[name], truth.stamps_ms[name] = frames, stamps
    fourcc = options.fourcc if is_scope else options.camera_fourcc
    for part, first in enumerate(range(0, options.n_frames, options.frames_per_file)):
        write_avi(folder / f"{part}.avi", frames[first : first + options.frames_per_file], fourcc)
    _write_json(folder / "metaData.json", device_metadata(options, place, name))
    has_daq = options.has_daq_column
    if has_daq is None:
        has_daq = is_scope and options.version == "v2.0"
    if has_daq:
        steps = [1 + options.lost.get(frame, 0) for frame in range(options.n_frames)]
        truth.daq[name] = np.cumsum(steps)
    columns = [np.arange(options.n_frames), stamps, np.zeros(options.n_frames, int)]
    columns += [truth.daq[name]] if has_daq else []
    header = STAMP_HEADER + (",DAQ Frame Number" if has_daq else "")
    _write_table(folder / "timeStamps.csv", header, columns, options)
    if options.orientation and is_scope:
        _write_orientation(folder / "headOrientation.csv", stamps, options)


def write_avi(path: Path, frames: np.ndarray, fourcc: str = "FFV1") -> None:
    """Write grey frames, shape (n, height, width), as one AVI file."""
    height, width = frames.shape[1:3]
    with AviWriter(
        path, width=width, height=height, fourcc=fourcc, header_rate=HEADER_RATE
    ) as writer:
        for frame in frames:
            writer.write(frame)


def _write_table(path: Path, header: str, columns: list[Any], options: V4Options) -> None:
    separator = "\t" if options.version == "v0.1" else ","
    table = zip(*(np.asarray(column).tolist() for column in columns), strict=True)
    rows = [
        separator.join(f"{value:g}" if isinstance(value, float) else str(value) for value in row)
        for row in table
    ]
    lines = rows if options.version == "v0.1" else [header, *rows]
    path.write_bytes("".join(line + "\n" for line in lines).encode())


def _write_orientation(path: Path, stamps: np.ndarray, options: V4Options) -> None:
    angle = np.linspace(0, 1, len(stamps)) / 2
    zeros = np.full(len(stamps), 6.10352e-05)
    columns = [stamps, np.cos(angle), zeros, zeros, np.sin(angle)]
    header = "qw,qx,qy,qz" if options.version == "v0.13" else "Time Stamp (ms),qw,qx,qy,qz"
    _write_table(path, header, columns, options)


def _write_notes(path: Path, options: V4Options) -> None:
    separator = "\t" if options.version == "v0.1" else ","
    lines = [f"{time_ms}{separator}{text}\n" for time_ms, text in options.notes]
    if options.version in ("v1.11", "v2.0"):
        lines.insert(0, "Time Stamp (ms), Note\n")
    path.write_bytes("".join(lines).encode())


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_bytes(json.dumps(values, indent=4, sort_keys=True).encode())
