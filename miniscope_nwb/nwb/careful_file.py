"""A file for HDF5 that never fails in HDF5's hands.

When a write fails (disk full, quota, file too large, drive gone), HDF5 can neither go on nor close
the file, prints pages of errors and may crash the process. So HDF5 writes through this object: it
remembers the first error, keeps what comes after in memory so that HDF5 can close in peace, and
leaves it to us to stop and to throw the file away.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any


class CarefulFile:
    """A file for ``h5py.File(careful_file, "w")`` or ``"r+"``; use it as a context manager.

    Parameters
    ----------
    path
        A new file, or with `exists` one that is there already and may be thrown away.
    exists
        Whether it is there.
    only_read
        Whether everything that is written stays in memory and is forgotten at the end.

    Attributes
    ----------
    error
        The first error of the system, None as long as all is well. A file with an error is
        incomplete: remove it.
    """

    def __init__(self, path: Path, *, exists: bool = False, only_read: bool = False) -> None:
        self.error: OSError | None = None
        self._only_read = only_read
        self._file = path.open("r+b" if exists else "x+b", buffering=0)
        self._position = 0
        self._size = path.stat().st_size
        self._kept: list[tuple[int, bytes]] = []  # what could not be written

    def __enter__(self) -> CarefulFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self.error is not None:
            raise self.error

    def sync(self) -> None:
        """Flush what was written to the disk."""
        self.check()
        os.fsync(self._file.fileno())

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def write(self, data: Any) -> int:
        """Write at the position; after an error, remember instead."""
        view = memoryview(data).cast("B")
        n_bytes = len(view)
        if self._may_write():
            try:
                self._write(view)
            except OSError as error:
                self.error = error
        if not self._may_write():
            self._kept.append((self._position, bytes(view)))
        self._position += n_bytes
        self._size = max(self._size, self._position)
        return n_bytes

    def _may_write(self) -> bool:
        return self.error is None and not self._only_read

    def _write(self, view: memoryview) -> None:
        self._file.seek(self._position)
        while view:
            view = view[self._file.write(view) :]

    def read(self, n_bytes: int) -> bytes:
        """Read from the position; zeros where nothing was written."""
        data = bytearray(n_bytes)
        self.readinto(data)
        return bytes(data)

    def readinto(self, buffer: Any) -> int:
        """Read from the position; zeros where nothing was written."""
        view = memoryview(buffer).cast("B")
        n_bytes = len(view)
        self._file.seek(self._position)
        filled = 0
        while filled < n_bytes and (n_read := self._file.readinto(view[filled:])):
            filled += n_read
        view[filled:] = bytes(n_bytes - filled)
        for offset, data in self._kept:
            first, stop = (
                max(offset, self._position),
                min(offset + len(data), self._position + n_bytes),
            )
            if first < stop:
                place = slice(first - self._position, stop - self._position)
                view[place] = data[first - offset : stop - offset]
        self._position += n_bytes
        return n_bytes

    def truncate(self, size: int | None = None) -> int:
        """Set the size of the file."""
        self._size = self._position if size is None else size
        if self._may_write():
            try:
                self._file.truncate(self._size)
            except OSError as error:
                self.error = error
        return self._size

    def flush(self) -> None:
        """Nothing is buffered here."""
