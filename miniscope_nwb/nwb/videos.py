"""Behaviour videos beside the NWB file: cloned, copied, hard-linked or left where they are."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from miniscope_nwb.errors import OutputError, RecordingError
from miniscope_nwb.nwb.copying import clone, copy_bytes
from miniscope_nwb.session import VideoLinks

# Names that we give; nothing else in the folder is ever removed.
_OURS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_external_file_\d+\.\w+")

Placed = Literal["cloned", "copied", "hard-linked", "left in place"]


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A raw video and where the NWB file expects it."""

    source: Path
    relative_path: str  # of the source, for messages
    target: Path  # beside the NWB file; the source itself where it is left in place
    entry: str  # of `external_file`: relative to the NWB file, with /


def plan_videos(
    object_id: str, sources: Sequence[tuple[Path, str]], output: Path, links: VideoLinks
) -> tuple[VideoFile, ...]:
    """Say where the files of one series go.

    Parameters
    ----------
    object_id
        Of the series.
    sources
        Path and relative path of each recorded file.
    output
        The NWB file; its videos lie in a folder of its stem beside it.
    links
        The user's choice.

    Raises
    ------
    OutputError
        If a file is to stay in place on another drive, where no relative path leads.
    """
    return tuple(
        _in_place(source, name, output)
        if links == "in-place"
        else _beside(source, name, output, f"{object_id}_external_file_{number}")
        for number, (source, name) in enumerate(sources)
    )


def _beside(source: Path, name: str, output: Path, stem: str) -> VideoFile:
    target = video_folder(output) / f"{stem}{source.suffix.lower()}"
    return VideoFile(source, name, target, f"{target.parent.name}/{target.name}")


def _in_place(source: Path, name: str, output: Path) -> VideoFile:
    try:
        way = os.path.relpath(source.resolve(), output.resolve().parent)
    except ValueError as error:
        raise OutputError(
            f"{name} lies on another drive than {output}, so no relative path leads there: give "
            "--link-videos copy."
        ) from error
    return VideoFile(source, name, source, Path(way).as_posix())


def video_folder(output: Path) -> Path:
    """Folder of the videos of an NWB file."""
    return output.with_suffix("")


def place_video(video: VideoFile, links: VideoLinks, is_stopped: Callable[[], bool]) -> Placed:
    """Put one video beside the NWB file, flushed to the disk.

    Returns
    -------
    str
        How it got there.

    Raises
    ------
    OutputError
        If a hard link is impossible.
    RecordingError
        If the video cannot be read.
    OSError
        If the copy cannot be written.
    """
    if links == "in-place":
        return "left in place"
    if links == "hard":
        _link(video)
        return "hard-linked"
    try:
        source = video.source.open("rb", buffering=0)
    except OSError as error:
        raise RecordingError(
            f"{video.relative_path} cannot be read: {error.strerror or error}; check the drive and "
            "start again."
        ) from error
    with source, video.target.open("xb", buffering=0) as target:
        is_cloned = clone(source, target)
        if not is_cloned:
            copy_bytes(source, target, is_stopped)
        os.fsync(target.fileno())
    return "cloned" if is_cloned else "copied"


def _link(video: VideoFile) -> None:
    try:
        os.link(video.source, video.target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        raise OutputError(
            f"{video.relative_path} cannot be hard-linked into {video.target.parent} "
            f"({error.strerror or error}): give --link-videos copy."
        ) from error


def remove_videos(output: Path, *, keep: Sequence[VideoFile] = ()) -> None:
    """Remove the videos that we once placed beside an NWB file, but those that it uses.

    Files of other names are left alone; so is the folder as long as it holds one.
    """
    folder = video_folder(output)
    if not folder.is_dir() or folder.is_symlink():
        return
    kept = {video.target.name for video in keep}
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name) and path.name not in kept:
            path.unlink(missing_ok=True)
    remove_if_empty(folder)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder unless it holds something."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
