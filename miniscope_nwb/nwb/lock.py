"""Locks that leave no file behind, and that the system frees when their process is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

_N_TRIES = 10  # against processes that come and go at the very same moment


def process_lock(path: Path) -> Path:
    """Return the lock of who processes an NWB file, from the first stage to the last.

    It lies beside the file, so that it also holds between machines that share a drive.
    """
    resolved = path.resolve()
    return resolved.with_name(f".{resolved.stem}.process.lock")


@contextmanager
def sole(place: Path) -> Iterator[None]:
    """Let only one process be inside; the lock file is removed at the end.

    Parameters
    ----------
    place
        The lock file.

    Raises
    ------
    BlockingIOError
        If another process is inside.
    OSError
        If the lock file cannot be made.
    """
    lock = _acquire(place)
    try:
        yield
    finally:
        _release(lock, place)


def _acquire(place: Path) -> BaseFileLock:
    from filelock import FileLock, Timeout

    for _ in range(_N_TRIES):
        lock = FileLock(place)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            break
        if _is_in_place(lock, place):
            return lock
        lock.release()
    raise BlockingIOError(f"{place} is held by another process")


def _is_in_place(lock: BaseFileLock, place: Path) -> bool:
    """Whether the file that is locked is the one that others find, not one removed meanwhile."""
    descriptor = getattr(getattr(lock, "_context", None), "lock_file_fd", None)
    if os.name != "posix" or descriptor is None:  # an open file cannot be removed elsewhere
        return True
    try:
        return os.path.samestat(os.fstat(descriptor), place.stat())
    except OSError:
        return False


def _release(lock: BaseFileLock, place: Path) -> None:
    """Remove the lock file, on POSIX while it is held, so that it is nobody else's."""
    if os.name == "posix":
        with suppress(OSError):
            place.unlink()
    lock.release()
    if os.name != "posix":  # fails where another process has it open by now: it is theirs
        with suppress(OSError):
            place.unlink()
