"""SHA-256 of the raw files, computed while the movie is converted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from threading import Lock

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.nwb.pool import Task, WorkPool
from miniscope_nwb.recording import SourceFile

_BLOCK_BYTES = 4 << 20  # long enough to be away from the interpreter most of the time


class Checksums:
    """Computes each file's checksum once, whoever asks first.

    Parameters
    ----------
    pool
        Where to compute. The work begins at once.
    files
        What to compute; a path that occurs twice is read once.
    """

    def __init__(self, pool: WorkPool, files: Iterable[SourceFile]) -> None:
        self._pool = pool
        self._waiting = {file.path: file for file in files}
        self._digests: dict[Path, str] = {}
        self._lock = Lock()
        for path in list(self._waiting):
            pool.add_early(self.task(path))

    def task(self, path: Path) -> Task:
        """Return the task that computes the checksum of one file unless that is done already."""
        return partial(self._compute, path)

    def digest(self, path: Path) -> str:
        """Hexadecimal SHA-256 of a file; ``""`` where it was not, or could not be, read."""
        return self._digests.get(path, "")

    def _compute(self, path: Path) -> None:
        with self._lock:
            file = self._waiting.pop(path, None)
        if file is None:
            return
        try:
            digest, n_bytes = self._read(path)
        except OSError as error:
            if not file.converted:
                return
            raise RecordingError(
                f"{file.relative_path} cannot be read: {error.strerror or error}; check the drive "
                "and start again."
            ) from error
        if file.converted and n_bytes != file.n_bytes and not self._pool.is_stopped:
            raise RecordingError(
                f"{file.relative_path} changed while it was converted (from {file.n_bytes} to "
                f"{n_bytes} bytes): convert again when the recording or the copying has ended."
            )
        with self._lock:
            self._digests[path] = digest

    def _read(self, path: Path) -> tuple[str, int]:
        digest = hashlib.sha256()
        n_bytes = 0
        block = memoryview(bytearray(_BLOCK_BYTES))
        with path.open("rb", buffering=0) as file:
            while n_read := file.readinto(block):
                digest.update(block[:n_read])
                n_bytes += n_read
                if self._pool.is_stopped:
                    break
        return digest.hexdigest(), n_bytes
