"""The session folder of Miniscope_DAQ_Software, the one before Miniscope-DAQ-QT-Software.

::

    m06/3_2_2026/H14_M5_S7/
      msCam1.avi msCam2.avi ...  behavCam1.avi ...  timestamp.dat  settings_and_notes.dat

The next video is opened as soon as one is full, so that a recording may end with an empty file. The
first stamp of every camera belongs to a frame of before the recording and is garbage.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from miniscope_nwb.simulate.behaviour import CAMERA_SIZE
from miniscope_nwb.simulate.clock import IntArray
from miniscope_nwb.simulate.parts import VideoLook
from miniscope_nwb.simulate.raw import FOURCCS, Scene, write_lines

SCOPE_CAMNUM, CAMERA_CAMNUM = 1, 0
_HEADER_RATE = 20  # what the software's headers claim, whatever the rate
_GARBAGE_MS = 84_213_771  # since the computer was started, instead of since the recording was
_ROWS_AT_ONCE = 4096


class V3Folder:
    """Writes one session."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._options = scene, scene.options
        start = self._options.start_time
        self.root = scene.folder.joinpath(
            self._options.subject,
            f"{start.month}_{start.day}_{start.year}",
            f"H{start.hour}_M{start.minute}_S{start.second}",
        )

    def device_name(self, scope: int) -> str:
        """Return the name of the only miniscope; the recording gives it none."""
        return "Miniscope"

    def make_folders(self) -> None:
        """Make the session folder."""
        self.root.mkdir(parents=True)

    def scope_video(self, scope: int) -> VideoLook:
        """Say how the videos of the miniscope look."""
        options = self._options
        return VideoLook(
            path=lambda number: self.root / f"msCam{number + 1}.avi",
            width=options.width,
            height=options.height,
            fourcc=FOURCCS[str(options.codec)],
            header_rate=_HEADER_RATE,
            frames_per_file=options.frames_per_file,
            opens_ahead=True,
            threads=options.threads,
        )

    def camera_video(self, camera: int) -> VideoLook:
        """Say how the videos of the behaviour camera look."""
        width, height = CAMERA_SIZE
        return VideoLook(
            path=lambda number: self.root / f"behavCam{number + 1}.avi",
            width=width,
            height=height,
            fourcc="DIB ",
            header_rate=_HEADER_RATE,
            is_colour=True,
            frames_per_file=self._options.frames_per_file,
            opens_ahead=True,
        )

    def write_texts(self) -> None:
        """Write the time stamps of all cameras, and the settings with the notes."""
        write_lines(self.root / "timestamp.dat", self._stamp_rows(), end="\r\n")
        length_s = int(self._scene.scopes[0].time_s[-1])
        lines = [
            "animal\texcitation\tmsCamExposure\trecordLength",
            f"{self._options.subject}\t18\t255\t0",
            "",
            "elapsedTime\tNote",
            f"{max(0, length_s // 4)}\tanimal put into the arena, lights on",
            f"{max(0, 3 * length_s // 4)}\tobject A moved",
        ]
        write_lines(self.root / "settings_and_notes.dat", lines, end="\r\n")

    def _stamp_rows(self) -> Iterator[str]:
        clocks = [(SCOPE_CAMNUM, clock) for clock in self._scene.scopes]
        clocks += [(CAMERA_CAMNUM, clock) for clock in self._scene.cameras]
        stamps = np.concatenate([clock.stamp_ms for _, clock in clocks])
        camnum = np.concatenate([np.full(len(c.stamp_ms), number) for number, c in clocks])
        frame = np.concatenate([np.arange(1, len(c.stamp_ms) + 1) for _, c in clocks])
        order = np.argsort(stamps, kind="stable")
        shown = np.where(frame == 1, _GARBAGE_MS + stamps, stamps)
        yield "camNum\tframeNum\tsysClock\tbuffer"
        yield from _rows(camnum[order], frame[order], shown[order])


def _rows(camnum: IntArray, frame: IntArray, stamp: IntArray) -> Iterator[str]:
    for first in range(0, len(stamp), _ROWS_AT_ONCE):
        piece = slice(first, first + _ROWS_AT_ONCE)
        for row in zip(
            camnum[piece].tolist(), frame[piece].tolist(), stamp[piece].tolist(), strict=True
        ):
            yield "\t".join(str(value) for value in (*row, 1))
