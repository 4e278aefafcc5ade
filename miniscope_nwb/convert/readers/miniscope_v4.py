"""The layout of Miniscope-DAQ-QT-Software ("V4"), all generations from v0.1 to v2.0.0.

::

    2021_06_03/14_59_32/          the session; any depth of folders above
      metaData.json               start time, animal, names of the devices
      notes.csv                   remarks and changed settings
      behaviorTracker/            its configuration; poses (not converted)
      My_V4_Miniscope/            a device: its name, spaces turned into underscores
        0.avi 1.avi ... 10.avi    framesPerFile frames each
        timeStamps.csv            a row a frame
        metaData.json             deviceType, gain, LED, frame rate, ROI
        headOrientation.csv       quaternions, where the scope has the sensor
      BehavCam_0/ ...

The software makes the layout, not the hardware: a V3 scope recorded with it is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from miniscope_nwb.convert.readers import v4_discovery, v4_metadata
from miniscope_nwb.convert.readers.base import Match, RecordingSource
from miniscope_nwb.convert.readers.parts import find_file, list_source_files
from miniscope_nwb.convert.readers.text import read_text
from miniscope_nwb.convert.readers.v4_checks import check_age
from miniscope_nwb.convert.readers.v4_device import DeviceFiles, read_device
from miniscope_nwb.convert.readers.v4_discovery import DeviceFolder
from miniscope_nwb.convert.readers.v4_metadata import Metadata
from miniscope_nwb.convert.readers.v4_notes import Notes, parse_notes
from miniscope_nwb.convert.readers.v4_start import find_start
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import (
    Problem,
    ReadOptions,
    Recording,
    Setting,
    SourceFile,
)

NOTES = "notes.csv"
TRACKER = "behaviorTracker"
SOFTWARE = "Miniscope-DAQ-QT-Software"
_UNREAD_NOTES = {  # by the first folder below the session
    "imagecaptures": "screenshot, not converted",
    "experiment": "added by the experimenter, not converted",
    "behaviortracker": "poses of the behaviour tracker, not converted",
}


class MiniscopeV4Reader:
    """Reads sessions of Miniscope-DAQ-QT-Software."""

    name = "v4"
    summary = "UCLA Miniscope-DAQ-QT-Software: numbered AVI, metaData.json, timeStamps.csv"

    def sniff(self, folder: Path) -> Match:
        """Say whether `folder` is a session, or a device's folder in one."""
        folder = v4_discovery.plain_folder(folder)
        session = v4_discovery.load(folder, folder)
        if v4_discovery.is_session_metadata(session):
            n_listed = _count_listed(session)
            devices = "device" if n_listed == 1 else "devices"
            reason = f"{v4_discovery.METADATA} lists {n_listed} {devices}"
            return Match(self.name, (reason,), (RecordingSource(folder),))
        if v4_discovery.is_device_folder(folder):
            return self._sniff_device(folder)
        found = v4_discovery.list_device_folders(folder)
        if found:
            names = ", ".join(path.name for path in found)
            reason = f"{names}: numbered AVI files, {v4_discovery.STAMPS} or a device's metadata"
            return Match(self.name, (reason,), (RecordingSource(folder),))
        reasons = (
            f"no {v4_discovery.METADATA} that lists devices",
            f"no folder with numbered AVI files and {v4_discovery.STAMPS}",
        )
        return Match(self.name, reasons)

    def _sniff_device(self, folder: Path) -> Match:
        session = v4_discovery.session_of(folder)
        source = RecordingSource(session, device=folder.name)
        reason = f"the folder of one device of {session.absolute().name}"
        if session == folder:
            source = RecordingSource(folder)
            reason = f"numbered AVI files, {v4_discovery.STAMPS} or a device's metadata"
        return Match(self.name, (reason,), (source,))

    def read(self, source: RecordingSource, options: ReadOptions) -> Recording:
        """Read everything of a session but the pixels.

        Raises
        ------
        RecordingError
            Where a name or link leads out of the session, or there is nothing to read.
        """
        root = source.folder
        metadata, folders, problems = _find_devices(source)
        files = list_source_files(root, below=folders[0].folder if source.device else None)
        devices = [read_device(folder, root, options) for folder in folders]
        start, start_problems = find_start(metadata, root)
        tracker = _load_tracker(root)
        notes, notes_problems = _read_notes(root, folders)
        problems += [*start_problems, *notes_problems]
        problems += [problem for device in devices for problem in device.problems]
        for extra in (metadata, tracker):
            problems += extra.problems() if extra is not None else []
        problems += _check_session(metadata, root, devices)
        return Recording(
            format=self.name,
            root=root,
            label="",
            software=_software(metadata, devices),
            start=start,
            devices=tuple(item.device for item in devices),
            subject_id=_text(metadata, v4_metadata.SUBJECT_KEYS),
            experimenter=_text(metadata, v4_metadata.EXPERIMENTER_KEYS),
            experiment_description=_text(metadata, v4_metadata.EXPERIMENT_KEYS),
            settings=_settings(metadata, tracker, folders),
            notes=notes.notes,
            setting_changes=notes.changes,
            samples=tuple(sample for item in devices for sample in item.samples),
            source_files=_mark(files, root, devices, [metadata, tracker], notes_problems),
            problems=tuple(dict.fromkeys(problems)),
        )


def _count_listed(session: Metadata | None) -> int:
    lists = [key for key, _ in v4_discovery.LISTS]
    return sum(len(v4_metadata.device_names(session, key)) for key in lists) if session else 0


def _find_devices(
    source: RecordingSource,
) -> tuple[Metadata | None, list[DeviceFolder], list[Problem]]:
    """Return the session's metadata, the folders to read, and what is wrong with the session."""
    root = source.folder
    metadata = v4_discovery.load(root, root)
    if v4_discovery.is_device_folder(root) and not v4_discovery.is_session_metadata(metadata):
        return None, [v4_discovery.single_device(root)], [_no_metadata(root)]
    folders, problems = v4_discovery.find_devices(root, metadata)
    if source.device:
        folders = [f for f in folders if source.device in (f.name, f.folder.name)]
        names = {"", *(folder.name for folder in folders)}
        problems = [problem for problem in problems if problem.device in names]
        if not folders:
            raise RecordingError(
                f"{root.absolute().name}: there is no device {source.device!r} in this session; "
                "give the folder of the session or of one of its devices."
            )
    if metadata is None:
        problems.append(_no_metadata(root))
    if not folders:
        message = (
            f"{root.absolute().name}: there is no device's folder with videos in this session; put "
            "the folders back beside metaData.json."
        )
        problems.append(Problem("error", "no_device", message))
    return metadata, folders, problems


def _no_metadata(root: Path) -> Problem:
    message = (
        f"{root.absolute().name} has no session metaData.json: animal and experimenter are unknown "
        "and the start time is taken from the folder's name if that tells it."
    )
    return Problem("warning", "missing_metadata", message)


def _load_tracker(root: Path) -> Metadata | None:
    folder = next((p for p in root.iterdir() if p.name.casefold() == TRACKER.casefold()), None)
    return v4_discovery.load(folder, root) if folder is not None and folder.is_dir() else None


def _read_notes(root: Path, folders: Sequence[DeviceFolder]) -> tuple[Notes, list[Problem]]:
    try:
        path = find_file(root, NOTES)
        if path is None:
            return Notes(), []
        names = [name for folder in folders for name in (folder.folder.name, folder.name)]
        notes = parse_notes(read_text(path, display=path.name), names)
    except RecordingError as error:
        return Notes(), [
            Problem("warning", "bad_notes", f"Notes are not converted. {error}", NOTES)
        ]
    messages = [f"{path.name}: {remark}." for remark in notes.remarks]
    return notes, [Problem("warning", "mended_text", message, NOTES) for message in messages]


def _check_session(
    metadata: Metadata | None, root: Path, devices: Sequence[DeviceFiles]
) -> list[Problem]:
    """Warn once where the session's metadata are older than any of its devices' stamps."""
    for item in devices:
        if item.device.stamps is not None:
            found = check_age(metadata, root / item.device.stamps.source, item.device)
            if found:
                return [replace(found[0], device="")]
    return []


def _text(metadata: Metadata | None, keys: tuple[str, ...]) -> str:
    return metadata.text(*keys) if metadata is not None else ""


def _settings(
    metadata: Metadata | None, tracker: Metadata | None, folders: Sequence[DeviceFolder]
) -> tuple[Setting, ...]:
    settings: list[Setting] = []
    if metadata is not None:
        settings += v4_metadata.flatten(metadata, device="")
    if tracker is not None:
        settings += v4_metadata.flatten(tracker, device="", prefix=TRACKER)
    for folder in folders:
        if folder.metadata is not None:
            settings += v4_metadata.flatten(folder.metadata, device=folder.name)
    return tuple(settings)


def _software(metadata: Metadata | None, devices: Sequence[DeviceFiles]) -> str:
    """Name the software and, as far as the files differ between versions, its version."""
    stamps = [item.device.stamps for item in devices if item.device.stamps is not None]
    if any(item.hardware_frame is not None for item in stamps):
        return f"{SOFTWARE} (v2.0.0 or later)"
    if metadata is not None and isinstance(metadata.values.get("recordingStartTime"), dict):
        return f"{SOFTWARE} (v1.10 or later)"
    if metadata is not None and "msecSinceEpoch" in metadata.values:
        return f"{SOFTWARE} (v1.02 or earlier)"
    return SOFTWARE


def _mark(
    files: Sequence[SourceFile],
    root: Path,
    devices: Sequence[DeviceFiles],
    extras: Sequence[Metadata | None],
    notes_problems: Sequence[Problem],
) -> tuple[SourceFile, ...]:
    """Say of every file of the session whether its content is in the records, and whose it is."""
    videos = {part.path: part for item in devices for part in item.device.parts}
    read = {path for item in devices for path in item.read_files}
    read |= {extra.path for extra in extras if extra is not None and not extra.damage}
    reasons = {path: why for item in devices for path, why in item.unread_files.items()}
    reasons |= {e.path: f"damaged: {e.damage}" for e in extras if e is not None and e.damage}
    notes = find_file(root, NOTES)
    is_bad = any(problem.code == "bad_notes" for problem in notes_problems)
    if notes is not None and not is_bad:
        read.add(notes)
    owners = {item.device.folder: item.device.name for item in devices}
    marked = []
    for file in files:
        part = videos.get(file.path)
        reason = "" if file.path in read else reasons.get(file.path) or _reason(file)
        marked.append(
            replace(
                file,
                device=_owner(file, owners),
                n_frames=part.n_frames if part is not None else None,
                codec=part.fourcc if part is not None else "",
                converted=file.path in read,
                note=reason,
            )
        )
    return tuple(marked)


def _owner(file: SourceFile, owners: dict[str, str]) -> str:
    first = file.relative_path.split("/")[0] if "/" in file.relative_path else "."
    return owners.get(first, owners.get(".", ""))


def _reason(file: SourceFile) -> str:
    first = file.relative_path.split("/")[0].casefold()
    return file.note or _UNREAD_NOTES.get(first, "not a file of the acquisition software")
