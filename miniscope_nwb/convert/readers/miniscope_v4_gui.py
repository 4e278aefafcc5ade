"""Recordings of the Open Ephys Miniscope V4 GUI, all files in one folder.

::

    mouse7_0.avi    one file of any length (Y800 or MJPG)
    mouse7_0.csv    a row a frame: frame number, time, head orientation, digital inputs
    mouse7_0.yml    every setting
    mouse7_0.log    messages of the program (not converted)

The end of the name is a number or a time; several of them are several recordings.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from miniscope_nwb.convert.readers import v4_gui_files
from miniscope_nwb.convert.readers.base import Match, RecordingSource
from miniscope_nwb.convert.readers.marking import mark_files
from miniscope_nwb.convert.readers.parts import check_inside, list_source_files, relative
from miniscope_nwb.convert.readers.v4_gui_files import GuiFiles
from miniscope_nwb.convert.readers.v4_gui_settings import find_rate, read_settings
from miniscope_nwb.convert.readers.v4_gui_table import GuiTable, read_table
from miniscope_nwb.convert.readers.video_checks import check_videos
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import (
    Device,
    Problem,
    ReadOptions,
    Recording,
    Setting,
    Severity,
    SourceFile,
    StartTime,
)
from miniscope_nwb.video.probe import probe_part

NAME = "Miniscope"
DEVICE_TYPE = "Miniscope_V4"  # the only device that the program records
SOFTWARE = "Open Ephys Miniscope V4 GUI"
LOG_NOTE = "messages of the program, not converted"
MOMENTS_NOTE = "of the column Timestamp only the first row is kept, as the start"


@dataclass(slots=True)
class _Found:
    """What has been read of a recording so far."""

    root: Path
    files: GuiFiles
    device: Device
    table: GuiTable | None = None
    settings: list[Setting] = field(default_factory=list)
    read: set[Path] = field(default_factory=set)
    notes: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(
        self, code: str, message: str, path: Path | None = None, *, severity: Severity = "error"
    ) -> None:
        """Note what stops `convert`, or, as a warning, that a file is left out."""
        file = relative(path, self.root) if path is not None else ""
        self.problems.append(Problem(severity, code, message, file, NAME))
        if path is not None:
            self.notes[path] = message


class MiniscopeV4GuiReader:
    """Reads recordings of the Open Ephys Miniscope V4 GUI."""

    name = "v4gui"
    summary = "Open Ephys Miniscope V4 GUI: one AVI, a CSV with HardwareTime, settings in a .yml"

    def sniff(self, folder: Path) -> Match:
        """Say whether CSV files with the GUI's columns stand in `folder`."""
        found = v4_gui_files.find_recordings(folder)
        if not found:
            return Match(self.name, (f"no .csv with a column {v4_gui_files.TIME_COLUMN}",))
        names = ", ".join(list(found)[:3])
        reason = f"{len(found)} recording(s) with the GUI's .csv or .yml: {names}"
        return Match(self.name, (reason,), tuple(RecordingSource(folder, key=key) for key in found))

    def read(self, source: RecordingSource, options: ReadOptions) -> Recording:
        """Read everything of a recording but the pixels.

        Raises
        ------
        RecordingError
            Where there is no such recording, two files claim one place, or a link leads out of
            the folder.
        """
        root = source.folder
        recordings = v4_gui_files.find_recordings(root)
        files = _choose(recordings, source)
        for path in files.paths:
            check_inside(path, root)
        found = _Found(root, files, _make_device(options))
        _read_video(found)
        _read_table(found)
        _read_settings(found)
        others = {
            path for other in recordings.values() if other is not files for path in other.paths
        }
        table = found.table
        return Recording(
            format=self.name,
            root=root,
            label=files.key if len(recordings) > 1 else "",
            software=SOFTWARE,
            start=_start_time(found),
            devices=(found.device,),
            settings=tuple(found.settings),
            samples=table.samples if table is not None else (),
            intervals=table.intervals if table is not None else (),
            source_files=_mark(found, others),
            problems=tuple(found.problems),
        )


def _choose(recordings: dict[str, GuiFiles], source: RecordingSource) -> GuiFiles:
    if source.key in recordings:
        return recordings[source.key]
    if not source.key and len(recordings) == 1:
        return next(iter(recordings.values()))
    keys = ", ".join(recordings) or "none"
    raise RecordingError(
        f"{source.folder.absolute().name}: there is no single recording "
        f"{source.key or 'without a name'!r} of the {SOFTWARE} in this folder (found: {keys}); "
        "check the path."
    )


def _make_device(options: ReadOptions) -> Device:
    is_given = NAME in options.roles
    return Device(
        name=NAME,
        folder=".",
        role=options.roles.get(NAME, "scope"),
        role_evidence="given by the user" if is_given else f"recorded with the {SOFTWARE}",
        device_type=DEVICE_TYPE,
        parts=(),
        stamps=None,
    )


def _read_video(found: _Found) -> None:
    path = found.files.by_kind.get(v4_gui_files.VIDEO)
    if path is None:
        message = f"Recording {found.files.key} has no video ({found.files.key}.avi); put it back."
        found.refuse("no_video", message)
        return
    try:
        part = probe_part(path, relative_path=relative(path, found.root), index=0)
    except RecordingError as error:
        found.refuse("unclear_video", str(error), path)
        return
    found.device = replace(found.device, parts=(part,))
    found.problems += check_videos(found.device)


def _read_table(found: _Found) -> None:
    path = found.files.by_kind.get(v4_gui_files.STAMPS)
    if path is None:
        message = (
            f"Recording {found.files.key} has no {found.files.key}.csv, so its frames have no "
            "time; put the file back beside the video."
        )
        found.refuse("no_stamps", message)
        return
    try:
        table = read_table(path, relative_path=relative(path, found.root), device=NAME)
    except RecordingError as error:
        found.refuse("bad_stamps", str(error), path)
        return
    found.table = table
    found.device = replace(found.device, stamps=table.stamps)
    found.settings += table.settings
    found.problems += table.problems
    found.read.add(path)
    unread = f"not converted: {', '.join(table.unread_columns)}; " if table.unread_columns else ""
    found.notes[path] = unread + MOMENTS_NOTE


def _read_settings(found: _Found) -> None:
    path = found.files.by_kind.get(v4_gui_files.SETTINGS)
    if path is None:
        message = (
            f"Recording {found.files.key} has no {found.files.key}.yml: its settings are unknown."
        )
        found.refuse("missing_metadata", message, severity="warning")
        return
    name = relative(path, found.root)
    try:
        settings, remarks = read_settings(path, relative_path=name, device=NAME)
    except RecordingError as error:
        found.refuse("damaged_metadata", str(error), path, severity="warning")
        return
    found.read.add(path)
    found.settings += settings
    found.device = replace(found.device, nominal_rate_hz=find_rate(settings))
    found.problems += [
        Problem("warning", "mended_text", f"{name}: {remark}.", name, NAME) for remark in remarks
    ]


def _start_time(found: _Found) -> StartTime:
    if found.table is None or found.table.start is None:
        return StartTime(None, "nothing tells the start", is_assumed=False)
    source = f"{found.table.stamps.source} (Timestamp of the first row)"
    return StartTime(found.table.start, source, is_assumed=False)


def _mark(found: _Found, others: set[Path]) -> tuple[SourceFile, ...]:
    """Mark the files of the folder; those of the other recordings in it are left out."""
    files = [file for file in list_source_files(found.root) if file.path not in others]
    log = found.files.by_kind.get(v4_gui_files.LOG)
    notes = {log: LOG_NOTE} if log is not None else {}
    return mark_files(
        files,
        devices=(found.device,),
        read=found.read,
        owners=dict.fromkeys(found.files.paths, NAME),
        notes=notes | found.notes,
    )
