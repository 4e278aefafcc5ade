"""What can be asked of a run, what watches it, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from miniscope_nwb.engines.base import Progress, Say
from miniscope_nwb.params.load import Given
from miniscope_nwb.pipeline.identity import Corrected
from miniscope_nwb.results import StageTiming


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOptions:
    """What a run is to do. None stands for what the file or the machine gives."""

    parameters: Given = field(default_factory=Given)
    engine: str = "auto"
    run: str | None = None  # name of the run
    force: bool = False  # compute again, and replace the run of this name
    drop_curation: bool = False  # replace a run even where rounds made by hand go with it
    series: str | None = None  # of several movies in the file
    masks: str | None = None  # FILE or FILE:RUN whose footprints are sought in this movie
    corrected: Corrected = "preview"  # what is stored of the corrected movie
    max_memory_bytes: int | None = None
    n_threads: int | None = None
    seed: int = 0
    scratch: Path | None = None  # below which folder; None: hidden beside the file
    keep_scratch: bool = False
    caiman_python: Path | None = None  # interpreter of CaImAn's environment


@contextmanager
def _unwatched(stage: str) -> Iterator[Progress]:
    yield lambda done, total: None


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told of a run: sentences, and the progress of each stage."""

    say: Say = lambda sentence: None
    stage: Callable[[str], AbstractContextManager[Progress]] = _unwatched
    finished: Callable[[StageTiming, bool], None] = lambda timing, was_done: None


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """What a run did."""

    path: Path
    run: str
    engine: str
    engine_reason: str
    was_done: bool  # the file held this run: nothing was done
    n_components: int = 0
    n_accepted: int = 0
    corrected: Corrected = "preview"  # what the file stores of the corrected movie
    seconds: float = 0.0
    timings: tuple[StageTiming, ...] = ()
    reused: tuple[str, ...] = ()  # stages that an earlier, unfinished run had done
    warnings: tuple[str, ...] = ()
