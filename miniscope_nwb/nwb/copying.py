"""Copies of files: blocks that are shared where the file system can, else byte by byte."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import FileIO

_BLOCK_BYTES = 4 << 20
_FICLONE = 0x40049409  # Linux: share the blocks of another file, from linux/fs.h


def clone(source: FileIO, target: FileIO) -> bool:
    """Let the copy share the blocks of its source; False where the file system cannot."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except OSError:  # most file systems, and all copies between two of them
        return False
    return True


def copy_bytes(
    source: FileIO,
    target: FileIO,
    is_stopped: Callable[[], bool] = lambda: False,
    report: Callable[[int], None] = lambda n_bytes: None,
) -> None:
    """Copy from where both stand to the end of the source.

    Parameters
    ----------
    source, target
        Unbuffered.
    is_stopped
        Asked often; ends the copy early.
    report
        Called with the bytes copied so far.
    """
    block = memoryview(bytearray(_BLOCK_BYTES))
    n_bytes = 0
    while not is_stopped() and (n_read := source.readinto(block)):
        rest = block[:n_read]
        while rest:
            rest = rest[target.write(rest) :]
        n_bytes += n_read
        report(n_bytes)
