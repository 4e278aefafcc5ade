"""What a writer of a raw format must offer, and what it is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from miniscope_nwb.simulate.clock import FrameClock
from miniscope_nwb.simulate.options import SimulateOptions
from miniscope_nwb.simulate.parts import VideoLook

FOURCCS = {"FFV1": "FFV1", "GREY": "GREY", "MJPG": "MJPG", "DIB": "DIB "}
RESEARCHER = "Jane Doe"
EXPERIMENT = "open field"


@dataclass(frozen=True, slots=True)
class Scene:
    """A recording to be written: its options, resolved, and the clock of every device."""

    folder: Path  # the folder that the user named
    options: SimulateOptions
    scopes: tuple[FrameClock, ...]
    cameras: tuple[FrameClock, ...]


class RawWriter(Protocol):
    """Writes the folder of one acquisition program."""

    root: Path  # the session folder

    def device_name(self, scope: int) -> str:
        """Return what the recording calls a miniscope."""

    def make_folders(self) -> None:
        """Make the session folder and what stands in it."""

    def scope_video(self, scope: int) -> VideoLook:
        """Say how the videos of a miniscope look."""

    def camera_video(self, camera: int) -> VideoLook:
        """Say how the videos of a behaviour camera look."""

    def write_texts(self) -> None:
        """Write everything but the videos."""


def write_lines(path: Path, lines: Iterable[str], *, end: str = "\n") -> None:
    """Write lines of ASCII or UTF-8 text, the same bytes on every system."""
    with path.open("wb") as file:
        file.writelines((line + end).encode("utf-8") for line in lines)
