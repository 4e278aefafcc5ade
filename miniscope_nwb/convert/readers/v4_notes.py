"""notes.csv of Miniscope-DAQ-QT-Software: remarks typed, and settings changed, while recording.

The text of a note is not quoted and may hold commas, so each line is split once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from miniscope_nwb.convert.readers.text import TextFile
from miniscope_nwb.recording import Note, SettingChange

_LINE = re.compile(r'"?([+-]?[0-9]{1,15})"?[ ]*[\t,;][ ]?(.*)', re.DOTALL)
_BARE_STAMP = re.compile(r"[+-]?[0-9]{1,15}")
_HEADER = "timestamp"
_LONGEST_SHOWN = 60  # characters


@dataclass(frozen=True, slots=True)
class Notes:
    """What notes.csv holds; remarks are clauses that say what was mended."""

    notes: tuple[Note, ...] = ()
    changes: tuple[SettingChange, ...] = ()
    remarks: tuple[str, ...] = ()


def parse_notes(file: TextFile, device_names: Iterable[str]) -> Notes:
    """Return the notes of a session.

    Parameters
    ----------
    file
        The text, in any of its generations: with or without header, comma or tab.
    device_names
        Names as recorded. A line ``ms,<device>,<setting>,<value>`` (since v1.11) is a changed
        setting; it stays among the notes as well.

    Notes
    -----
    A line without a stamp continues the note before it.
    """
    found: list[tuple[float, str]] = []
    remarks = list(file.remarks)
    lines = file.text.split("\n")
    if _plain(lines[0]).startswith(_HEADER):
        del lines[0]
    for place, line in enumerate(lines):
        match = _LINE.fullmatch(line.strip())
        if match:
            found.append((int(match[1]) / 1000.0, match[2].strip()))
        elif place == len(lines) - 1 and _BARE_STAMP.fullmatch(line.strip()):
            remarks.append("the last line is half written and was dropped")
        elif line.strip() and found:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line.strip()}")
        elif line.strip():
            remarks.append(f"the first line has no time stamp, 0 s is used: {_shown(line)}")
            found.append((0.0, line.strip()))
    found = [(time_s, text.replace("\0", "\ufffd")) for time_s, text in found]
    return Notes(
        notes=tuple(Note(time_s, text) for time_s, text in found),
        changes=_changes(found, {_plain(name): name for name in device_names}),
        remarks=tuple(remarks),
    )


def _changes(found: list[tuple[float, str]], devices: dict[str, str]) -> tuple[SettingChange, ...]:
    changes = []
    for time_s, text in found:
        fields = [field.strip() for field in re.split("[,\t;]", text)]
        device = devices.get(_plain(fields[0]))
        if device is not None and len(fields) == 3 and all(fields):
            changes.append(SettingChange(time_s, device, fields[1], fields[2]))
    return tuple(changes)


def _plain(name: str) -> str:
    return re.sub('[ _"\ufeff]', "", name).casefold()


def _shown(line: str) -> str:
    return repr(line if len(line) <= _LONGEST_SHOWN else line[:_LONGEST_SHOWN] + "...")
