"""A file on a server as HDF5 wants to read one: it can be sought in, and blocks are kept.

HDF5 reads hundreds of small pieces that lie close together when it opens a file. So whole blocks
are fetched, blocks that lie side by side in one request, and the last ones are kept: opening a file
again, or reading a second trace, mostly asks the server nothing.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from threading import RLock
from typing import Any

from miniscope_nwb.errors import MiniscopeError

# Less asks too often, more fetches what nobody reads; metadata of HDF5 lie in a few places.
BLOCK_BYTES = 128 << 10
KEEP_BYTES = 64 << 20
Fetch = Callable[[int, int], bytes]


class RemoteFile(io.RawIOBase):
    """A file on a server; ``h5py.File(remote, "r")`` opens it.

    Parameters
    ----------
    name
        For people: without the query of an address, which may be a key.
    fetch
        Gives the bytes [start, stop).
    n_bytes
        Size of the file.
    first
        The bytes at its beginning that are known already.
    block_bytes, keep_bytes
        Size of a block, and of all blocks that are kept.
    close
        Called when the file is closed.

    Attributes
    ----------
    error
        The last error of the line: HDF5 tells only that something failed.
    """

    def __init__(
        self,
        name: str,
        fetch: Fetch,
        n_bytes: int,
        *,
        first: bytes = b"",
        block_bytes: int = BLOCK_BYTES,
        keep_bytes: int = KEEP_BYTES,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.name = name
        self.error: MiniscopeError | None = None
        self._fetch, self._n_bytes, self._close = fetch, n_bytes, close
        self._block_bytes, self._n_kept = block_bytes, max(2, keep_bytes // block_bytes)
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._position = 0
        self._lock = RLock()
        self._keep(0, first[: len(first) // block_bytes * block_bytes] or first[:n_bytes])

    def __repr__(self) -> str:
        return self.name  # h5py takes it for the name of the file

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be sought in."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._n_bytes}[whence]
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read from the position; fewer bytes at the end of the file."""
        if self.closed:
            raise ValueError(f"{self.name} is closed")
        view = memoryview(buffer).cast("B")
        with self._lock:
            start = min(self._position, self._n_bytes)
            stop = min(start + len(view), self._n_bytes)
            try:
                view[: stop - start] = self._read(start, stop)
            except MiniscopeError as error:
                # A copy, without a traceback: objects of HDF5 that live on in one until the process
                # ends crash it there.
                self.error = type(error)(*error.args)
                raise
            self._position = stop
        return stop - start

    def close(self) -> None:
        """Give up the blocks and the line."""
        if not self.closed:
            self._blocks.clear()
            self._close()
        super().close()

    def _read(self, start: int, stop: int) -> bytes:
        if stop <= start:
            return b""
        size = self._block_bytes
        numbers = range(start // size, (stop - 1) // size + 1)
        found = {n: self._blocks[n] for n in numbers if n in self._blocks}
        for n in found:
            self._blocks.move_to_end(n)
        for first, last in _runs([n for n in numbers if n not in found]):
            data = self._fetch(first * size, min((last + 1) * size, self._n_bytes))
            found |= self._keep(first, data)
        begin = numbers.start * size
        return b"".join(found[n] for n in numbers)[start - begin : stop - begin]

    def _keep(self, first: int, data: bytes) -> dict[int, bytes]:
        """Keep the blocks of a piece; the oldest go."""
        size = self._block_bytes
        blocks = {
            first + place: data[place * size : (place + 1) * size]
            for place in range(-(-len(data) // size))
        }
        self._blocks.update(blocks)
        while len(self._blocks) > self._n_kept:
            self._blocks.popitem(last=False)
        return blocks


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Put numbers that follow each other together: first and last of each run."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
