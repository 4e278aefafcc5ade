"""A recording into an `NWBFile` that belongs to somebody else and may hold other data already."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pynwb import NWBFile

from miniscope_nwb.nwb import from_dictionary, series, signals
from miniscope_nwb.nwb.as_dictionary import Dictionary, entry_key
from miniscope_nwb.nwb.frame_info import make_frame_info
from miniscope_nwb.nwb.lazy_movie import lazy_video
from miniscope_nwb.nwb.movie import frame_runs, make_movie
from miniscope_nwb.nwb.object_names import RECORDING_MODULE, device_infos, series_name
from miniscope_nwb.nwb.provenance import make_provenance
from miniscope_nwb.nwb.source_files import list_source_files, make_source_files
from miniscope_nwb.session import ConversionPlan

VideoPlace = Literal["external", "embed", "none"]


def add_frames(
    nwbfile: NWBFile,
    described: Dictionary,
    plan: ConversionPlan,
    *,
    videos: VideoPlace,
    metadata_key: str | None,
) -> None:
    """Add the series of every device that has frames.

    Parameters
    ----------
    nwbfile
        Where to.
    described
        Devices, planes and series as a metadata dictionary, see `as_dictionary`.
    plan
        The recording.
    videos
        ``external``: refer to the cameras' videos where they lie; ``embed``: store their frames.
    metadata_key
        What the keys of `described` begin with.
    """
    infos = tuple(device_infos(plan).values())
    for info in infos:
        runs = frame_runs(info.name, plan.segments)
        if not runs or (info.role == "camera" and videos == "none"):
            continue
        key = entry_key(info, metadata_key)
        times = series.time_stamps(info.name, plan.segments)
        if info.role == "scope":
            movie = make_movie(info.name, plan.segments, is_camera=False)
            from_dictionary.add_series(nwbfile, described, key, movie=movie, times=times)
            continue
        device = from_dictionary.add_device(nwbfile, described, key)
        name = series_name(info, infos)
        if videos == "embed":
            movie = make_movie(info.name, plan.segments, is_camera=True)
            nwbfile.add_acquisition(lazy_video(name, movie, times, info, device))
            continue
        video = series.external_series(name, runs, times, info, device, "in-place")
        video.series.external_file[:] = [part.path.absolute().as_posix() for part in video.parts]
        nwbfile.add_acquisition(video.series)


def add_beside_frames(nwbfile: NWBFile, plan: ConversionPlan, *, checksums: bool) -> None:
    """Add signals, notes, lost frames, and the tables of the module `recording`.

    With `checksums`, every raw file is read for its SHA-256.
    """
    infos = device_infos(plan)
    signals.add_samples(nwbfile, plan.segments, infos)
    signals.add_notes(nwbfile, plan.segments)
    signals.add_intervals(nwbfile, plan.segments, infos)
    signals.add_lost_frames(nwbfile, plan.segments)
    module = nwbfile.create_processing_module(
        RECORDING_MODULE, "What was recorded beside the frames, and where each frame comes from."
    )
    files = list_source_files(plan)
    listed = make_source_files(files)
    if checksums:
        for row, file in enumerate(files):
            listed["sha256"].data[row] = _sha256(file.path)
    module.add(listed)
    rows = {file.relative_path: row for row, file in enumerate(files)}
    for info in infos.values():
        if frame_runs(info.name, plan.segments):
            module.add(make_frame_info(info, plan.segments, rows))
    for table in make_provenance(plan, plan.problems):
        module.add(table)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
