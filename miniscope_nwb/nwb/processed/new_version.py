"""A file that is there already gets new content whole, or stays as it was.

HDF5 must not work on the file itself: a process that is killed while HDF5 closes it loses
everything, raw movie included. So a copy beside it (``<stem>.part.nwb``) is changed, closed,
flushed, opened again and checked, and only then takes the place of the file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import h5py

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.copying import clone, copy_bytes
from miniscope_nwb.nwb.read import open_nwb
from miniscope_nwb.nwb.target import (
    check_file_writable,
    check_space,
    locked,
    output_errors,
    part_path,
    sync_folder,
)

OTHERWISE = "move the NWB file to another drive"
Progress = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(slots=True)
class NewVersion:
    """The copy of a file that is being changed."""

    path: Path
    part: Path
    is_checked: bool = False

    @contextmanager
    def edit(self) -> Iterator[tuple[h5py.File, CarefulFile]]:
        """Open the copy for changes; it is flushed to the disk when all went well."""
        with CarefulFile(self.part, exists=True) as disk:
            with h5py.File(disk, "r+") as file:
                yield file, disk
                disk.check()
            disk.check()
            disk.sync()

    def compact(self) -> None:
        """Write the copy anew, without the space of what was removed from it."""
        from miniscope_nwb.nwb.processed.compact import export

        smaller = compact_path(self.path)
        smaller.unlink(missing_ok=True)
        check_space(self.path.parent, self.part.stat().st_size, otherwise=OTHERWISE)
        try:
            export(self.part, smaller)
            smaller.replace(self.part)
        finally:
            smaller.unlink(missing_ok=True)


@contextmanager
def new_version(
    path: Path, *, extra_bytes: int = 0, progress: Progress | None = None
) -> Iterator[NewVersion]:
    """Give a copy of a file to change; it takes the file's place if the body checked it.

    Parameters
    ----------
    path
        The file. A symbolic link stays one: what it leads to is replaced.
    extra_bytes
        By which the file may grow.
    progress
        Called while the copy is made.

    Raises
    ------
    OutputError
        If the file is being written by another process, was changed meanwhile, or cannot be
        written; it is as it was then, and nothing is left beside it.
    """
    path = Path(path).resolve()
    version = NewVersion(path, part_path(path))
    with output_errors(path, otherwise=OTHERWISE), locked(path):
        _check_writable(path)
        try:
            version.part.unlink(missing_ok=True)
            compact_path(path).unlink(missing_ok=True)  # of a killed run
            with _held(path) as source:
                before = _fingerprint(path)
                _copy(source, version, extra_bytes, progress)
                yield version
                if not version.is_checked:
                    raise RuntimeError(f"the new version of {path.name} was never checked")
                check_space(path.parent, 0, otherwise=OTHERWISE)
                if _fingerprint(path) != before:
                    raise OutputError(
                        f"{path} was changed by another program meanwhile; it is left as it is "
                        "now: run the command again."
                    )
                if os.name == "posix":  # elsewhere an open file cannot be replaced
                    version.part.replace(path)
            if os.name != "posix":
                version.part.replace(path)
            sync_folder(path.parent)
        finally:
            version.part.unlink(missing_ok=True)


def compact_path(path: Path) -> Path:
    """Name of the copy that is written anew."""
    return path.with_name(f"{path.stem}.compact.part.nwb")


def _check_writable(path: Path) -> None:
    with open_nwb(path):  # one sentence where it is missing, damaged or open for writing
        pass
    check_file_writable(path)


@contextmanager
def _held(path: Path) -> Iterator[FileIO]:
    """Open a file and keep other programs from opening it for writing, where the system can."""
    with path.open("rb", buffering=0) as source:
        if os.name == "posix":
            import fcntl

            try:  # HDF5 locks in the same way: shared by readers, alone for writers
                fcntl.flock(source.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutputError(
                    f"{path} is open for writing in another program: close it there and run the "
                    "command again."
                ) from error
            except OSError:  # network drives without locks
                pass
        yield source


def _fingerprint(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _copy(source: FileIO, version: NewVersion, extra_bytes: int, progress: Progress | None) -> None:
    """Clone or copy the file, if there is room for what is to come."""
    n_bytes = os.fstat(source.fileno()).st_size
    folder = version.path.parent
    with version.part.open("xb", buffering=0) as target:
        if clone(source, target):
            check_space(folder, extra_bytes, otherwise=OTHERWISE)
        else:
            check_space(folder, n_bytes + extra_bytes, otherwise=OTHERWISE)
            report = (lambda done: progress(done, n_bytes)) if progress else (lambda done: None)
            copy_bytes(source, target, report=report)
        if os.fstat(target.fileno()).st_size != n_bytes:
            raise OutputError(f"{version.path} could not be copied whole: check the drive.")
    shutil.copymode(version.path, version.part)
