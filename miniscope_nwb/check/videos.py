"""Behaviour videos beside the NWB file, byte for byte against the raw ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from miniscope_nwb.check.raw_folder import hash_file
from miniscope_nwb.check.report import Difference, Tally
from miniscope_nwb.nwb.read import Series, SourceRow


def compare_videos(
    series: Series,
    sources: Sequence[SourceRow],
    *,
    nwb_folder: Path,
    hashes: Mapping[int, str],
    tally: Tally,
) -> int:
    """Compare the videos that a series names with the raw ones.

    Parameters
    ----------
    series
        One with external files: one for each raw video of which it has frames, in their order.
    sources
        All raw files.
    nwb_folder
        To which the names are relative.
    hashes
        SHA-256 of the raw files as they are now, by row.

    Returns
    -------
    int
        Number of videos compared.
    """
    rows, firsts = np.unique(series.file, return_index=True)
    order = np.argsort(firsts)
    starts = firsts[order].tolist()
    videos = [sources[row] for row in rows[order] if row < len(sources)]
    named, said = series.external_files, list(series.starting_frames)
    if len(named) != len(videos):
        message = f"names {len(named)} videos, its frames come from {len(videos)}"
        tally.add(Difference("video", series.name, -1, "", message))
    elif said != starts:
        message = f"says that its videos begin at frames {said}, not {starts}"
        tally.add(Difference("frames", series.name, -1, "", message))
    n_compared = 0
    for name, video in zip(named, videos, strict=False):
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
