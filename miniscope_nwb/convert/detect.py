"""Find out which recordings a folder holds, by the files in it, and never guess.

Every reader is asked; the answer is a yes only if exactly one says yes. Where none knows the
folder itself, the folders below it are asked in the same way, so that the folder of an animal or
of a whole study gives all its recordings, as long as they are of one format. A format that is
known and refused stops nothing where recordings are found: a TIFF or a video of another program
may lie anywhere in a study; `find_refused` lists such folders.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from miniscope_nwb.convert.readers.base import Match, Reader, RecordingSource
from miniscope_nwb.convert.readers.parts import is_derived, is_junk
from miniscope_nwb.convert.readers.v4_discovery import STAMPS
from miniscope_nwb.convert.readers.v4_stamps import COLUMNS
from miniscope_nwb.errors import DetectionError
from miniscope_nwb.plugins import readers, sniff

_YAML = (".yaml", ".yml")
MAX_DEPTH = 10  # researcher/experiment/animal/date/time, and some more
MAX_FOLDERS = 10_000
MAX_LISTED = 5  # folders that a message names before it only counts the others

FOREIGN = "refused"  # the reader whose refusals mean another program's files, not damage

Found = tuple[Reader, RecordingSource]


@dataclass(slots=True)
class _Search:
    """What has been found below a folder so far."""

    root: Path
    known: dict[str, Reader]
    found: list[Found] = field(default_factory=list)
    refused: list[tuple[Path, Match]] = field(default_factory=list)
    n_folders: int = 0


def explain(path: Path) -> list[Match]:
    """Ask every reader about one folder, not about the folders below it.

    Raises
    ------
    DetectionError
        If `path` is no folder.
    """
    _refuse_no_folder(path)
    return _ask(path, readers())


def find_recordings(path: Path) -> list[Found]:
    """Find every recording in or below a folder, in natural order.

    Parameters
    ----------
    path
        A session folder, a device's folder, or a folder that holds several sessions.

    Returns
    -------
    list
        The reader and the source of each recording; never empty.

    Raises
    ------
    DetectionError
        If `path` is no folder, no reader or more than one recognises it, or the format is known
        and refused; the message says what every reader said.
    """
    _refuse_no_folder(path)
    known = readers()
    here = _ask(path, known)
    found = _take(path, here, known)
    if found:
        return found
    search = _Search(path, known)
    _search_below(path, search, depth=1)
    refused_here = next((match.refusal for match in here if match.refusal), "")
    if refused_here and not search.found:
        raise DetectionError(refused_here)
    if not search.found and not search.refused:
        raise DetectionError(_nothing_found(path, here))
    _refuse_mixture(search)
    return list(dict.fromkeys(search.found))


def find_refused(path: Path) -> list[tuple[Path, str]]:
    """Return the folders at and below `path` whose format is known and not converted, and why.

    Raises
    ------
    DetectionError
        If `path` is no folder, or two readers claim one below it.
    """
    _refuse_no_folder(path)
    search = _Search(path, readers())
    here = _ask(path, search.known)
    if any(match.sources for match in here):
        return []
    search.refused += [(path, match) for match in here if match.refusal]
    _search_below(path, search, depth=1)
    return [(folder, match.refusal) for folder, match in search.refused]


def _refuse_no_folder(path: Path) -> None:
    if path.is_file():
        where = f", {path.parent}" if path.parent != Path() else ""
        rest = " (a session YAML goes behind -m)" if path.suffix in _YAML else ""
        raise DetectionError(
            f"{path} is a file, not a folder: give the folder of the recording{rest or where}."
        )
    if not path.exists():
        raise DetectionError(f"{path} does not exist: check the path of the recording's folder.")
    if not path.is_dir():
        raise DetectionError(f"{path} is not a folder: give the folder of the recording.")
    try:
        next(path.iterdir(), None)
    except OSError as error:
        raise DetectionError(
            f"{path} cannot be listed ({error.strerror or error}): check its permissions."
        ) from error


def _ask(folder: Path, known: dict[str, Reader]) -> list[Match]:
    return [sniff(name, reader, folder) for name, reader in known.items()]


def _take(folder: Path, matches: Sequence[Match], known: dict[str, Reader]) -> list[Found]:
    """Return what the one reader that claims a folder finds in it; nothing where none does."""
    accepted = [match for match in matches if match.sources]
    if len(accepted) > 1:
        said = "\n".join(f"  {match.reader}: {'; '.join(match.reasons)}" for match in accepted)
        raise DetectionError(
            f"{folder} looks like recordings of {len(accepted)} formats, and guessing could take "
            f"the wrong one; move each into a folder of its own.\n{said}"
        )
    return [(known[match.reader], source) for match in accepted for source in match.sources]


def _search_below(folder: Path, search: _Search, *, depth: int) -> None:
    """Ask about the folders below one, natural order, but not below a recording."""
    if depth > MAX_DEPTH:
        return
    for child in _list_folders(folder):
        search.n_folders += 1
        if search.n_folders > MAX_FOLDERS:
            raise DetectionError(
                f"{search.root} holds more than {MAX_FOLDERS} folders: give a folder nearer to the "
                "recordings."
            )
        matches = _ask(child, search.known)
        found = _take(child, matches, search.known)
        search.found += found
        if not found:
            search.refused += [(child, match) for match in matches if match.refusal]
            _search_below(child, search, depth=depth + 1)


def _list_folders(folder: Path) -> list[Path]:
    """Return the folders in one that may hold recordings; links are not followed."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []  # a folder that we may not look into holds nothing for us
    names = [name for name in names if not is_junk(name) and not is_derived(f"{name}/x")]
    return [folder / name for name in sorted(names, key=_natural)]


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Order names as people do: 2 before 10."""
    pieces = re.split(r"([0-9]+)", name.casefold())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces], name


def _refuse_mixture(search: _Search) -> None:
    """Stop where nothing can be converted, or formats would be mixed."""
    if not search.found:
        folder, match = search.refused[0]
        others = len({refused for refused, _ in search.refused} - {folder})
        more = f" ({others} more folders like it below {search.root}.)" if others else ""
        raise DetectionError(match.refusal + more)
    formats: dict[str, list[Path]] = {}
    for reader, source in search.found:
        formats.setdefault(reader.name, []).append(source.folder)
    if len(formats) > 1:
        said = "\n".join(f"  {name}: {_name_some(formats[name])}" for name in sorted(formats))
        raise DetectionError(
            f"{search.root} holds recordings of {len(formats)} formats; give one of their "
            f"folders.\n{said}"
        )
    damaged = [match.refusal for _, match in search.refused if match.reader != FOREIGN]
    if damaged:
        said = "\n".join(f"  {refusal}" for refusal in damaged[:MAX_LISTED])
        raise DetectionError(
            f"{search.root} holds recordings that can be read and others that cannot; move these "
            f"out of it, or give the folders of the recordings one by one.\n{said}"
        )


def _name_some(folders: Sequence[Path]) -> str:
    names = ", ".join(str(folder) for folder in folders[:MAX_LISTED])
    n_more = len(folders) - MAX_LISTED
    return f"{names} and {n_more} more" if n_more > 0 else names


def _nothing_found(path: Path, matches: Sequence[Match]) -> str:
    if not any(path.iterdir()):
        return f"{path} is empty: give the folder of a recording."
    said = "\n".join(f"  {match.reader}: {'; '.join(match.reasons)}" for match in matches)
    return (
        f"{path} holds no recording that can be recognised, nor does any folder below it; "
        f"{_lone_video(path) or 'check the path'}. What each reader looked for:\n{said}"
    )


def _lone_video(folder: Path) -> str:
    """Say how to go on with a video that lost its time stamps; nothing where there is none."""
    videos = [path for path in folder.iterdir() if path.suffix.casefold() == ".avi"]
    if not videos:
        return ""
    return (
        f"{min(videos).name} is a video, and nothing tells when its frames were taken: put its "
        f"time stamps back beside it, or name it 0.avi and write a {STAMPS} with the columns "
        f"{', '.join(COLUMNS[:3])} (docs/damaged_input.md)"
    )
