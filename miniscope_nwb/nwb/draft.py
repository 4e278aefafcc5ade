"""Everything of the NWB file but the pixels, built from a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from pynwb import NWBFile
from pynwb.device import Device
from pynwb.file import Subject

from miniscope_nwb import __version__
from miniscope_nwb.nwb import devices, series, signals
from miniscope_nwb.nwb.frame_info import make_frame_info
from miniscope_nwb.nwb.movie import Movie, frame_runs
from miniscope_nwb.nwb.object_names import RECORDING_MODULE, device_infos, series_name
from miniscope_nwb.nwb.provenance import command_line, make_provenance
from miniscope_nwb.nwb.source_files import make_source_files
from miniscope_nwb.recording import Problem, SourceFile
from miniscope_nwb.session import ConversionPlan, DeviceInfo, SubjectInfo


@dataclass(frozen=True, slots=True)
class Draft:
    """An NWB file in memory, and what is still to be put into or beside it."""

    file: NWBFile
    movies: dict[str, Movie]  # by name of the series in `acquisition`
    videos: tuple[series.ExternalVideo, ...]
    problems: tuple[Problem, ...]  # the plan's and the writer's own


def make_draft(
    plan: ConversionPlan, movies: Mapping[str, Movie], files: Sequence[SourceFile]
) -> Draft:
    """Build the file of a plan.

    Parameters
    ----------
    plan
        What to write.
    movies
        Frames to be stored inside the file, by device.
    files
        Rows of `SourceFiles`.
    """
    infos = device_infos(plan)
    file = _make_file(plan)
    nwb_devices = devices.add_devices(file, infos.values())
    stored, videos = _add_frames(file, plan, infos, nwb_devices, movies)
    signals.add_samples(file, plan.segments, infos)
    signals.add_notes(file, plan.segments)
    signals.add_intervals(file, plan.segments, infos)
    signals.add_lost_frames(file, plan.segments)
    # The frames behind a stub have stamps; nobody needs to be warned of them.
    found = [] if plan.options.stub else [p for video in videos for p in video.problems]
    problems = (*plan.problems, *found)
    _add_tables(file, plan, infos, files, problems)
    return Draft(file, stored, tuple(videos), problems)


def _make_file(plan: ConversionPlan) -> NWBFile:
    session = plan.session
    software = sorted({s.recording.software for s in plan.segments if s.recording.software})
    file = NWBFile(
        session_description=session.session_description or f"Session {session.session_id}.",
        identifier=str(uuid4()),
        session_start_time=session.start,
        session_id=session.session_id or None,
        experimenter=list(session.experimenter) or None,
        lab=session.lab or None,
        institution=session.institution or None,
        experiment_description=session.experiment_description or None,
        keywords=list(session.keywords) or None,
        notes=session.notes or None,
        protocol=session.protocol or None,
        pharmacology=session.pharmacology or None,
        surgery=session.surgery or None,
        virus=session.virus or None,
        stimulus_notes=session.stimulus_notes or None,
        data_collection=session.data_collection
        or (f"Recorded with {' and '.join(software)}." if software else None),
        related_publications=list(session.related_publications) or None,
        source_script=command_line(plan.options),
        source_script_file_name="miniscope-nwb",
        was_generated_by=[["miniscope-nwb", __version__]],
    )
    if session.subject.subject_id:
        file.subject = _make_subject(session.subject)
    return file


def _make_subject(subject: SubjectInfo) -> Subject:
    return Subject(
        subject_id=subject.subject_id,
        species=subject.species or None,
        sex=subject.sex or None,
        age=subject.age or None,
        date_of_birth=subject.date_of_birth,
        genotype=subject.genotype or None,
        strain=subject.strain or None,
        weight=subject.weight or None,
        description=subject.description or None,
    )


def _add_frames(
    file: NWBFile,
    plan: ConversionPlan,
    infos: Mapping[str, DeviceInfo],
    nwb_devices: Mapping[str, Device],
    movies: Mapping[str, Movie],
) -> tuple[dict[str, Movie], list[series.ExternalVideo]]:
    """Add one series a device that has frames, and the imaging planes of the scopes."""
    stored: dict[str, Movie] = {}
    videos: list[series.ExternalVideo] = []
    everyone = tuple(infos.values())
    timing = {report.device: report for report in plan.timing}
    for info in everyone:
        name, device = series_name(info, everyone), nwb_devices[info.name]
        runs = frame_runs(info.name, plan.segments)
        times = series.time_stamps(info.name, plan.segments)
        if info.role == "scope":
            plane = devices.add_plane(file, info, everyone, device, timing.get(info.name))
        if not runs:
            continue
        if info.name not in movies:
            links = plan.options.link_videos
            videos.append(series.external_series(name, runs, times, info, device, links))
            file.add_acquisition(videos[-1].series)
            continue
        movie = stored[name] = movies[info.name]
        how = plan.options.compression
        file.add_acquisition(
            series.scope_series(name, movie, times, info, plane, how)
            if info.role == "scope"
            else series.embedded_series(name, movie, times, info, device, how)
        )
    return stored, videos


def _add_tables(
    file: NWBFile,
    plan: ConversionPlan,
    infos: Mapping[str, DeviceInfo],
    files: Sequence[SourceFile],
    problems: Sequence[Problem],
) -> None:
    module = file.create_processing_module(
        name=RECORDING_MODULE,
        description="What was recorded beside the frames, where each frame comes from, and how the "
        "recording was converted.",
    )
    if files:
        module.add(make_source_files(files))
    rows = {item.relative_path: row for row, item in enumerate(files)}
    for info in infos.values():
        if frame_runs(info.name, plan.segments):
            module.add(make_frame_info(info, plan.segments, rows))
    for table in make_provenance(plan, problems):
        module.add(table)
