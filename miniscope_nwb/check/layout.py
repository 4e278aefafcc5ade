"""Which raw files belong together: a device's videos, in order, and the stamp file of each."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from miniscope_nwb.check import raw_stamps
from miniscope_nwb.check.raw_stamps import RawStamps
from miniscope_nwb.check.raw_text import read_text
from miniscope_nwb.nwb.read import RecordingRow, SourceRow

DEFAULT_FRAMES_PER_FILE = 1000  # of the UCLA programs, unless changed


@dataclass(frozen=True, slots=True)
class StampFile:
    """The file that holds a video's time stamps, relative to the root."""

    kind: Literal["v3", "v4", "onix", "v4gui"]
    path: str
    start_path: str = ""  # ONIX: the file that tells the clock's rate


def videos_of(device: str, sources: Sequence[SourceRow]) -> list[SourceRow]:
    """List a device's converted videos in the order in which they were recorded."""
    videos = [
        source
        for source in sources
        if source.device == device and source.n_frames >= 0 and source.is_converted
    ]
    return sorted(videos, key=lambda video: (_folder(video.path), number_of(video.path)))


def number_of(path: str) -> int:
    """Return the number of a part, 12 of ``12.avi`` and ``msCam12.avi``; 0 without one."""
    found = re.findall(r"\d+", PurePosixPath(path).stem)
    return int(found[-1]) if found else 0


def recordings_of(path: str, recordings: Sequence[RecordingRow]) -> list[int]:
    """Return the recordings in whose folder a file lies, the innermost folder only."""
    parts = PurePosixPath(path).parts
    folders = [PurePosixPath(recording.folder).parts for recording in recordings]
    above = [n for n, folder in enumerate(folders) if parts[: len(folder)] == folder]
    deepest = max((len(folders[number]) for number in above), default=0)
    return [number for number in above if len(folders[number]) == deepest]


def stamp_file_of(video: SourceRow, sources: Sequence[SourceRow]) -> StampFile | None:
    """Find the stamp file of a video among its neighbours, by name."""
    folder = _folder(video.path)
    beside = {
        PurePosixPath(source.path).name.casefold(): source.path
        for source in sources
        if _folder(source.path) == folder
    }
    if "timestamps.csv" in beside:
        return StampFile("v4", beside["timestamps.csv"])
    if "timestamp.dat" in beside:
        return StampFile("v3", beside["timestamp.dat"])
    number = number_of(video.path)
    clock = _named(beside, r".*clock.*\.raw", number)
    start = _named(beside, r"start-time.*\.csv", number)
    if clock and start:
        return StampFile("onix", clock, start)
    own = PurePosixPath(video.path).stem.casefold() + ".csv"
    return StampFile("v4gui", beside[own]) if own in beside else None


def read_stamps(root: Path, file: StampFile) -> dict[int, RawStamps]:
    """Read a stamp file anew; V3 holds several cameras, by camNum, the others one.

    Raises
    ------
    RecordingError
        If the file does not tell what its numbers mean.
    """
    path = root / file.path
    if file.kind == "v3":
        return raw_stamps.read_v3(path)
    if file.kind == "v4":
        return {0: raw_stamps.read_v4(path)}
    if file.kind == "onix":
        return {0: raw_stamps.read_onix(path, root / file.start_path)}
    return {0: raw_stamps.read_gui(path)}


def possible_starts(root: Path, videos: Sequence[SourceRow]) -> dict[int, set[int]]:
    """Say which saved frame may be the first of each video.

    Either all videos before it are whole, and its first frame is the sum of theirs; or it is its
    number times the frames of a full file, as the metadata or the fullest video tell.

    Returns
    -------
    dict
        By row of the source files.
    """
    full = {DEFAULT_FRAMES_PER_FILE, max((video.n_frames for video in videos), default=0)}
    full |= _frames_per_file(root, videos)
    starts = {}
    total = 0
    for video in videos:
        number = number_of(video.path)
        starts[video.row] = {total} | {
            (number - first) * frames for frames in full for first in (0, 1)
        }
        total += video.n_frames
    return starts


def _frames_per_file(root: Path, videos: Sequence[SourceRow]) -> set[int]:
    """Read what the device's own metaData.json says, if there is one."""
    for path in (root / videos[0].path).parent.iterdir() if videos else ():
        if path.name.casefold() == "metadata.json" and path.is_file():
            try:
                value = json.loads(read_text(path))["framesPerFile"]
            except (ValueError, KeyError, TypeError, RecursionError):  # no JSON, or no such key
                return set()
            return {int(value)} if str(value).isdigit() else set()
    return set()


def _named(names: dict[str, str], pattern: str, number: int) -> str:
    """Return the path of the neighbour of that kind with the video's number."""
    for name, path in names.items():
        if re.fullmatch(pattern, name) and number in map(int, re.findall(r"\d+", name)):
            return path
    return ""


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)
