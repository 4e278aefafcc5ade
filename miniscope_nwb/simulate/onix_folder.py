"""A recording with ONIX (OpenEphys.Onix1 in Bonsai, the official workflow of the Miniscope V4).

::

    2026_03_02/
      start-time_0.csv  ucla-miniscope-v4-video_0.avi  ucla-miniscope-v4-clock_0.raw
      bno055_0.csv  port-status_0.csv

All times are ticks of one clock, which begins before the first frame. The clock file holds one
word for every row of the sensor, 608 a frame, whatever the height of the video.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

import numpy as np
import numpy.typing as npt

from miniscope_nwb.errors import OutputError
from miniscope_nwb.simulate import chance
from miniscope_nwb.simulate.behaviour import head_orientation
from miniscope_nwb.simulate.clock import FloatArray, FrameClock
from miniscope_nwb.simulate.parts import VideoLook
from miniscope_nwb.simulate.raw import FOURCCS, Scene, write_lines

CLOCK_HZ = 250_000_000
SENSOR_ROWS = 608
CLOCK_NAME = "ucla-miniscope-v4-clock_0.raw"
VIDEO_NAME = "ucla-miniscope-v4-video_0.avi"
_HEADER_RATE = 30  # what the workflow's headers claim, whatever the rate
_READOUT = 0.9  # of the frame's interval, from the first row of the sensor to the last
_ROWS_AT_ONCE = 512
_GRAVITY = 9.81  # m/s2


class OnixFolder:
    """Writes one recording."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._options = scene, scene.options
        self.root = scene.folder / f"{self._options.start_time:%Y_%m_%d}"

    def device_name(self, scope: int) -> str:
        """Return the name of the only miniscope; the recording gives it none."""
        return "Miniscope"

    def make_folders(self) -> None:
        """Make the folder."""
        self.root.mkdir(parents=True)

    def scope_video(self, scope: int) -> VideoLook:
        """Say how the video looks: one file of any length."""
        options = self._options
        return VideoLook(
            path=lambda number: self.root / VIDEO_NAME,
            width=options.width,
            height=options.height,
            fourcc=FOURCCS[str(options.codec)],
            header_rate=_HEADER_RATE,
            threads=options.threads,
        )

    def camera_video(self, camera: int) -> VideoLook:
        """Refuse: such a recording has no behaviour camera, and the options ask for none."""
        raise OutputError("An ONIX recording has no behaviour camera: leave --cameras out.")

    def write_texts(self) -> None:
        """Write start time, clock, motion sensor and the state of the link."""
        start = self._options.start_time.astimezone(UTC)
        lines = [
            "Timestamp,AcquisitionClockHz,BlockReadSize,BlockWriteSize",
            f"{start:%Y-%m-%dT%H:%M:%S}.{start.microsecond:06d}0+00:00,{CLOCK_HZ},2048,2048",
        ]
        write_lines(self.root / "start-time_0.csv", lines)
        clock = self._scene.scopes[0]
        with (self.root / CLOCK_NAME).open("wb") as file:
            for first in range(0, len(clock.time_s), _ROWS_AT_ONCE):
                file.write(self._ticks(clock.time_s[first : first + _ROWS_AT_ONCE]).tobytes())
        if self._options.orientation:
            write_lines(self.root / "bno055_0.csv", self._motion_rows(clock))
        write_lines(self.root / "port-status_0.csv", ["Timestamp,Clock,StatusCode"])

    def _ticks(self, times_s: FloatArray) -> npt.NDArray[np.uint64]:
        """Return the clock at every row of the sensor, (n_frames, SENSOR_ROWS) little-endian."""
        rows = np.arange(SENSOR_ROWS) * (_READOUT / self._options.rate / SENSOR_ROWS)
        ticks: npt.NDArray[np.uint64] = np.rint((times_s[:, None] + rows) * CLOCK_HZ).astype("<u8")
        return ticks

    def _motion_rows(self, clock: FrameClock) -> Iterator[str]:
        """Rows of the sensor, which the computer asks about once a frame, not regularly."""
        options = self._options
        for first in range(0, len(clock.stamp_s), _ROWS_AT_ONCE):
            times = clock.stamp_s[first : first + _ROWS_AT_ONCE]
            rng = chance.generator(options.seed, 0, chance.ACCELERATION, first)
            quaternion = head_orientation(times, seed=options.seed, device=0)
            jitter = rng.normal(0, 0.2, (len(times), 3))
            ticks = np.rint(times * CLOCK_HZ).astype(np.int64).tolist()
            for tick, turn, shake in zip(ticks, quaternion.tolist(), jitter.tolist(), strict=True):
                yield _motion_row(tick, turn, shake)


def _motion_row(tick: int, quaternion: list[float], acceleration: list[float]) -> str:
    """Write clock, Euler angles, quaternion xyzw, isIdentity, acceleration, gravity, degrees C."""
    w, x, y, z = quaternion
    yaw = np.degrees(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))) % 360
    pitch = np.degrees(np.arcsin(np.clip(2 * (w * y - z * x), -1, 1)))
    roll = np.degrees(np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)))
    down = (2 * (x * z - w * y), 2 * (w * x + y * z), w * w - x * x - y * y + z * z)
    gravity = [_GRAVITY * value for value in down]
    euler = [round(float(angle) * 16) / 16 for angle in (yaw, pitch, roll)]
    fields = [f"{value:.9g}" for value in (*euler, x, y, z, w)]
    fields += ["False", *(f"{value:.2f}" for value in (*acceleration, *gravity)), "31"]
    return ",".join([str(tick), *fields])
