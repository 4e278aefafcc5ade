"""Which files of a folder belong to which ONIX recording.

Every file of a recording has the same suffix: a number that counts the recordings of the folder,
or the time at which the file was opened. ACE-NeuroTools adds ``_miniscope`` to some names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from miniscope_nwb.convert.readers import suffixes
from miniscope_nwb.convert.readers.parts import is_derived, list_folder
from miniscope_nwb.errors import RecordingError

START = "start-time"
VIDEO = "ucla-miniscope-v4-video"
CLOCK = "ucla-miniscope-v4-clock"
MOTION = "bno055"
PORT = "port-status"
LAB_SUFFIX = "_miniscope"
_EXTENSIONS = {VIDEO: "avi", CLOCK: "raw", START: "csv", MOTION: "csv", PORT: "csv"}
_NAMES = {
    kind: re.compile(rf"{kind}_([0-9].*?)({LAB_SUFFIX})?\.{extension}", re.IGNORECASE | re.ASCII)
    for kind, extension in _EXTENSIONS.items()
}


@dataclass(slots=True)
class OnixFiles:
    """The files of one recording by kind, and those that another file was preferred to."""

    key: str
    by_kind: dict[str, Path]
    passed_over: dict[Path, str] = field(default_factory=dict)

    @property
    def paths(self) -> set[Path]:
        """All files that belong to the recording."""
        return {*self.by_kind.values(), *self.passed_over}


def find_recordings(folder: Path) -> dict[str, OnixFiles]:
    """Return the recordings of a folder by key, in natural order.

    A recording is what has a video or its clock; a start time alone may be that of ephys.

    Raises
    ------
    RecordingError
        Where two files claim to be the same file of one recording.
    """
    official = _named_files(folder, is_lab=False)
    lab = _named_files(folder, is_lab=True)
    chosen = {kind: official[kind] | lab[kind] for kind in _EXTENSIONS}
    sets = suffixes.join(chosen, main=(VIDEO, CLOCK))
    found = {key: OnixFiles(key, sets[key]) for key in suffixes.order(sets)}
    for files in found.values():
        for kind, path in files.by_kind.items():
            other = next(
                (
                    official[kind][k]
                    for k, p in lab[kind].items()
                    if p == path and k in official[kind]
                ),
                None,
            )
            if other is not None:
                files.passed_over[other] = f"{path.name} is used instead"
    return found


def _named_files(folder: Path, *, is_lab: bool) -> dict[str, dict[str, Path]]:
    """Return the files by kind and suffix, with ACE's names or the official ones."""
    named: dict[str, dict[str, Path]] = {kind: {} for kind in _EXTENSIONS}
    for path in list_folder(folder):
        if is_derived(path.name) or not path.is_file():
            continue
        for kind, pattern in _NAMES.items():
            match = pattern.fullmatch(path.name)
            if match is None or (match[2] is not None) != is_lab:
                continue
            key = match[1].upper()
            if key in named[kind]:
                raise RecordingError(
                    f"{folder.name}: {named[kind][key].name} and {path.name} both claim to belong "
                    f"to recording {key}; move the one that does not out of the folder."
                )
            named[kind][key] = path
    return named
