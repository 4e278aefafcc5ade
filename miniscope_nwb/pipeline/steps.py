"""Runs one stage after the other: finished ones are read from the journal, others are done."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.errors import MiniscopeError, OutputError
from miniscope_nwb.pipeline.journal import Journal
from miniscope_nwb.pipeline.options import Watch
from miniscope_nwb.results import StageTiming

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Record = TypeVar("Record")


class Steps:
    """The stages of one run.

    Parameters
    ----------
    file
        Name of the file that is processed; errors of a stage, which sees only frames, name it.
    journal
        Where finished stages are kept.
    keys
        Hash of each stage.
    n_threads, max_memory_bytes, seed
        What a stage may use.
    watch
        Who is told.
    """

    def __init__(
        self,
        file: str,
        journal: Journal,
        keys: dict[str, str],
        *,
        n_threads: int,
        max_memory_bytes: int,
        seed: int,
        watch: Watch,
    ) -> None:
        self._file = file
        self._journal, self._keys, self.watch = journal, keys, watch
        self.n_threads, self._memory, self._seed = n_threads, max_memory_bytes, seed
        self.timings: list[StageTiming] = []
        self.reused: list[str] = []
        self.said: list[str] = []

    @property
    def work_folder(self) -> Path:
        """Where files of this run lie; emptied when another one begins."""
        return self._journal.work_folder

    def run(self, stage: str, work: Callable[[Resources], Record]) -> Record:
        """Return the record of a stage, done now or before."""
        found = self._journal.find(stage, self._keys[stage])
        was_done = found is not None
        if found is None:
            with (
                self.watch.stage(stage) as progress,
                disk_errors(self._journal.folder),
                naming(self._file),
            ):

                def in_folder(scratch: Path) -> Record:
                    return work(
                        Resources(
                            scratch=scratch,
                            n_threads=self.n_threads,
                            max_memory_bytes=self._memory,
                            seed=self._seed,
                            progress=progress,
                            say=self.say,
                        )
                    )

                found = self._journal.run(stage, self._keys[stage], in_folder)
        else:
            self.reused.append(stage)
        self.timings.append(found.timing)
        self.watch.finished(found.timing, was_done)
        result: Record = found.result
        return result

    def say(self, sentence: str) -> None:
        """Tell the user, and keep the sentence for the answer."""
        self.said.append(sentence)
        self.watch.say(sentence)


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Put the name of the file before our own errors that do not tell it."""
    try:
        yield
    except MiniscopeError as error:
        if file in str(error):
            raise
        raise type(error)(f"{file}: {error}") from error


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full disk into one sentence; what was finished is kept.

    Raises
    ------
    OutputError
        Names the scratch folder.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OutputError(
            f"{folder} cannot take more: the disk is full, or your quota is used up. Free some "
            "space or name another place with --scratch; stages that were finished are kept."
        ) from error
