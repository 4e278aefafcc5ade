"""The videos that an NWB file names: they go up with it, under the names that it says."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from miniscope_nwb.check.new_name import way_to_new_name
from miniscope_nwb.nwb.video_names import named_videos
from miniscope_nwb.share.finding import Finding
from miniscope_nwb.share.names import Place

# What the archive's client takes for a video (dandi.consts.VIDEO_FILE_EXTENSIONS).
EXTENSIONS = (".mp4", ".avi", ".wmv", ".mov", ".flv", ".mkv")
_AGAIN = "Convert again, or put the videos where the file says they are."


@dataclass(frozen=True, slots=True)
class Video:
    """One video beside an NWB file."""

    path: Path  # here
    asset_path: str  # in the dandiset
    size: int


def find_videos(nwb_path: Path, where: Place) -> tuple[tuple[Video, ...], tuple[Finding, ...]]:
    """Find the videos that a file names, and what is wrong with their names.

    Parameters
    ----------
    nwb_path
        The file; names are relative to its folder.
    where
        Its place in the dandiset.

    Returns
    -------
    videos
        Those that are there, each once, in the file's order.
    findings
        Errors for the others.
    """
    videos: dict[str, Video] = {}
    findings: list[Finding] = []
    for series, name in named_videos(nwb_path):
        wrong = _fault(nwb_path, name, where)
        if wrong:
            findings.append(Finding("error", "videos", series, *wrong))
            continue
        path = nwb_path.parent / name
        asset_path = f"{where.folder}/{name}"
        videos[asset_path] = Video(path, asset_path, path.stat().st_size)
    return tuple(videos.values()), tuple(findings)


def video_names(nwb_path: Path) -> tuple[str, ...]:
    """Return the names of all videos that a file names, each once, whether they are there or not.

    Raises
    ------
    NwbContentError
        If the file cannot be read.
    """
    return tuple(dict.fromkeys(name for _, name in named_videos(nwb_path)))


def _fault(nwb_path: Path, name: str, where: Place) -> tuple[str, str] | None:
    """Say what is wrong with a video's name and what to do, or None."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or "\\" in name or ":" in name or posixpath.normpath(name) != name:
        return (
            f"the video is named {name!r}: in a dandiset it must be a plain relative path with /",
            way_to_new_name(nwb_path),
        )
    if pure.parts[0] != where.stem or len(pure.parts) < 2:
        return (
            f"the video is named {name!r}, but the file will be {where.path}: its videos must lie "
            f"in a folder {where.stem} beside it",
            way_to_new_name(nwb_path),
        )
    if pure.suffix.lower() not in EXTENSIONS:
        kinds = " ".join(EXTENSIONS)
        return f"{name!r} is no video for the archive, which takes {kinds}", _AGAIN
    path = nwb_path.parent / name
    if not path.is_file():
        return f"the video {name!r} is not there", _AGAIN
    if path.stat().st_size == 0:
        return f"the video {name!r} is empty", _AGAIN
    return None
