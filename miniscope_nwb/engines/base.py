"""What an engine is: two methods, and what it may know and use.

An engine gets lazy movies and earlier records, and gives records; preprocessing, summary images,
traces, quality, acceptance and writing are the same for all. A third party's engine is a class of
this protocol, named in the entry-point group ``miniscope_nwb.engines``; the contract suite
`miniscope_nwb.testing.engine_suite` tests it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from miniscope_nwb.movie import Movie
from miniscope_nwb.params.models import ExtractParams, MotionParams, QualityParams
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import (
    ExtractionResult,
    MotionResult,
    Prepared,
    Sparse,
    SummaryImages,
)

Progress = Callable[[int, int], None]  # steps done, steps in all
Say = Callable[[str], None]  # one sentence for the user


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""


def _no_words(sentence: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a stage may use, and whom it tells."""

    scratch: Path  # a folder of its own, existing and empty; large arrays go there
    n_threads: int = 2
    max_memory_bytes: int = 4 << 30
    seed: int = 0
    progress: Progress = _no_progress
    say: Say = _no_words


@dataclass(frozen=True, slots=True)
class Scale:
    """Physical scale of the prepared movie."""

    pixel_size_um: float  # of a prepared pixel; NaN where not known
    rate_hz: float
    indicator: str = ""  # as the file names it

    def px(self, um: float | None, px: float | None, *, factor: int) -> float | None:
        """Return a length in prepared px; `px` (raw px) wins over `um`, None where neither is."""
        if px is not None:
            return px / factor
        if um is not None and np.isfinite(self.pixel_size_um):
            return um / self.pixel_size_um
        return None


@dataclass(frozen=True, slots=True)
class MotionInput:
    """What the estimation of motion starts from."""

    movie: Movie  # prepared
    params: MotionParams
    prepared: Prepared
    scale: Scale
    extra: Mapping[str, Any] = field(default_factory=dict)  # its own parameters, see `TakesExtra`


@dataclass(frozen=True, slots=True)
class ExtractInput:
    """What the extraction starts from.

    ``movie`` is corrected; its frames are NaN where the sensor did not see (`Movie.seen`).
    ``is_left_out`` (n_frames,) marks frames that take no part. ``images.region`` are the pixels
    that footprints may hold.
    """

    movie: Movie
    params: ExtractParams
    prepared: Prepared
    motion: MotionResult
    images: SummaryImages
    is_left_out: BoolArray
    scale: Scale
    seeds: Sparse | None = None  # csc (n_pixels, n_cells): given masks, found again in this movie
    quality: QualityParams = field(default_factory=QualityParams)  # for the engine's own decision
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """The size of a job, for predictions."""

    n_frames: int
    height: int  # prepared px
    width: int
    itemsize: int  # bytes of a raw sample
    n_cells: int  # expected
    n_threads: int
    is_piecewise: bool = False
    memory_bytes: int = 0  # that the run may take: an engine may hold more where there is room


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a job is expected to take; seconds are None where the engine cannot tell."""

    peak_memory_bytes: int
    scratch_bytes: int
    seconds: dict[str, float] = field(default_factory=dict)  # by stage: motion, extract


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether an engine can be used here; if not, why and what to do."""

    is_available: bool
    version: str = ""
    reason: str = ""  # one sentence
    clause: str = ""  # the same in a few words, without advice and paths: stored beside a run


@runtime_checkable
class Engine(Protocol):
    """How shifts and components are computed."""

    name: str
    summary: str  # one line for lists

    def availability(self) -> Availability:
        """Say whether the engine can run here, quickly and without importing it."""
        ...

    def versions(self) -> dict[str, str]:
        """Return the versions of the engine and of what it computes with; ``engine`` is a key."""
        ...

    def predict(self, task: Task) -> Prediction:
        """Say what a job of this size takes."""
        ...

    def motion(self, job: MotionInput, resources: Resources) -> MotionResult:
        """Estimate the motion."""
        ...

    def extract(self, job: ExtractInput, resources: Resources) -> ExtractionResult:
        """Find the components, their traces and their activity."""
        ...


@runtime_checkable
class TakesExtra(Protocol):
    """An engine that reads the parameters of the section `caiman` (``job.extra``).

    It says so by having this method. For every other engine that section is empty: what a user
    gave there is told to have no effect, and is no part of what the run is known by.
    """

    def check_extra(self, extra: Mapping[str, Any]) -> None:
        """Refuse, before any work, what the engine does not know.

        Raises
        ------
        EngineError
            Names what is not known.
        """
        ...


def map_array(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Make a float32 array of zeros in a file of the scratch folder (.npy), mapped.

    Its room on the disk is taken at once, where the system can: a full disk is an error here, and
    not the end of the process when a page of the map is written.
    """
    mapped: npt.NDArray[np.float32] = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.float32, shape=shape
    )
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return mapped
