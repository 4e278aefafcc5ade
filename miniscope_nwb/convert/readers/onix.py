"""ONIX recordings (OpenEphys.Onix1 in Bonsai) of a Miniscope V4, all files in one folder.

::

    start-time_0.csv                 when the context started; rate of its clock
    ucla-miniscope-v4-video_0.avi    one file of any length
    ucla-miniscope-v4-clock_0.raw    clock ticks of every frame
    bno055_0.csv                     motion sensor
    port-status_0.csv                faults of the link

These are the names of the official workflow; ACE-NeuroTools writes ``start-time_0_miniscope.csv``
and ``port-status_0_miniscope.csv``. All times are ticks of one clock, which counts from the start
of the ONIX context: that is the zero of the session.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from miniscope_nwb.convert.readers import onix_files
from miniscope_nwb.convert.readers.base import Match, RecordingSource
from miniscope_nwb.convert.readers.marking import mark_files
from miniscope_nwb.convert.readers.onix_clock import read_clock
from miniscope_nwb.convert.readers.onix_files import OnixFiles
from miniscope_nwb.convert.readers.onix_motion import read_motion
from miniscope_nwb.convert.readers.onix_port import read_port_status
from miniscope_nwb.convert.readers.onix_start import OnixStart, read_start
from miniscope_nwb.convert.readers.parts import check_inside, list_source_files, relative
from miniscope_nwb.convert.readers.video_checks import check_videos
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import (
    Device,
    Intervals,
    Problem,
    ReadOptions,
    Recording,
    Samples,
    Setting,
    Severity,
    SourceFile,
    StartTime,
)
from miniscope_nwb.video.probe import probe_part

NAME = "Miniscope"
DEVICE_TYPE = "Miniscope_V4"  # the names of the files say so
SOFTWARE = "Bonsai with OpenEphys.Onix1 (ONIX)"
OTHER_STREAM = "another stream of the acquisition, on the same clock; not converted"
_STREAM_SUFFIXES = {".raw", ".csv", ".arrow", ".bin", ".dat"}


@dataclass(slots=True)
class _Found:
    """What has been read of a recording so far."""

    root: Path
    files: OnixFiles
    device: Device
    start: OnixStart | None = None
    settings: list[Setting] = field(default_factory=list)
    samples: tuple[Samples, ...] = ()
    intervals: tuple[Intervals, ...] = ()
    read: set[Path] = field(default_factory=set)
    notes: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def path(self, kind: str) -> Path | None:
        return self.files.by_kind.get(kind)

    def name(self, path: Path) -> str:
        return relative(path, self.root)

    def refuse(
        self, code: str, message: str, path: Path | None = None, *, severity: Severity = "error"
    ) -> None:
        """Note what stops `convert`, or, as a warning, that a file is left out."""
        file = self.name(path) if path is not None else ""
        self.problems.append(Problem(severity, code, message, file, NAME))
        if path is not None:
            self.notes[path] = message


class OnixReader:
    """Reads ONIX recordings of a Miniscope V4."""

    name = "onix"
    summary = (
        "ONIX (OpenEphys.Onix1): ucla-miniscope-v4-video_*.avi, -clock_*.raw, start-time_*.csv"
    )

    def sniff(self, folder: Path) -> Match:
        """Say whether videos or clocks with the names of the ONIX workflow stand in `folder`."""
        found = onix_files.find_recordings(folder)
        if not found:
            video, clock = onix_files.VIDEO, onix_files.CLOCK
            return Match(self.name, (f"no {video}_*.avi or {clock}_*.raw",))
        names = sorted(path.name for files in found.values() for path in files.by_kind.values())
        sources = tuple(RecordingSource(folder, key=key) for key in found)
        return Match(self.name, (f"{len(found)} recording(s) by {', '.join(names[:3])}",), sources)

    def read(self, source: RecordingSource, options: ReadOptions) -> Recording:
        """Read everything of a recording but the pixels.

        Raises
        ------
        RecordingError
            Where there is no such recording, two files claim one place, or a link leads out of
            the folder.
        """
        root = source.folder
        recordings = onix_files.find_recordings(root)
        files = _choose(recordings, source)
        for path in files.paths:
            check_inside(path, root)
        found = _Found(root, files, _make_device(options))
        found.notes |= files.passed_over
        _read_video(found)
        _read_start(found)
        _read_clock(found)
        _read_motion(found)
        _read_port(found)
        others = {
            path for other in recordings.values() if other is not files for path in other.paths
        }
        return Recording(
            format=self.name,
            root=root,
            label=files.key if len(recordings) > 1 else "",
            software=SOFTWARE,
            start=_start_time(found),
            devices=(found.device,),
            settings=tuple(found.settings),
            samples=found.samples,
            intervals=found.intervals,
            source_files=_mark(found, others),
            problems=tuple(found.problems),
        )


def _choose(recordings: dict[str, OnixFiles], source: RecordingSource) -> OnixFiles:
    if source.key in recordings:
        return recordings[source.key]
    if not source.key and len(recordings) == 1:
        return next(iter(recordings.values()))
    keys = ", ".join(recordings) or "none"
    raise RecordingError(
        f"{source.folder.absolute().name}: there is no single ONIX recording "
        f"{source.key or 'without a number'!r} in this folder (found: {keys}); check the path."
    )


def _make_device(options: ReadOptions) -> Device:
    is_given = NAME in options.roles
    return Device(
        name=NAME,
        folder=".",
        role=options.roles.get(NAME, "scope"),
        role_evidence="given by the user" if is_given else f"named {onix_files.VIDEO}",
        device_type=DEVICE_TYPE,
        parts=(),
        stamps=None,
    )


def _read_video(found: _Found) -> None:
    path = found.path(onix_files.VIDEO)
    if path is None:
        message = (
            f"Recording {found.files.key} has no video ({onix_files.VIDEO}_{found.files.key}.avi); "
            "put it back beside its clock."
        )
        found.refuse("no_video", message)
        return
    try:
        part = probe_part(path, relative_path=found.name(path), index=0)
    except RecordingError as error:
        found.refuse("unclear_video", str(error), path)
        return
    found.device = replace(found.device, parts=(part,))
    found.problems += check_videos(found.device)


def _read_start(found: _Found) -> None:
    path = found.path(onix_files.START)
    if path is None:
        message = (
            f"Recording {found.files.key} has no {onix_files.START}_{found.files.key}.csv, so the "
            "rate of its clock is unknown and no frame has a time; put the file back."
        )
        found.refuse("no_start_time", message)
        return
    try:
        found.start = read_start(path, relative_path=found.name(path))
    except RecordingError as error:
        found.refuse("bad_start_time", str(error), path)
        return
    found.read.add(path)
    found.settings += found.start.settings
    found.problems += found.start.problems


def _read_clock(found: _Found) -> None:
    path = found.path(onix_files.CLOCK)
    if path is None:
        message = (
            f"Recording {found.files.key} has no {onix_files.CLOCK}_{found.files.key}.raw, so its "
            "frames have no time; put the file back beside the video."
        )
        found.refuse("no_stamps", message)
        return
    if found.start is None:
        found.notes[path] = "not read: the rate of the clock is unknown"
        return
    try:
        clock = read_clock(
            path,
            relative_path=found.name(path),
            device=found.device,
            clock_hz=found.start.clock_hz,
        )
    except RecordingError as error:
        found.refuse("bad_stamps", str(error), path)
        return
    found.read.add(path)
    found.device = replace(found.device, stamps=clock.stamps)
    found.settings += clock.settings
    found.problems += clock.problems


def _read_motion(found: _Found) -> None:
    path = found.path(onix_files.MOTION)
    if path is None:
        return
    if found.start is None:
        found.notes[path] = "not read: the rate of the clock is unknown"
        return
    try:
        found.samples, problems = read_motion(
            path, relative_path=found.name(path), device=NAME, clock_hz=found.start.clock_hz
        )
    except RecordingError as error:
        found.refuse(
            "bad_motion", f"The motion sensor is not converted. {error}", path, severity="warning"
        )
        return
    found.read.add(path)
    found.problems += problems


def _read_port(found: _Found) -> None:
    path = found.path(onix_files.PORT)
    if path is None:
        return
    if found.start is None:
        found.notes[path] = "not read: the rate of the clock is unknown"
        return
    try:
        intervals, problems = read_port_status(
            path, relative_path=found.name(path), device=NAME, clock_hz=found.start.clock_hz
        )
    except RecordingError as error:
        found.refuse(
            "bad_port_status",
            f"The port status is not converted. {error}",
            path,
            severity="warning",
        )
        return
    found.read.add(path)
    found.problems += problems
    found.intervals = (intervals,) if intervals is not None else ()


def _start_time(found: _Found) -> StartTime:
    path = found.path(onix_files.START)
    if found.start is None or path is None or found.start.moment is None:
        return StartTime(None, "nothing tells the start", is_assumed=False)
    return StartTime(found.start.moment, f"{path.name} (Timestamp)", is_assumed=False)


def _mark(found: _Found, others: set[Path]) -> tuple[SourceFile, ...]:
    """Mark the files of the folder; those of the other recordings in it are left out."""
    files = [file for file in list_source_files(found.root) if file.path not in others]
    notes = {
        file.path: OTHER_STREAM
        for file in files
        if not file.note
        and file.path.suffix.casefold() in _STREAM_SUFFIXES
        and file.path not in found.files.paths
    }
    return mark_files(
        files,
        devices=(found.device,),
        read=found.read,
        owners=dict.fromkeys(found.files.paths, NAME),
        notes=notes | found.notes,
    )
