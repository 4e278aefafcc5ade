"""The files of a recording: numbered video parts in their order, and a list of everything.

Computers litter folders (``.DS_Store``, ``._0.avi``, ``Thumbs.db``), and analysis software puts
its results beside the raw videos. Neither is ever taken for a recording.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import SourceFile

V4_STEM = r"(\d+)(?:[ _-].*)?"  # 0.avi, and renamed: 0_corrected.avi
VIDEO_SUFFIX = ".avi"

_JUNK_NAMES = {
    ".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", "__macosx",
    "$recycle.bin", "system volume information", ".spotlight-v100", ".trashes", ".fseventsd",
    ".temporaryitems", ".dropbox", ".dropbox.attr", ".sync.ffs_db", ".git", ".svn",
    ".ipynb_checkpoints", "__pycache__",
}  # fmt: skip
_JUNK_PREFIXES = ("._", "~$", ".~lock.")
# Results of minian, CaImAn, Suite2p, MIN1PIPE and of motion correction in general.
_DERIVED_FILE = re.compile(
    r".*[ _-](?:mc|rig|els|motion_?corrected|aligned|denoised|processed|demo|trajectory)\.avi"
    r"|(?:mscamall|minian|caiman|memmap).*|metadatatif\.json"
    r"|.*\.(?:mmap|zarr|npy|npz|mat|h5|hdf5|nc|nwb|tif|tiff|pkl|pickle|isxd)",
    re.IGNORECASE,
)
_DERIVED_FOLDER = re.compile(
    r"saved_movies|minian.*|caiman.*|suite2p|.*\.zarr|.*_memmap_?|dask-worker-space|.*_mc",
    re.IGNORECASE,
)
DERIVED_NOTE = "made by analysis software, not a recording"


def is_junk(name: str) -> bool:
    """Say whether a file or folder of this name is the operating system's, not the recording's."""
    lower = name.casefold()
    return lower in _JUNK_NAMES or lower.startswith(_JUNK_PREFIXES)


def is_derived(relative_path: str) -> bool:
    """Say whether a path (with ``/``, below the recording) names a result of analysis software."""
    path = PurePosixPath(relative_path)
    in_folder = any(_DERIVED_FOLDER.fullmatch(parent) for parent in path.parts[:-1])
    return in_folder or _DERIVED_FILE.fullmatch(path.name) is not None


def find_parts(folder: Path, *, stem_pattern: str, first_index: int) -> dict[int, Path]:
    """Return the numbered video parts of a folder in natural order.

    Parameters
    ----------
    folder
        Where to look; folders below it are not searched.
    stem_pattern
        Regular expression that the whole name without ``.avi`` must match, in any case; its first
        group is the number. Leading zeros do not matter.
    first_index
        The number of the first part as the software counts: 0 or 1. Parts that someone renumbered
        from 0 are accepted where 1 is usual.

    Returns
    -------
    dict
        0-based index to path, ascending. A gap in the indices is a missing file. Empty where the
        folder has no such file or does not exist.

    Raises
    ------
    RecordingError
        Where two files claim one index, or a link leads out of the folder.
    """
    pattern = re.compile(stem_pattern, re.IGNORECASE)
    found: dict[int, Path] = {}
    for path in list_folder(folder):
        match = pattern.fullmatch(path.stem)
        if path.suffix.casefold() != VIDEO_SUFFIX or match is None or is_derived(path.name):
            continue
        if not path.is_file():
            continue
        number = int(match[1])
        if number in found:
            raise RecordingError(
                f"{folder.name}: {found[number].name} and {path.name} both claim to be part "
                f"{number}; move the one that is not the recording out of the folder."
            )
        found[number] = path
    start = min([first_index, *found])
    return {number - start: found[number] for number in sorted(found)}


def list_folder(folder: Path) -> list[Path]:
    """Return what stands in a folder, sorted by name, without the operating system's files.

    A folder that does not exist or may not be read is empty.
    """
    try:
        paths = [path for path in folder.iterdir() if not is_junk(path.name)]
    except OSError:
        return []
    return sorted(paths, key=lambda path: (path.name.casefold(), path.name))


def find_file(folder: Path, name: str) -> Path | None:
    """Return the file called `name` in any case, or None.

    Raises
    ------
    RecordingError
        Where several differ in nothing but case and none is spelt exactly so.
    """
    found = [p for p in list_folder(folder) if p.name.casefold() == name.casefold() and p.is_file()]
    exact = [path for path in found if path.name == name]
    if len(found) > 1 and not exact:
        names = " and ".join(path.name for path in found)
        raise RecordingError(
            f"{folder.name}: {names} could both be {name}; move one out of the folder."
        )
    return next(iter(exact or found), None)


def relative(path: Path, root: Path) -> str:
    """Return `path` relative to `root` with ``/``; ``"."`` for the root itself."""
    return path.relative_to(root).as_posix()


def check_inside(path: Path, root: Path) -> None:
    """Refuse a path that leads out of the session folder, be it through links.

    Raises
    ------
    RecordingError
        Naming the path.
    """
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(os.path.realpath(root)):
        shown = relative(path, root) if path.is_relative_to(root) else str(path)
        raise RecordingError(
            f"{shown}: leads out of the session folder {root.name}; put the file itself into the "
            "folder, or remove the link."
        )


def list_source_files(root: Path, *, below: Path | None = None) -> list[SourceFile]:
    """Return a record of every file below the session folder, sorted by path.

    The operating system's files are left out. Every record says ``converted=False`` and, for
    results of analysis software, why; the reader marks what it reads.

    Parameters
    ----------
    root
        The session folder.
    below
        List only what stands in the session folder itself and below this folder: a device's.

    Raises
    ------
    RecordingError
        Where a link leads out of the folder, or a folder cannot be listed.
    """
    files = []
    paths = _walk(root, root) if below in (None, root) else _walk_one(below or root, root)
    for path in paths:
        relative_path = relative(path, root)
        files.append(
            SourceFile(
                path=path,
                relative_path=relative_path,
                n_bytes=path.stat().st_size,
                converted=False,
                note=DERIVED_NOTE if is_derived(relative_path) else "",
            )
        )
    return files


def _walk(folder: Path, root: Path) -> Iterator[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if not is_junk(path.name))
    except OSError as error:
        raise RecordingError(
            f"{relative(folder, root)}: cannot be listed ({error.strerror}); check its permissions."
        ) from error
    for path in paths:
        if _is_link(path):
            check_inside(path, root)
            if path.is_dir():
                continue  # its files stand in the folder that it leads to
        if path.is_dir():
            yield from _walk(path, root)
        elif path.is_file():
            yield path


def _walk_one(folder: Path, root: Path) -> Iterator[Path]:
    for path in list_folder(root):
        if path.is_file():
            check_inside(path, root)
            yield path
    yield from _walk(folder, root)


def _is_link(path: Path) -> bool:
    """Say whether a path is a link; a junction of Windows is no symlink but leads away as well."""
    if path.is_symlink():
        return True
    return path.is_dir() and os.path.realpath(path) != str(
        Path(os.path.realpath(path.parent), path.name)
    )
