"""Open a file that was just written and see that it is complete."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pynwb import NWBHDF5IO

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.draft import Draft
from miniscope_nwb.nwb.movie import Movie
from miniscope_nwb.nwb.videos import VideoFile


def recheck(path: Path, draft: Draft, videos: Sequence[VideoFile]) -> None:
    """See that pynwb opens the file, that every chunk is there, and every stamp and video.

    Raises
    ------
    OutputError
        If something is missing.
    """
    for placed in videos:
        if placed.target.stat().st_size != placed.source.stat().st_size:
            raise _incomplete(path, f"{placed.entry} is not as long as {placed.relative_path}")
    n_bytes = path.stat().st_size
    with NWBHDF5IO(path, "r") as nwb:
        file = nwb.read()
        for name, movie in draft.movies.items():
            series = file.acquisition[name]
            _check_chunks(path, name, series.data, movie, n_bytes)
            if len(series.timestamps) != movie.n_frames:
                raise _incomplete(path, f"{name} has {len(series.timestamps)} time stamps")
        for video in draft.videos:
            series = file.acquisition[video.series.name]
            if len(series.timestamps) != video.series.num_samples:
                raise _incomplete(path, f"{series.name} has {len(series.timestamps)} time stamps")


def _check_chunks(path: Path, name: str, dataset: Any, movie: Movie, n_bytes: int) -> None:
    expected = math.prod(
        -(-size // chunk) for size, chunk in zip(movie.shape, movie.chunks, strict=True)
    )
    found = dataset.id.get_num_chunks()
    if dataset.shape != movie.shape or found != expected:
        raise _incomplete(
            path, f"{name} has shape {dataset.shape} and {found} of {expected} chunks"
        )
    last = dataset.id.get_chunk_info(found - 1)
    if last.byte_offset + last.size > n_bytes:
        raise _incomplete(path, f"the last chunk of {name} lies beyond the end")


def _incomplete(path: Path, what: str) -> OutputError:
    return OutputError(
        f"{path} was not written completely ({what}), so it was removed: check the drive and "
        "convert again."
    )
