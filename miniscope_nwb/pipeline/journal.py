"""Finished stages in the scratch folder: what was done is not done again, whatever happens.

The folder looks like this::

    motion-3f2a.../      the record of a finished stage, see `store`
    images-90cc.../
    work/extract/        what the running stage writes; emptied when it starts
    work/*.bin           unpacked frames of the movie, of the running process alone
    work/*.part/         a record that is being saved

A record's name holds a hash of all that it depends on, so a changed parameter finds the stages
before it and not those after.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from miniscope_nwb import results
from miniscope_nwb.pipeline import store
from miniscope_nwb.pipeline.memory import MemoryWatch, give_back_free
from miniscope_nwb.results import StageTiming

FORMAT = 1  # of the records; a change makes old ones unknown
_KEY_LETTERS = 20  # of the hash, in the names of folders

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Finished:
    """The result of a stage and what it took."""

    result: Any
    timing: StageTiming


def _known_types() -> dict[str, type[Any]]:
    found = {name: item for name, item in vars(results).items() if isinstance(item, type)}
    return {**found, "Finished": Finished}


class Journal:
    """Keeps the records of finished stages.

    Parameters
    ----------
    folder
        The scratch folder of one NWB file; made when the first stage runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._types = _known_types()

    def find(self, stage: str, key: str) -> Finished | None:
        """Return a finished stage, or None where it has to be done.

        A record that cannot be read (another version wrote it, the disk is damaged) is removed.
        """
        path = self._path(stage, key)
        if not path.exists():
            return None
        try:
            found: Finished = store.load(path, types=self._types)
        except (OSError, ValueError, TypeError, KeyError):
            shutil.rmtree(path, ignore_errors=True)
            return None
        return found

    def is_done(self, stage: str, key: str) -> bool:
        """Whether a stage is finished; does not read the record."""
        return (self._path(stage, key) / store.RECORD_NAME).exists()

    def run(self, stage: str, key: str, work: Callable[[Path], Record]) -> Finished:
        """Do a stage in an empty folder of its own, and keep its record.

        Returns
        -------
        Finished
            As it is read back: a run that goes on later sees the very same.
        """
        with store.fresh_folder(self.work_folder / stage) as scratch:
            started = time.perf_counter()
            with MemoryWatch() as watch:
                result = work(scratch)
            seconds = time.perf_counter() - started
            done = Finished(result, StageTiming(stage, seconds, watch.peak_bytes))
            store.save(done, self._path(stage, key), work=self.work_folder)
        del result, done
        give_back_free()
        found = self.find(stage, key)
        if found is None:
            raise OSError(f"the record of the stage {stage} in {self.folder} cannot be read back")
        return found

    def tidy(self) -> None:
        """Remove what a killed run left half-done."""
        shutil.rmtree(self.work_folder, ignore_errors=True)

    @contextmanager
    def left_tidy(self) -> Iterator[None]:
        """Remove the folder after an error where no stage has finished; else it is kept."""
        try:
            yield
        except BaseException:
            for folder in (self.work_folder, self.folder):
                with suppress(OSError):  # it is not empty
                    folder.rmdir()
            raise

    @property
    def work_folder(self) -> Path:
        """Where unfinished things lie; removed by `tidy`."""
        return self.folder / "work"

    def n_bytes(self) -> int:
        """Bytes in the folder, as files count them."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def _path(self, stage: str, key: str) -> Path:
        return self.folder / f"{stage.replace(' ', '-')}-{key[:_KEY_LETTERS]}"
