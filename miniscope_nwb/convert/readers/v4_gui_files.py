"""Which files of a folder belong to which recording of the Open Ephys Miniscope V4 GUI.

The files of a recording have the same name but for the suffix: ``<base>_<number or time>.avi``,
``.csv``, ``.log`` and ``.yml``. Segments and triggered recordings give several in one folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from miniscope_nwb.convert.readers import suffixes
from miniscope_nwb.convert.readers.parts import is_derived, list_folder
from miniscope_nwb.convert.readers.text import decode
from miniscope_nwb.errors import RecordingError

VIDEO = "avi"
STAMPS = "csv"
SETTINGS = "yml"
LOG = "log"
TIME_COLUMN = "HardwareTime"
_KINDS = {".avi": VIDEO, ".csv": STAMPS, ".yml": SETTINGS, ".yaml": SETTINGS, ".log": LOG}
_SETTINGS_WORDS = ("ledbrightness", "sensorgain")
_HEAD_BYTES = 4096


@dataclass(slots=True)
class GuiFiles:
    """The files of one recording by kind; ``key`` is their name without suffix."""

    key: str
    by_kind: dict[str, Path] = field(default_factory=dict)

    @property
    def paths(self) -> set[Path]:
        """All files that belong to the recording."""
        return set(self.by_kind.values())


def find_recordings(folder: Path) -> dict[str, GuiFiles]:
    """Return the recordings of a folder by key, in natural order.

    A recording is a CSV file with a column HardwareTime, or a video with the GUI's settings.

    Raises
    ------
    RecordingError
        Where two files claim to be the same file of one recording.
    """
    named: dict[str, GuiFiles] = {}
    for path in list_folder(folder):
        kind = _KINDS.get(path.suffix.casefold())
        if kind is None or is_derived(path.name) or not path.is_file():
            continue
        files = named.setdefault(path.stem.casefold(), GuiFiles(path.stem))
        other = files.by_kind.setdefault(kind, path)
        if other != path and _is_gui(files):
            raise RecordingError(
                f"{folder.name}: {other.name} and {path.name} both claim to belong to recording "
                f"{files.key}; move the one that does not out of the folder."
            )
    found = {files.key: files for files in named.values() if _is_gui(files)}
    return {key: found[key] for key in suffixes.order(found)}


def _is_gui(files: GuiFiles) -> bool:
    stamps, settings = files.by_kind.get(STAMPS), files.by_kind.get(SETTINGS)
    if stamps is not None:
        return TIME_COLUMN.casefold() in _head(stamps).split("\n", 1)[0].replace(" ", "")
    if settings is None or VIDEO not in files.by_kind:
        return False
    return any(word in _head(settings) for word in _SETTINGS_WORDS)


def _head(path: Path) -> str:
    """Return the beginning of a text file in lower case, "" where it cannot be read."""
    try:
        with path.open("rb") as file:
            return decode(file.read(_HEAD_BYTES)).text.casefold().lstrip()
    except OSError:
        return ""
