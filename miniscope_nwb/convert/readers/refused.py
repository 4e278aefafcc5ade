"""Formats that are known by their files and not read: refused by name, with what to do instead.

A refusal counts only where no reader claims a folder or one below it: results, images and videos
of other programs lie beside recordings that can be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from miniscope_nwb.convert.readers.base import Match, RecordingSource
from miniscope_nwb.convert.readers.iso_time import has_time_first
from miniscope_nwb.convert.readers.parts import list_folder
from miniscope_nwb.convert.readers.sd_card import is_card_image
from miniscope_nwb.convert.readers.text import decode
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import ReadOptions, Recording

HEAD_BYTES = 4096  # enough for the first lines of a table
MOST_TABLES = 50  # whose first lines are read
_VIDEO = (".avi", ".mkv", ".mp4")
_PLUGIN = "or write a reader for it (docs: entry point miniscope_nwb.readers)"


@dataclass(slots=True)
class _Folder:
    """Names in a folder, and the beginnings of its tables, read when first asked for."""

    path: Path
    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    _heads: dict[Path, str] = field(default_factory=dict)

    def first(self, pattern: str) -> Path | None:
        """Return the first file whose whole name matches, in any case."""
        regex = re.compile(pattern, re.IGNORECASE)
        return next((path for path in self.files if regex.fullmatch(path.name)), None)

    @property
    def has_video(self) -> bool:
        """Whether there is a video."""
        return any(path.suffix.casefold() in _VIDEO for path in self.files)

    def table(self, is_it: Callable[[str], bool], pattern: str = r".*\.csv") -> Path | None:
        """Return the first table whose beginning passes the test."""
        regex = re.compile(pattern, re.IGNORECASE)
        found = [path for path in self.files if regex.fullmatch(path.name)]
        return next((path for path in found[:MOST_TABLES] if is_it(self._head(path))), None)

    def _head(self, path: Path) -> str:
        if path not in self._heads:
            try:
                with path.open("rb") as file:
                    self._heads[path] = decode(file.read(HEAD_BYTES)).text
            except OSError:
                self._heads[path] = ""
        return self._heads[path]


@dataclass(frozen=True, slots=True)
class Foreign:
    """A format that is not read: its name, the file that gives it away, and what to do."""

    name: str
    find: Callable[[_Folder], Path | None]
    why_not: str
    instead: str
    is_recording: bool = True  # False: results or images


def _has_pomidaq_header(head: str) -> bool:
    return re.match(r"\s*frame\s*;\s*timestamp", head, re.IGNORECASE) is not None


def _has_wall_clock(head: str) -> bool:
    """Whether the first column holds moments, with or without a header above."""
    second = head.partition("\n")[2]
    return has_time_first(head) or has_time_first(second)


def _has_buffer_headers(head: str) -> bool:
    return "reconstructed_frame_index" in head.partition("\n")[0]


def _find_pomidaq(folder: _Folder) -> Path | None:
    return folder.table(_has_pomidaq_header, r".*timestamps?.*\.csv")


def _find_syntalos(folder: _Folder) -> Path | None:
    manifest = folder.first(r"manifest\.toml")
    is_edl = manifest is not None and (folder.first(r"attributes\.toml") or folder.has_video)
    return folder.first(r".*\.tsync") or (manifest if is_edl else None)


def _find_bonsai(folder: _Folder) -> Path | None:
    named = folder.first(r"(?:minicam|uclaminiscopev[34]-image)[_-].*\.avi")
    return named or (folder.table(_has_wall_clock) if folder.has_video else None)


def _find_card(folder: _Folder) -> Path | None:
    image = folder.first(r".*\.img")
    raw = [p for p in folder.files if p.suffix.casefold() in (".raw", ".bin", ".dat")]
    return image or next((path for path in raw[:MOST_TABLES] if is_card_image(path)), None)


def _find_minian(folder: _Folder) -> Path | None:
    if folder.path.suffix.casefold() == ".zarr":
        return folder.path
    named = {"a", "c", "s", "b", "f", "max_proj", "motion", "varr", "varr_ref", "y_fm_chk"}
    stores = [path for path in folder.folders if path.suffix.casefold() == ".zarr"]
    ours = [path for path in stores if path.stem.casefold() in named]
    return next(iter(ours), folder.first(r"minian.*\.nc"))


FORMATS = (
    Foreign(
        "Inscopix",
        lambda folder: folder.first(r".*\.isx[db]"),
        "its proprietary files are not read",
        "convert it with NeuroConv's Inscopix interfaces",
    ),
    Foreign(
        "ONIX with Arrow files",
        lambda folder: folder.first(r".*\.arrow"),
        "only the AVI and raw files of the official workflow are read",
        "save with the workflow's VideoWriter and MatrixWriter, " + _PLUGIN,
    ),
    Foreign(
        "PoMiDAQ",
        _find_pomidaq,
        "its videos and time stamps are laid out in another way",
        "record with Miniscope-DAQ-QT-Software, " + _PLUGIN,
    ),
    Foreign(
        "Syntalos",
        _find_syntalos,
        "its time-sync files are not read",
        "read it with Syntalos' own Python package (edlio), " + _PLUGIN,
    ),
    Foreign(
        "the wire-free Miniscope (stream of mio)",
        lambda folder: folder.table(_has_buffer_headers),
        "its table has several rows a frame",
        "convert it with mio, " + _PLUGIN,
    ),
    Foreign(
        "the wire-free Miniscope (image of an SD card)",
        _find_card,
        "the card's sectors are not read",
        "export it with mio, " + _PLUGIN,
    ),
    Foreign(
        "a Bonsai workflow of its own",
        _find_bonsai,
        "every workflow has other columns, so nothing tells what they mean",
        "record with the Miniscope V4 GUI or the ONIX example workflow, " + _PLUGIN,
    ),
    Foreign(
        "minian's results",
        _find_minian,
        "these are no recording",
        "give the folder of the raw videos",
        is_recording=False,
    ),
    Foreign(
        "a stack of TIFF images",
        lambda folder: folder.first(r".*\.tiff?"),
        "images have no time stamps",
        "give the folder of the raw recording, " + _PLUGIN,
        is_recording=False,
    ),
)


class RefusedFormats:
    """Recognises formats that are not read, and says so by name."""

    name = "refused"
    summary = "recognised and refused: " + ", ".join(foreign.name for foreign in FORMATS)

    def sniff(self, folder: Path) -> Match:
        """Say which foreign format `folder` holds, if any. It never has sources."""
        paths = list_folder(folder)
        listing = _Folder(
            folder.absolute(),
            files=[path for path in paths if path.is_file()],
            folders=[path for path in paths if path.is_dir()],
        )
        for foreign in FORMATS:
            path = foreign.find(listing)
            if path is not None:
                reason = f"{path.name}: {foreign.name}"
                return Match(self.name, (reason,), refusal=_refusal(foreign, folder, path))
        return Match(self.name, (_none_of(FORMATS),))

    def read(self, source: RecordingSource, options: ReadOptions) -> Recording:
        """Refuse.

        Raises
        ------
        RecordingError
            Always.
        """
        match = self.sniff(source.folder)
        raise RecordingError(match.refusal or f"{source.folder}: not a recording that is read.")


def _refusal(foreign: Foreign, folder: Path, path: Path) -> str:
    what = "looks like a recording of" if foreign.is_recording else "holds"
    return (
        f"{folder} {what} {foreign.name} ({path.name}), which is not converted: "
        f"{foreign.why_not}; {foreign.instead}."
    )


def _none_of(formats: Sequence[Foreign]) -> str:
    return "no file of " + ", ".join(foreign.name for foreign in formats if foreign.is_recording)
