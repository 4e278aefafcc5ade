"""Where finished stages and large arrays lie while a file is processed, and who may use it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from miniscope_nwb.errors import OutputError
from miniscope_nwb.sizes import size

RESERVE_BYTES = 64_000_000  # that should stay free on the drive
_ELSEWHERE = "name another place with --scratch"


def scratch_folder(path: Path, chosen: Path | None) -> Path:
    """Return the scratch folder of an NWB file: hidden beside it, or below a chosen folder.

    Several files may share a chosen folder: each has one of its own in it.
    """
    resolved = path.resolve()
    if chosen is None:
        return resolved.with_name(f".{resolved.stem}.scratch")
    key = hashlib.sha256(os.fsencode(resolved)).hexdigest()[:8]
    return chosen.resolve() / f"{resolved.stem}-{key}.scratch"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let only one process work on an NWB file; the system frees the lock of a killed one.

    Raises
    ------
    OutputError
        If another process works on the file, or the folder cannot be written to.
    """
    from miniscope_nwb.nwb.lock import process_lock, sole

    with ExitStack() as stack:
        try:
            stack.enter_context(sole(process_lock(path)))
        except BlockingIOError as error:
            raise OutputError(
                f"{path} is being processed by another miniscope-nwb: wait until it is done."
            ) from error
        except OSError as error:
            raise OutputError(
                f"{path} cannot be processed: nothing can be written beside it "
                f"({error.strerror or error}); copy it to a folder that you may write to."
            ) from error
        yield


def check_writable(path: Path) -> None:
    """Stop before the work where the file could not be replaced after it.

    Raises
    ------
    OutputError
        If the file is write-protected.
    """
    if not os.access(path, os.W_OK):
        raise OutputError(
            f"{path} is write-protected: allow writing to it (chmod u+w), or work on a copy."
        )


def make_scratch(folder: Path) -> None:
    """Make the scratch folder, and stop before the work where that cannot be.

    Raises
    ------
    OutputError
        Names the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "work").mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"nothing can be written to {folder} ({error.strerror or error}): name a folder that "
            "you may write to with --scratch."
        ) from error


def free_bytes(folder: Path) -> int:
    """Return what is free on the drive of a folder, which need not be there yet."""
    there = next(item for item in (folder, *folder.parents) if item.exists())
    return int(shutil.disk_usage(there).free)


def check_space(folder: Path, needed_bytes: int, *, what: str, remedy: str = _ELSEWHERE) -> None:
    """Stop before the work where a drive has not enough room.

    Parameters
    ----------
    what
        Needs the room.
    remedy
        What can be done beside freeing space.

    Raises
    ------
    OutputError
        Names the folder, what is free and what is needed.
    """
    free = free_bytes(folder)
    if free < needed_bytes + RESERVE_BYTES:
        there = next(item for item in (folder, *folder.parents) if item.exists())
        raise OutputError(
            f"{there} has {size(free)} free, and {what} may need "
            f"{size(needed_bytes + RESERVE_BYTES)}: free some space, or {remedy}."
        )
