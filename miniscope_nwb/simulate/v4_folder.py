"""The session folder of Miniscope-DAQ-QT-Software, 1.11 or 2.0.0.

::

    Jane_Doe/open_field/m06/2026_03_02/14_05_07/
      metaData.json  notes.csv  experiment/
      Miniscope/   0.avi 1.avi ... timeStamps.csv metaData.json headOrientation.csv
      BehavCam_0/  0.avi 1.avi ... timeStamps.csv metaData.json
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from miniscope_nwb.simulate.behaviour import CAMERA_SIZE, head_orientation
from miniscope_nwb.simulate.clock import FrameClock
from miniscope_nwb.simulate.parts import VideoLook
from miniscope_nwb.simulate.raw import EXPERIMENT, FOURCCS, RESEARCHER, Scene, write_lines

_HEADER_RATE = 60  # what the software's headers claim, whatever the rate
_SENSOR_PX = 608
_CONNECTED_BEFORE = 211  # frames that the miniscope had sent when the recording began
_COUNTER_OFFSET = 3  # the counter's value when the connection was made
_COUNTER_SIZE = 2**16
_ROWS_AT_ONCE = 4096


class V4Folder:
    """Writes one session."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._options = scene, scene.options
        start = self._options.start_time
        names = [RESEARCHER, EXPERIMENT, self._options.subject]
        self.root = scene.folder.joinpath(
            *(name.replace(" ", "_") for name in names), f"{start:%Y_%m_%d}", f"{start:%H_%M_%S}"
        )
        n_scopes, n_cameras = len(scene.scopes), len(scene.cameras)
        self._scopes = (
            ["Miniscope"] if n_scopes == 1 else [f"Miniscope {k}" for k in range(n_scopes)]
        )
        self._cameras = [f"BehavCam {k}" for k in range(n_cameras)]

    def device_name(self, scope: int) -> str:
        """Return what the recording calls a miniscope."""
        return self._scopes[scope]

    def make_folders(self) -> None:
        """Make the session folder, the devices' and the always empty ``experiment``."""
        for name in (*self._scopes, *self._cameras, "experiment"):
            self._device_folder(name).mkdir(parents=True)

    def scope_video(self, scope: int) -> VideoLook:
        """Say how the videos of a miniscope look."""
        options = self._options
        folder = self._device_folder(self._scopes[scope])
        return VideoLook(
            path=lambda number: folder / f"{number}.avi",
            width=options.width,
            height=options.height,
            fourcc=FOURCCS[str(options.codec)],
            header_rate=_HEADER_RATE,
            frames_per_file=options.frames_per_file,
            threads=options.threads,
        )

    def camera_video(self, camera: int) -> VideoLook:
        """Say how the videos of a behaviour camera look."""
        folder = self._device_folder(self._cameras[camera])
        width, height = CAMERA_SIZE
        return VideoLook(
            path=lambda number: folder / f"{number}.avi",
            width=width,
            height=height,
            fourcc="MJPG",
            header_rate=_HEADER_RATE,
            is_colour=True,
            frames_per_file=self._options.frames_per_file,
        )

    def write_texts(self) -> None:
        """Write metadata, notes, time stamps and head orientation."""
        _write_json(self.root / "metaData.json", self._session_metadata())
        write_lines(self.root / "notes.csv", self._notes())
        for place, (name, clock) in enumerate(zip(self._scopes, self._scene.scopes, strict=True)):
            folder = self._device_folder(name)
            _write_json(folder / "metaData.json", self._scope_metadata(place, name))
            has_counter = self._options.software == "2.0.0"
            write_lines(folder / "timeStamps.csv", _stamp_rows(clock, has_counter=has_counter))
            if self._options.orientation:
                write_lines(folder / "headOrientation.csv", self._orientation_rows(place, clock))
        for place, (name, clock) in enumerate(zip(self._cameras, self._scene.cameras, strict=True)):
            folder = self._device_folder(name)
            _write_json(folder / "metaData.json", self._camera_metadata(place, name))
            write_lines(folder / "timeStamps.csv", _stamp_rows(clock, has_counter=False))

    def _device_folder(self, name: str) -> Path:
        return self.root / name.replace(" ", "_")

    def _recorded_folder(self) -> str:
        return "D:/data/" + self.root.relative_to(self._scene.folder).as_posix()

    def _session_metadata(self) -> dict[str, Any]:
        start = self._options.start_time
        return {
            "animalName": self._options.subject,
            "baseDirectory": self._recorded_folder(),
            "cameras": self._cameras,
            "experimentName": EXPERIMENT,
            "miniscopes": self._scopes,
            "recordingStartTime": {
                "year": start.year, "month": start.month, "day": start.day, "hour": start.hour,
                "minute": start.minute, "second": start.second, "msec": start.microsecond // 1000,
                "msecSinceEpoch": int(start.timestamp()) * 1000 + start.microsecond // 1000,
            },
            "researcherName": RESEARCHER,
        }  # fmt: skip

    def _scope_metadata(self, place: int, name: str) -> dict[str, Any]:
        options = self._options
        values = self._camera_metadata(place, name) | {
            "compression": options.codec,
            "deviceType": "Miniscope_V4_BNO" if options.orientation else "Miniscope_V4",
            "ewl": -12,
            "frameRate": f"{options.rate:g}FPS",
            "gain": "Low",
            "led0": 18,
        }
        if options.width <= _SENSOR_PX and options.height <= _SENSOR_PX:
            values["ROI"] = {
                "height": options.height, "leftEdge": (_SENSOR_PX - options.width) // 2,
                "topEdge": (_SENSOR_PX - options.height) // 2, "width": options.width,
            }  # fmt: skip
        return values

    def _camera_metadata(self, place: int, name: str) -> dict[str, Any]:
        return {
            "compression": "MJPG",
            "deviceDirectory": f"{self._recorded_folder()}/{name.replace(' ', '_')}",
            "deviceID": place + (0 if name in self._scopes else len(self._scopes)),
            "deviceName": name,
            "deviceType": "WebCam",
            "framesPerFile": self._options.frames_per_file,
        }

    def _notes(self) -> list[str]:
        """Return the notes, at irregular times: nobody types like a clock."""
        last = int(self._scene.scopes[0].stamp_ms[-1])
        return [
            "Time Stamp (ms), Note",
            f"{max(0, last * 21 // 100)},animal put into the arena, lights on",
            f"{max(0, last * 47 // 100)},{self._scopes[0]},led0,20",
            f"{max(0, last * 83 // 100)},object A moved",
        ]

    def _orientation_rows(self, place: int, clock: FrameClock) -> Iterator[str]:
        yield "Time Stamp (ms),qw,qx,qy,qz"
        stamps = clock.stamp_ms
        for first in range(0, len(stamps), _ROWS_AT_ONCE):
            piece = slice(first, first + _ROWS_AT_ONCE)
            values = head_orientation(clock.time_s[piece], seed=self._options.seed, device=place)
            for stamp, row in zip(stamps[piece].tolist(), values.tolist(), strict=True):
                yield f"{stamp}," + ",".join(f"{value:.6g}" for value in row)


def _stamp_rows(clock: FrameClock, *, has_counter: bool) -> Iterator[str]:
    header = "Frame Number,Time Stamp (ms),Buffer Index"
    yield header + ",DAQ Frame Number" if has_counter else header
    raw = (clock.hardware + _CONNECTED_BEFORE + _COUNTER_OFFSET) % _COUNTER_SIZE
    counter = raw - _COUNTER_OFFSET
    rows = zip(clock.stamp_ms.tolist(), counter.tolist(), strict=True)
    for number, (stamp, count) in enumerate(rows):
        yield f"{number},{stamp},0,{count}" if has_counter else f"{number},{stamp},0"


def _write_json(path: Path, values: dict[str, Any]) -> None:
    text = json.dumps(values, indent=4, sort_keys=True, ensure_ascii=False)
    path.write_bytes((text + "\n").encode("utf-8"))
