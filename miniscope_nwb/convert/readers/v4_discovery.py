"""Which folders of a session of Miniscope-DAQ-QT-Software belong to which device.

The session's metaData.json lists the devices by name; a device's folder is its name with spaces
turned into underscores. Where that file is missing or does not list a folder, numbered AVI files
beside a timeStamps.csv are evidence enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from miniscope_nwb.convert.readers.parts import (
    V4_STEM,
    VIDEO_SUFFIX,
    check_inside,
    find_file,
    is_derived,
    list_folder,
    relative,
)
from miniscope_nwb.convert.readers.v4_metadata import Metadata, device_names, read_metadata
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import Problem, Role

METADATA = "metaData.json"
STAMPS = "timeStamps.csv"
LISTS: tuple[tuple[str, Role], ...] = (("miniscopes", "scope"), ("cameras", "camera"))
DEVICE_KEYS = ("deviceType", "deviceName")
_STEM = re.compile(V4_STEM)
_SESSION_NAME = re.compile(r"(\d{4}_\d\d?_\d\d?[ _T-])?\d\d?_\d\d?_\d\d?")
_SESSION_FILES = ("notes.csv",)


@dataclass(frozen=True, slots=True)
class DeviceFolder:
    """A folder that holds, or should hold, the files of one device."""

    name: str  # as recorded, with spaces
    folder: Path
    listed_as: Role | None  # which list of the session names it
    metadata: Metadata | None  # the device's own metaData.json

    is_own: bool = True  # False: the metadata are another device's, as v0.1 wrote for cameras

    @property
    def device_type(self) -> str:
        """The recorded type; "" where the metadata are missing or another device's."""
        return self.metadata.text("deviceType") if self.metadata and self.is_own else ""


def _plain(name: str) -> str:
    return name.replace(" ", "_").casefold()


def is_session_metadata(metadata: Metadata | None) -> bool:
    """Say whether a metaData.json is a session's, not a device's."""
    return metadata is not None and any(key in metadata.values for key, _ in LISTS)


def is_device_folder(folder: Path) -> bool:
    """Say whether numbered AVI files, time stamps or a device's metaData.json stand in a folder.

    Two of the three are needed. Results of analysis software do not count.
    """
    names = {path.name.casefold() for path in list_folder(folder)}
    has_stamps = STAMPS.casefold() in names
    has_video = any(
        name.endswith(VIDEO_SUFFIX) and _STEM.fullmatch(name[:-4]) and not is_derived(name)
        for name in names
    )
    if has_stamps and has_video:
        return True
    if METADATA.casefold() not in names or not (has_stamps or has_video):
        return False
    metadata = load(folder, folder)
    return metadata is not None and any(key in metadata.values for key in DEVICE_KEYS)


def load(folder: Path, root: Path) -> Metadata | None:
    """Read the metaData.json of a folder; None where there is none."""
    path = find_file(folder, METADATA)
    if path is None:
        return None
    check_inside(path, root)
    return read_metadata(path, relative_path=relative(path, root))


def list_device_folders(root: Path) -> list[Path]:
    """Return the folders directly below `root` that hold a device's files."""
    return [
        path
        for path in list_folder(root)
        if path.is_dir() and not is_derived(f"{path.name}/") and is_device_folder(path)
    ]


def plain_folder(folder: Path) -> Path:
    """Return a folder with a name: ``.`` and ``..`` become absolute."""
    return folder if folder.name not in ("", "..") else folder.resolve()


def session_of(device_folder: Path) -> Path:
    """Return the session folder of a device's folder: its parent if that is one, else itself."""
    parent = plain_folder(device_folder.parent)
    looks_like_session = (
        is_session_metadata(load(parent, parent))
        or _SESSION_NAME.fullmatch(parent.name) is not None
        or any(find_file(parent, name) for name in _SESSION_FILES)
        or len(list_device_folders(parent)) > 1
    )
    return device_folder.parent if looks_like_session else device_folder


def find_devices(root: Path, session: Metadata | None) -> tuple[list[DeviceFolder], list[Problem]]:
    """Return the devices of a session, listed ones first, in the order of the lists.

    Raises
    ------
    RecordingError
        Where a device's name or a link leads out of the session folder.
    """
    devices: list[DeviceFolder] = []
    absent: list[tuple[str, str, Role]] = []
    problems: list[Problem] = []
    listed = [(name, key, role) for key, role in LISTS for name in _names(session, key)]
    for name, key, role in listed:
        folder = _folder_of(name, root)
        if folder is None:
            absent.append((name, key, role))
            continue
        same = next((device for device in devices if device.folder == folder), None)
        if same is None:
            metadata = load(folder, root)
            others = {_plain(other) for other, _, _ in listed} - {_plain(name)}
            is_own = metadata is None or _plain(metadata.text("deviceName")) not in others
            devices.append(DeviceFolder(name, folder, role, metadata, is_own))
        elif same.name != name:
            problems.append(_shared(same.name, name, folder))
    known = {device.folder for device in devices}
    extra = [path for path in list_device_folders(root) if path not in known]
    return _add_unlisted(devices, problems, absent, extra, root, session)


def _names(session: Metadata | None, key: str) -> list[str]:
    return device_names(session, key) if session is not None else []


def _add_unlisted(
    devices: list[DeviceFolder],
    problems: list[Problem],
    absent: list[tuple[str, str, Role]],
    extra: list[Path],
    root: Path,
    session: Metadata | None,
) -> tuple[list[DeviceFolder], list[Problem]]:
    """Add the folders that no list names: renamed ones of listed devices, and devices besides."""
    wanted = {_plain(name): (name, key, role) for name, key, role in absent}
    for folder in extra:
        check_inside(folder, root)
        metadata = load(folder, root)
        named = metadata.text("deviceName") if metadata else ""
        if _plain(named) in wanted:
            name, _, role = wanted.pop(_plain(named))
            devices.append(DeviceFolder(name, folder, role, metadata))
            problems.append(_renamed(name, folder))
            continue
        is_taken = _plain(named) in {_plain(device.name) for device in devices}
        devices.append(
            DeviceFolder(folder.name if is_taken or not named else named, folder, None, metadata)
        )
        if is_session_metadata(session):
            problems.append(_not_listed(devices[-1]))
    problems += [_absent(name, key) for name, key, _ in wanted.values()]
    return devices, problems


def single_device(root: Path) -> DeviceFolder:
    """Return the device whose files stand in the session folder itself."""
    metadata = load(root, root)
    named = metadata.text("deviceName") if metadata else ""
    return DeviceFolder(named or root.absolute().name, root, None, metadata)


def _folder_of(name: str, root: Path) -> Path | None:
    """Return the existing folder of a listed device, whatever the case of its name."""
    is_plain = (
        name.isprintable() and not set(name) & set("/\\:") and name.strip() not in {".", ".."}
    )
    if not is_plain:
        raise RecordingError(
            f"{METADATA}: the device name {name!r} is no folder inside the session {root.name}, or "
            "leads out of it; correct the name in a copy of the recording."
        )
    wanted = (name.replace(" ", "_"), name)
    folders = [path for path in list_folder(root) if path.is_dir()]
    folders = [path for path in folders if path.name.casefold() in [w.casefold() for w in wanted]]
    # Exact spelling before other case, underscores before spaces.
    folders.sort(key=lambda path: (path.name not in wanted, path.name != wanted[0]))
    for folder in folders[:1]:
        check_inside(folder, root)
        return folder
    return None


def _absent(name: str, key: str) -> Problem:
    message = (
        f"{METADATA} lists {name!r} under {key}, but there is no folder "
        f"{name.replace(' ', '_')}: nothing of this device is converted."
    )
    return Problem("warning", "missing_device", message, file=METADATA, device=name)


def _renamed(name: str, folder: Path) -> Problem:
    message = (
        f"{folder.name} is taken for the folder of the device {name!r}, which its metaData.json "
        "names and which has no folder of its own."
    )
    return Problem("warning", "renamed_folder", message, file=folder.name, device=name)


def _shared(first: str, second: str, folder: Path) -> Problem:
    message = (
        f"{METADATA} lists {first!r} and {second!r}, which share the folder {folder.name}: their "
        "files are mixed; separate them by hand."
    )
    return Problem("error", "shared_folder", message, file=METADATA, device=first)


def _not_listed(device: DeviceFolder) -> Problem:
    message = (
        f"{device.folder.name} holds videos and time stamps, but {METADATA} does not list it; it "
        "is converted as a device of this session."
    )
    return Problem("warning", "unlisted_device", message, device.folder.name, device.name)
