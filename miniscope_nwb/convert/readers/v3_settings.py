"""settings_and_notes.dat of the Miniscope DAQ software for V3.

::

    animal  excitation  msCamExposure  recordLength      separated by tabs
    mouse 7 12          255            0
                                                         a blank line
    elapsedTime  Note
    83  LED Changed to: 15                               whole seconds; the text may hold tabs
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest

from miniscope_nwb.convert.readers.text import TextFile
from miniscope_nwb.recording import Json, Note

ANIMAL = "animal"
_NOTES_HEADER = "elapsedtime"
_NOTE = re.compile(r"\s*([+-]?[0-9]{1,9}(?:[.,][0-9]{1,6})?)[ ]*[\t;,](.*)", re.DOTALL)
_BARE_TIME = re.compile(r"\s*[+-]?[0-9]{1,9}\s*")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,15}\.[0-9]{1,15}")
_SEPARATORS = ("\t", ";", ",")


@dataclass(frozen=True, slots=True)
class V3Settings:
    """What settings_and_notes.dat holds; remarks are clauses that say what was mended.

    `damage` is a clause that says why the file cannot be believed, or "".
    """

    values: dict[str, Json]
    notes: tuple[Note, ...] = ()
    remarks: tuple[str, ...] = ()
    damage: str = ""

    @property
    def animal(self) -> str:
        """The animal's name, on one line; "" where none was given."""
        text = str(self.values.get(ANIMAL) or "")
        return "".join(c if c.isprintable() else " " for c in text).strip()


def parse_settings(file: TextFile) -> V3Settings:
    """Return the settings and notes. Never fails: what makes no sense is remarked.

    A setting is a whole number, a number, or else text; a line among the notes without a time
    continues the note before it.
    """
    lines = [line.replace("\0", "\ufffd") for line in file.text.split("\n")]
    remarks = [remark for remark in file.remarks if "code page" not in remark]  # the usual one
    headers = [place for place, line in enumerate(lines) if _first(line) == ANIMAL]
    notes_at = next((i for i, line in enumerate(lines) if _first(line) == _NOTES_HEADER), None)
    values: dict[str, Json] = {}
    damage = ""
    if headers:
        row = lines[headers[0] + 1] if headers[0] + 1 < len(lines) else ""
        values = _settings(lines[headers[0]], "" if headers[0] + 1 == notes_at else row)
    else:
        remarks.append("it has no line that begins with 'animal', so there are no settings")
    repeated = [place for place in headers[1:] if "\t" in lines[place]]
    if repeated:
        damage = f"a second header stands in line {repeated[0] + 1}, so two recordings share it"
    start = notes_at + 1 if notes_at is not None else headers[0] + 2 if headers else len(lines)
    notes = _notes(lines[start:], remarks)
    return V3Settings(values, notes, tuple(remarks), damage)


def _first(line: str) -> str:
    return re.split("[\t;,]", line, maxsplit=1)[0].strip(" \"'\ufeff").casefold()


def _settings(header: str, row: str) -> dict[str, Json]:
    separator = next((mark for mark in _SEPARATORS if mark in header), "\t")
    values: dict[str, Json] = {}
    pairs = zip_longest(header.split(separator), row.split(separator), fillvalue="")
    for place, (name, text) in enumerate(pairs, 1):
        key = name.strip(" \"'\ufeff")
        if not key and not text.strip():
            continue
        if not key or key in values:
            key = f"{key or 'column'} ({place})"
        values[key] = _value(text.strip(" \"'"), is_text=key == ANIMAL)
    return values


def _value(text: str, *, is_text: bool) -> Json:
    if is_text:
        return text  # a mouse called 007
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _notes(lines: list[str], remarks: list[str]) -> tuple[Note, ...]:
    found: list[Note] = []
    for place, line in enumerate(lines):
        match = _NOTE.fullmatch(line)
        if match:
            found.append(Note(float(match[1].replace(",", ".")), match[2].strip()))
        elif _BARE_TIME.fullmatch(line):
            if place == len(lines) - 1:
                remarks.append("the last line is half written and was dropped")
            else:
                found.append(Note(float(line), ""))
        elif line.strip() and found:
            found[-1] = Note(found[-1].time_s, f"{found[-1].text}\n{line.strip()}")
        elif line.strip():
            remarks.append("a note before the first time is given the time 0 s")
            found.append(Note(0.0, line.strip()))
    return tuple(found)
