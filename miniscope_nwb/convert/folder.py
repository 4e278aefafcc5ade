"""A raw folder becomes NWB files: detect, read, reconcile, resolve, write.

This module reads like the table of contents of `miniscope-nwb convert`; every step is a function
of another module. Nothing is written before all recordings of the folder have been read, their
clocks reconciled and their metadata resolved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from miniscope_nwb.convert import detect, join, metadata, names, reconcile, timing
from miniscope_nwb.convert.plausible import warn_of_units
from miniscope_nwb.convert.session_clock import follow_repairs
from miniscope_nwb.convert.stub import stub_timelines
from miniscope_nwb.errors import OutputError, RecordingError
from miniscope_nwb.recording import Problem, ReadOptions, Recording
from miniscope_nwb.session import ConversionPlan, ConvertOptions, Segment

# Errors of a device that ``--on-mismatch trim`` answers by leaving the device out.
LEFT_OUT = {"no_video", "no_stamps"}


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One NWB file to be written: what goes in, and where it goes."""

    plan: ConversionPlan
    output: Path

    @property
    def remarks(self) -> tuple[Problem, ...]:
        """What is to be known of the name; not of the content, so it is not stored."""
        return names.remarks_on_name(self.plan, self.output)


def plan_folder(
    raw: Path,
    *,
    output: Path | None,
    metadata_files: Sequence[Path],
    options: ConvertOptions,
) -> list[PlannedFile]:
    """Plan every NWB file that a raw folder becomes, without writing anything.

    Parameters
    ----------
    raw
        Session folder, device folder, or a folder that holds several sessions.
    output
        An NWB file, a folder for files of the default names, or None for the working folder.
    metadata_files
        YAML files, merged in order; later ones win.
    options
        The user's choices.

    Raises
    ------
    MiniscopeError
        With one sentence that says what is wrong and what to do.
    """
    _refuse_inside(raw, output or Path())  # before anything is read
    user = metadata.load_yaml_files(metadata_files)
    read_options = ReadOptions(scope_camnum=options.scope_camnum, roles=user.roles)
    recordings = read_recordings(raw, read_options)
    with_root = len(recordings) > 1
    segments = [make_segment(item, options, with_root=with_root) for item in recordings]
    groups = [segments] if options.join else [[segment] for segment in segments]
    has_start = options.start_time is not None or "session_start_time" in user.session
    if len(segments) > 1 and has_start:
        raise RecordingError(
            f"{raw} holds {len(segments)} recordings, and --start-time (or session_start_time in "
            "the YAML) can be true of only one of them: convert their folders one by one."
        )
    plans = _tell_apart([make_plan(group, user, options) for group in groups])
    files = [PlannedFile(plan=plan, output=place_output(plan, output)) for plan in plans]
    for file in files:
        _refuse_inside(raw, file.output)
    _refuse_clashes(raw, files)
    return files


def read_recordings(raw: Path, options: ReadOptions) -> list[Recording]:
    """Read every recording in or below a folder.

    Problems that a person may decide on are in `Recording.problems`.

    Raises
    ------
    DetectionError
        If no reader, or more than one, recognises the folder.
    RecordingError
        If a recording cannot be read at all.
    """
    return [reader.read(source, options) for reader, source in detect.find_recordings(raw)]


def make_segment(
    recording: Recording, options: ConvertOptions, *, with_root: bool = False
) -> Segment:
    """Reconcile one recording's stamps and frames under the user's choices.

    With `with_root`, an error begins with the session folder that it is about.

    Raises
    ------
    RecordingError
        If the recording has an error, or stamps and frames disagree beyond the choices.
    """
    errors = [
        problem.message
        for problem in recording.problems
        if problem.severity == "error"
        and not (options.on_mismatch == "trim" and problem.code in LEFT_OUT)
    ]
    where = f"{recording.root}: " if with_root else ""
    if errors:
        raise RecordingError("\n".join(where + message for message in errors))
    try:
        timelines = reconcile.reconcile_recording(
            recording, on_mismatch=options.on_mismatch, stamps=options.stamps
        )
    except RecordingError as error:
        raise type(error)(f"{where}{error}") from error
    shift_s = reconcile.session_clock_shift(recording, timelines)
    if options.stub is not None:
        timelines = stub_timelines(timelines, options.stub)
    moved = join.shift_clock(recording, shift_s)
    return Segment(recording=follow_repairs(moved, recording, timelines), timelines=timelines)


def make_plan(
    segments: Sequence[Segment], user: metadata.UserMetadata, options: ConvertOptions
) -> ConversionPlan:
    """Put the segments of one NWB file together with its metadata and time report.

    Raises
    ------
    MetadataError
        If the YAML says something that the recording contradicts.
    RecordingError
        If the start is unknown, or segments do not belong into one file.
    """
    recordings = [segment.recording for segment in segments]
    session = metadata.resolve(recordings, user, options)
    root = recordings[0].root
    if len(segments) > 1:
        starts = [metadata.resolve_start(item, user, options).value for item in recordings]
        root, segments = join.join_segments(segments, starts)
    report = timing.report_segments(segments)
    return ConversionPlan(
        root=root,
        segments=tuple(segments),
        session=session,
        timing=report,
        options=options,
        problems=(
            *(problem for segment in segments for problem in segment.recording.problems),
            *(p for segment in segments for t in segment.timelines.values() for p in t.problems),
            *session.problems,
            *warn_of_units(session, report),
        ),
    )


def place_output(plan: ConversionPlan, output: Path | None) -> Path:
    """Say where a plan's NWB file goes: the named file, or the default name in the named folder.

    Raises
    ------
    OutputError
        If the name is ``.nwb`` alone.
    """
    if output is not None and output.suffix.lower() == ".nwb":
        return output
    if output is not None and output.name.lower() == ".nwb":  # which pathlib takes for a stem
        raise OutputError(f"{output} has nothing before .nwb: name the NWB file so with -o.")
    if output is not None and output.suffix and not output.is_dir():
        raise OutputError(
            f"{output} must end in .nwb to be a file; or let -o name a folder that exists."
        )
    return (output or Path()) / names.path_of_plan(plan)


def _tell_apart(plans: Sequence[ConversionPlan]) -> list[ConversionPlan]:
    """Put its label into the session id of a recording that began in the same second as another.

    Only the recordings of one folder have labels: the sets of ONIX and of the Miniscope V4 GUI.
    """
    ids = [(plan.session.subject.subject_id, plan.session.session_id) for plan in plans]
    told = []
    for plan, key in zip(plans, ids, strict=True):
        label = plan.segments[0].recording.label
        if ids.count(key) > 1 and label:
            session_id = f"{plan.session.session_id}-{names.label(label)}"
            plan = replace(plan, session=replace(plan.session, session_id=session_id))
        told.append(plan)
    return told


def _refuse_inside(raw: Path, output: Path) -> None:
    """Nothing is written into the folder that is converted, not even beside its recordings."""
    if raw.is_dir() and output.resolve().is_relative_to(raw.resolve()):
        what = f"{output} lies" if output != Path() else "the working folder lies"
        raise OutputError(
            f"{what} inside the raw folder {raw}, which is never written to: name another place "
            "with -o."
        )


def _refuse_clashes(raw: Path, files: Sequence[PlannedFile]) -> None:
    """Two recordings must not end in one file without ``--join``."""
    outputs = [file.output for file in files]
    clash = next((output for output in outputs if outputs.count(output) > 1), None)
    if clash is None:
        return
    roots = [str(file.plan.root) for file in files if file.output == clash]
    told = f"{raw} holds {len(files)} recordings, and {len(roots)} of them would become {clash}"
    if clash.stem in {names.path_of_plan(file.plan).stem for file in files}:
        raise OutputError(
            f"{told} ({', '.join(dict.fromkeys(roots))}), because their subject and session_id "
            "(their start, where a YAML gives none) are the same: convert them one by one, each "
            "with its own subject_id or session_id in a YAML, or give --join for a single file."
        )
    raise OutputError(f"{told}: let -o name a folder for one file each, or give --join.")
