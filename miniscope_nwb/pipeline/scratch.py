"""Where finished stages and large arrays lie while a file is processed, and who may use it."""

from __future__ import annotations

import errno
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
            raise _nothing_beside(path, error.strerror or str(error)) from error
        yield


def check_writable(path: Path) -> None:
    """Stop before the work where the file could not be replaced after it.

    Raises
    ------
    OutputError
        If the file is write-protected, or the folder or the drive on which it lies.
    """
    from miniscope_nwb.nwb.target import check_file_writable

    check_file_writable(path)
    if not os.access(path.resolve().parent, os.W_OK):
        raise _nothing_beside(path, os.strerror(errno.EACCES))


def _nothing_beside(path: Path, why: str) -> OutputError:
    return OutputError(
        f"{path} cannot be processed: nothing can be written beside it ({why}); copy it to a "
        "folder that you may write to."
    )


def check_scratch(folder: Path) -> None:
    """Stop before the work where the scratch folder could not be made; make nothing.

    Raises
    ------
    OutputError
        Names the folder.
    """
    there = _nearest(folder)
    if not there.is_dir():
        raise _no_scratch(folder, os.strerror(errno.ENOTDIR))
    above = folder.parent.parent  # of a chosen folder, which itself may be made: else a slip
    if not above.is_dir():
        raise OutputError(
            f"{folder.parent} cannot be made for scratch: {above} does not exist; make it, or name "
            "another folder with --scratch."
        )
    if not os.access(there, os.W_OK):
        raise _no_scratch(folder, os.strerror(errno.EACCES))


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
        raise _no_scratch(folder, error.strerror or str(error)) from error


def _no_scratch(folder: Path, why: str) -> OutputError:
    return OutputError(
        f"nothing can be written to {folder} ({why}): name a folder that you may write to with "
        "--scratch."
    )


def _nearest(folder: Path) -> Path:
    """Return the folder, or the first of those above it that is there."""
    return next(item for item in (folder, *folder.parents) if item.exists())


def is_same_drive(one: Path, other: Path) -> bool:
    """Say whether two folders, which need not be there yet, share what is free."""
    return _nearest(one).stat().st_dev == _nearest(other).stat().st_dev


def free_bytes(folder: Path) -> int:
    """Return what is free on the drive of a folder, which need not be there yet."""
    return int(shutil.disk_usage(_nearest(folder)).free)


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
        raise OutputError(
            f"{_nearest(folder)} has {size(free)} free, and {what} may need "
            f"{size(needed_bytes + RESERVE_BYTES)}: free some space, or {remedy}."
        )
