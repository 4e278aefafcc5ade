"""Who is told how an upload goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from miniscope_nwb.share.outcome import Outcome


class Watcher(Protocol):
    """Who is told what happens; the command line prints it."""

    def hashing(self, path: Path, done: int, total: int) -> None:
        """Bytes of a file whose checksums are made."""

    def sending(self, path: Path, there: int, total: int, sent: int) -> None:
        """Bytes of a file that are in the storage, and those that this run sent."""

    def finished(self, outcome: Outcome) -> None:
        """One file is done, or stays behind."""

    def waiting(self, n_files: int) -> None:
        """Files whose check the archive has not finished."""
