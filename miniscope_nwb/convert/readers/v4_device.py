"""One device of a session of Miniscope-DAQ-QT-Software: its role, its videos, its time stamps."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from miniscope_nwb.convert.readers import v4_checks
from miniscope_nwb.convert.readers.parts import V4_STEM, find_file, find_parts, relative
from miniscope_nwb.convert.readers.v4_discovery import STAMPS, DeviceFolder
from miniscope_nwb.convert.readers.v4_metadata import number, whole_number
from miniscope_nwb.convert.readers.v4_stamps import read_orientation, read_stamps
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import (
    Device,
    Problem,
    ReadOptions,
    Role,
    Samples,
    Severity,
    Stamps,
    VideoPart,
)
from miniscope_nwb.video.probe import probe_part

ORIENTATION = "headOrientation.csv"
FIRST_PART = 0
CAMERA_TYPES = ("minicam", "webcam")  # behaviour cameras in whichever list they stand
SCOPE_TYPES = ("miniscope", "minilfov", "minilfm", "siminiscope")
CAMERA_NAMES = ("behav", "webcam", "minicam")


@dataclass(frozen=True, slots=True)
class DeviceFiles:
    """A device with all that its folder holds besides the pixels."""

    device: Device
    samples: tuple[Samples, ...]
    read_files: tuple[Path, ...]  # files whose content stands in the records
    unread_files: dict[Path, str]  # files whose content does not, and why
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Found:
    """What has been read of a device so far."""

    source: DeviceFolder
    root: Path
    parts: tuple[VideoPart, ...] = ()
    stamps: Stamps | None = None
    samples: tuple[Samples, ...] = ()
    read_files: list[Path] = field(default_factory=list)
    unread_files: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, code: str, message: str, *, is_error: bool = False) -> None:
        severity: Severity = "error" if is_error else "warning"
        folder = relative(self.source.folder, self.root)
        self.problems.append(Problem(severity, code, message, folder, self.source.name))


def read_device(source: DeviceFolder, root: Path, options: ReadOptions) -> DeviceFiles:
    """Read everything of a device but its pixels.

    What cannot be decided without a person becomes a problem of severity ``error``; nothing is
    raised.
    """
    found = _Found(source, root)
    role, evidence = find_role(source, options)
    _note_metadata(found, role, evidence)
    _read_parts(found)
    _read_stamps(found)
    _read_orientation(found)
    metadata = source.metadata if source.is_own else None
    values = metadata.values if metadata is not None else {}
    device = Device(
        name=source.name,
        folder=relative(source.folder, root),
        role=role,
        role_evidence=evidence,
        device_type=source.device_type,
        parts=found.parts,
        stamps=found.stamps,
        frames_per_file=whole_number(values.get("framesPerFile")),
        nominal_rate_hz=number(values.get("frameRate")),
    )
    problems = v4_checks.check_videos(device, metadata)
    stale = v4_checks.check_age(source.metadata, source.folder / STAMPS, device)
    return DeviceFiles(
        device=device,
        samples=found.samples,
        read_files=tuple(found.read_files),
        unread_files=found.unread_files,
        problems=(*found.problems, *problems, *stale),
    )


def find_role(source: DeviceFolder, options: ReadOptions) -> tuple[Role, str]:
    """Return scope or camera, and what says so."""
    for name in (source.name, source.folder.name):
        if name in options.roles:
            return options.roles[name], "given by the user"
    if source.device_type.casefold().startswith(CAMERA_TYPES):
        return "camera", f"deviceType {source.device_type}"
    if source.listed_as == "scope":
        return "scope", "listed under miniscopes"
    if source.listed_as == "camera":
        return "camera", "listed under cameras"
    if source.device_type:
        return "scope", f"deviceType {source.device_type}"
    if any(part in source.name.casefold() for part in CAMERA_NAMES):
        return "camera", "name of the folder only"
    return "scope", "nothing says that it is a camera"


def _note_metadata(found: _Found, role: Role, evidence: str) -> None:
    source = found.source
    if evidence in ("name of the folder only", "nothing says that it is a camera"):
        what = "a miniscope" if role == "scope" else "a behaviour camera"
        found.add(
            "guessed_role",
            f"{source.folder.name} is taken for {what} ({evidence}); set its role in the YAML if "
            "that is wrong.",
        )
    if evidence == "listed under cameras" and source.device_type.casefold().startswith(SCOPE_TYPES):
        found.add(
            "scope_as_camera",
            f"{source.name} is of the type {source.device_type}, but metaData.json lists it under "
            "cameras, so it is converted as a behaviour camera; if it is a miniscope, give it the "
            "role scope in the YAML.",
        )
    if source.metadata is None:
        found.add(
            "missing_metadata",
            f"{source.folder.name} has no metaData.json: its type and settings are unknown.",
        )
        return
    found.problems += source.metadata.problems(source.name)
    if source.metadata.damage:
        found.unread_files[source.metadata.path] = f"damaged: {source.metadata.damage}"
    else:
        found.read_files.append(source.metadata.path)
    if not source.is_own:
        found.add(
            "foreign_metadata",
            f"{source.metadata.relative_path} describes the device "
            f"{source.metadata.text('deviceName')!r}, not {source.name!r} (a fault of the first "
            "version of the software): it is kept among the settings and not used.",
        )


def _read_parts(found: _Found) -> None:
    folder = found.source.folder
    try:
        paths = find_parts(folder, stem_pattern=V4_STEM, first_index=FIRST_PART)
        found.parts = tuple(
            probe_part(path, relative_path=relative(path, found.root), index=index)
            for index, path in paths.items()
        )
    except RecordingError as error:
        found.add("unclear_video", str(error), is_error=True)
        return
    found.read_files += paths.values()
    if not paths:
        message = (
            f"{folder.name}: the device {found.source.name} has no video (0.avi, 1.avi, ...); put "
            "its videos back, or move the folder out of the session."
        )
        found.add("no_video", message, is_error=True)


def _read_stamps(found: _Found) -> None:
    folder, name = found.source.folder, found.source.name
    try:
        path = find_file(folder, STAMPS)
        if path is None:
            message = (
                f"{folder.name}: the device {name} has no {STAMPS}, so its frames have no time; "
                "put the file back, write one by hand where the rate is known (see 'A video "
                "without its time stamps' in docs/damaged_input.md), or move the folder out."
            )
            found.add("no_stamps", message, is_error=True)
            return
        found.stamps, problems = read_stamps(
            path, relative_path=relative(path, found.root), device=name
        )
    except RecordingError as error:
        found.add("bad_stamps", str(error), is_error=True)
        return
    found.read_files.append(path)
    found.problems += problems


def _read_orientation(found: _Found) -> None:
    path = None
    try:
        path = find_file(found.source.folder, ORIENTATION)
        if path is None:
            return
        samples, problems = read_orientation(
            path, relative_path=relative(path, found.root), device=found.source.name
        )
    except RecordingError as error:
        found.add("bad_orientation", f"Head orientation is not converted. {error}")
        if path is not None:
            found.unread_files[path] = str(error)
        return
    found.read_files.append(path)
    found.problems += problems
    found.samples = (samples,) if samples is not None else ()
