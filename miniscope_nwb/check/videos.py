"""Behaviour videos beside the NWB file, byte for byte against the raw ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from miniscope_nwb.check.raw_folder import hash_file
from miniscope_nwb.check.report import Difference, Tally
from miniscope_nwb.nwb.read import Series, SourceRow


def compare_videos(
    series: Series,
    videos: Sequence[SourceRow],
    *,
    nwb_folder: Path,
    hashes: Mapping[int, str],
    tally: Tally,
) -> int:
    """Compare the videos that a series names with the raw ones.

    Parameters
    ----------
    series
        One with external files.
    videos
        The raw videos of its device, in order.
    nwb_folder
        To which the names are relative.
    hashes
        SHA-256 of the raw files as they are now, by row.

    Returns
    -------
    int
        Number of videos compared.
    """
    with_frames = [video for video in videos if video.n_frames > 0]
    named = series.external_files
    if len(named) != len(with_frames):
        message = f"names {len(named)} videos, the raw recording has {len(with_frames)}"
        tally.add(Difference("video", series.name, -1, "", message))
    starts, total = [], 0
    for video in with_frames:
        starts.append(total)
        total += video.n_frames
    if len(named) == len(with_frames) and list(series.starting_frames) != starts:
        message = (
            f"says that its videos begin at frames {list(series.starting_frames)}, not {starts}"
        )
        tally.add(Difference("frames", series.name, -1, "", message))
    n_compared = 0
    for name, video in zip(named, with_frames, strict=False):
        path = nwb_folder / name
        if not path.is_file():
            message = f"the video {name} is missing beside the NWB file"
        elif video.row not in hashes:
            continue
        elif hash_file(path) == hashes[video.row]:
            n_compared += 1
            continue
        else:
            message = f"the video {name} is not the raw one, byte for byte"
            n_compared += 1
        tally.add(Difference("video", series.name, -1, video.path, message))
    return n_compared
