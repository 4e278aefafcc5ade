"""What a reader of a raw format offers: a name, a sniff and a read.

A reader is pure: folder in, records out. It imports neither pynwb nor neuroconv, writes nothing,
and follows no path that leads out of the folder. To add a format, write a class with these four
members and name it in your package's entry points (group ``miniscope_nwb.readers``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from miniscope_nwb.recording import ReadOptions, Recording


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """Where one recording lies: its session folder and, where that holds several, which one.

    ``device`` is set when the user named the folder of a single device: only that one is read.
    """

    folder: Path
    key: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A reader's answer to "is this folder yours?".

    ``reasons`` are short clauses, for yes as for no: "metaData.json lists 2 devices",
    "no timestamp.dat". ``sources`` are the recordings that the reader would read here; empty
    means no. ``refusal`` is a whole sentence where the reader knows the format by its files but
    cannot convert it: the sentence says so by name and what to do instead.
    """

    reader: str
    reasons: tuple[str, ...]
    sources: tuple[RecordingSource, ...] = ()
    refusal: str = ""

    @property
    def is_match(self) -> bool:
        """Whether the reader recognises the folder."""
        return bool(self.sources or self.refusal)


@runtime_checkable
class Reader(Protocol):
    """The four members of a reader."""

    name: str  # short, stable: "v4"
    summary: str  # one line for people: what it reads

    def sniff(self, folder: Path) -> Match:
        """Say whether `folder` is a recording, or the folder of one of its devices.

        Looks at the folder itself and at what the format's own layout has below it, and reads
        names and small text files only.
        """
        ...

    def read(self, source: RecordingSource, options: ReadOptions) -> Recording:
        """Read everything but the pixels.

        Raises
        ------
        RecordingError
            Where the folder cannot be read without a decision; one sentence.
        """
        ...
