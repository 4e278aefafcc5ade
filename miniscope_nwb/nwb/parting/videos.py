"""Behaviour videos follow the file that names them: into the folder of its stem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.target import Target, sync_folder
from miniscope_nwb.nwb.videos import VideoFile, place_video, plan_videos, video_folder
from miniscope_nwb.session import VideoLinks

Videos = dict[str, tuple[VideoFile, ...]]  # by path of the series in the file


def plan_moves(file: h5py.File, output: Path) -> Videos:
    """Say where the videos that a file names go when it gets another name.

    Parameters
    ----------
    file
        The file as it is.
    output
        The file that is to be.

    Raises
    ------
    OutputError
        If a video is not where the file says.
    """
    home = Path(file.filename).resolve().parent
    moves: Videos = {}
    for name in file.get("acquisition", ()):
        series = file[f"acquisition/{name}"]
        entries = external_files(series)
        if not entries:
            continue
        for entry in entries:
            if not (home / entry).is_file():
                raise OutputError(
                    f"{name} names the video {entry}, which is not beside "
                    f"{Path(file.filename).name}: put it back, so that it can follow the file."
                )
        object_id = series.attrs["object_id"]
        sources = [(home / entry, entry) for entry in entries]
        moves[f"acquisition/{name}"] = plan_videos(str(object_id), sources, output, "copy")
    return moves


def external_files(series: h5py.Group | h5py.Dataset) -> list[str]:
    """Names of the videos of a series; empty where its frames stand in the file."""
    data = series.get("external_file") if isinstance(series, h5py.Group) else None
    return [] if data is None else list(data.asstr()[:])


def all_of(moves: Videos) -> list[VideoFile]:
    """List all videos."""
    return [video for series in moves.values() for video in series]


def place_moved(moves: Videos, target: Target, links: VideoLinks) -> None:
    """Put the videos beside the file that is made, each complete or not at all."""
    for video in all_of(moves):
        folder = video_folder(target.output)
        folder.mkdir(exist_ok=True)
        is_new = not video.target.exists()
        part = video.target.with_name(f"{video.target.name}.part")
        part.unlink(missing_ok=True)
        try:
            place_video(replace(video, target=part), links, lambda: False)
            part.replace(video.target)
        finally:
            part.unlink(missing_ok=True)
        if is_new:
            target.placed.append(video)
    if moves:
        sync_folder(video_folder(target.output))


def rename_entries(file: h5py.File, moves: Videos) -> None:
    """Let the series of a copy name the videos where they are now."""
    for path, videos in moves.items():
        file[f"{path}/external_file"][:] = np.array(
            [video.entry for video in videos], h5py.string_dtype()
        )


def are_placed(file: h5py.File, moves: Videos) -> bool:
    """Whether a file that is there names these videos and they are whole beside it."""
    home = Path(file.filename).resolve().parent
    return all(
        external_files(file[path]) == [video.entry for video in videos] and _are_whole(home, videos)
        for path, videos in moves.items()
    )


def _are_whole(home: Path, videos: Sequence[VideoFile]) -> bool:
    return all(
        (home / video.entry).is_file()
        and (home / video.entry).stat().st_size == video.source.stat().st_size
        for video in videos
    )
