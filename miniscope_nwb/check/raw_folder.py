"""Finds the raw folder that a file was made of, and compares the checksums of its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from miniscope_nwb.check.report import Difference, Tally
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.nwb.read import SourceRow

BUFFER_BYTES = 1 << 20
SMALL_BYTES = 1_000_000  # files up to this size are hashed to tell two likely folders apart
DEEPEST = 8  # levels below RAW that are searched for the session folder, as `convert` does


def find_root(raw: Path, sources: tuple[SourceRow, ...], *, nwb_path: Path) -> Path:
    """Find the folder to which the paths of the raw files are relative.

    Parameters
    ----------
    raw
        What the user named: the session folder, a device's folder in it, or a folder above.
    sources
        The files that the NWB file lists.
    nwb_path
        Named in messages.

    Raises
    ------
    RecordingError
        If `raw` is no folder, or none of the files is there.
    """
    if not raw.is_dir():
        what = "is not a folder" if raw.exists() else "does not exist"
        raise RecordingError(f"{raw} {what}; name the raw recording's folder.")
    candidates = list(dict.fromkeys([raw, *_above(raw), *_below(raw, sources)]))
    scores = [(_score(folder, sources), -place) for place, folder in enumerate(candidates)]
    best = max(scores)
    if best[0][0] == 0:
        example = sources[0].path if sources else "any"
        raise RecordingError(
            f"{raw} does not hold the raw recording of {nwb_path}: none of its {len(sources)} "
            f"files (such as {example}) is there; name the folder that was converted."
        )
    return candidates[-best[1]]


def _above(raw: Path) -> Iterable[Path]:
    """Yield the folders above, as far as a device of a joined recording is below its root."""
    return raw.resolve().parents[:3]


def _below(raw: Path, sources: tuple[SourceRow, ...]) -> Iterable[Path]:
    """Yield folders below that hold a listed name."""
    firsts = {PurePosixPath(source.path).parts[0] for source in sources}
    for folder, names, files in os.walk(raw):
        depth = len(Path(folder).relative_to(raw).parts)
        if depth and firsts.intersection((*names, *files)):
            yield Path(folder)
        if depth >= DEEPEST:
            names.clear()


def _score(folder: Path, sources: tuple[SourceRow, ...]) -> tuple[int, int, int]:
    """Files that are there, those of the right size, and small ones of the right content."""
    there = [(source, folder / source.path) for source in sources]
    there = [(source, path) for source, path in there if path.is_file()]
    sized = [(source, path) for source, path in there if path.stat().st_size == source.n_bytes]
    small = [(source, path) for source, path in sized if source.n_bytes <= SMALL_BYTES]
    n_equal = sum(source.sha256 == hash_file(path) for source, path in small if source.sha256)
    return len(there), n_equal, len(sized)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BUFFER_BYTES):
            digest.update(block)
    return digest.hexdigest()


def compare_checksums(
    root: Path, sources: tuple[SourceRow, ...], *, raw: Path, tally: Tally
) -> dict[int, str]:
    """Hash every raw file and compare it with what the NWB file says.

    Returns
    -------
    dict
        SHA-256 of every file that is there, by row of the source files. It is empty where RAW is
        another recording: then nothing else is worth comparing.
    """
    missing = [source for source in sources if not (root / source.path).is_file()]
    there = [source for source in sources if source not in missing]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = dict(
            zip(
                (source.row for source in there),
                pool.map(lambda source: hash_file(root / source.path), there),
                strict=True,
            )
        )
    for source in missing:
        message = "is listed in the NWB file but is not in the raw folder"
        tally.add(Difference("missing_file", "", -1, source.path, message))
    known = [source for source in there if source.sha256]
    changed = [source for source in known if found[source.row] != source.sha256]
    if known and len(changed) == len(known) and len(known) > 1:
        message = (
            f"{raw} is another recording, or all of it was changed: none of its {len(known)} files "
            "has the checksum in the NWB file; name the folder that was converted"
        )
        tally.add(Difference("folder", "", -1, "", message))
        return {}
    for source in changed:
        tally.add(Difference("checksum", "", -1, source.path, _say_changed(root, source)))
    return found


def _say_changed(root: Path, source: SourceRow) -> str:
    size = (root / source.path).stat().st_size
    if size != source.n_bytes:
        return f"was changed after conversion: it has {size} bytes, had {source.n_bytes}"
    return "was changed after conversion: its SHA-256 is another, its size the same"
