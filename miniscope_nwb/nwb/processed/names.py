"""Names of the objects of a run: canonical for the first one, ending in its name for the others."""

from __future__ import annotations

import re
from dataclasses import dataclass

import h5py

from miniscope_nwb.errors import OutputError

MODULE = "ophys"
GROUP = f"processing/{MODULE}"

MOTION_CORRECTION = "MotionCorrection"
SEGMENTATIONS = "ImageSegmentation"
RUNS = "ProcessingRuns"
PARAMETERS = "ProcessingParameters"
TIMINGS = "StageTimings"
FIGURES = "RunFigures"
ROUNDS = "CurationRounds"
DECISIONS = "CurationDecisions"
RUN_TABLES = (RUNS, PARAMETERS, TIMINGS, FIGURES, ROUNDS, DECISIONS)
# What holds objects of several runs; never left empty.
CONTAINERS = (f"{GROUP}/{SEGMENTATIONS}", f"{GROUP}/{MOTION_CORRECTION}", "events")

_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class RunNames:
    """Where the objects of one run stand, below the root of the file.

    ``suffix`` is that of the cells' objects, ``motion_suffix`` of the motion's, which may be
    those of an earlier run.
    """

    suffix: str
    motion_suffix: str

    @property
    def segmentation(self) -> str:
        """Name of the table of cells."""
        return f"PlaneSegmentation{self.suffix}"

    @property
    def images(self) -> str:
        """Name of the summary images."""
        return f"SummaryImages{self.suffix}"

    @property
    def fluorescence(self) -> str:
        """Name of the container of traces."""
        return f"Fluorescence{self.suffix}"

    @property
    def dff(self) -> str:
        """Name of the container of dF/F, and of the series in it."""
        return f"DfOverF{self.suffix}"

    @property
    def quality(self) -> str:
        """Name of the table of metrics."""
        return f"QualityMetrics{self.suffix}"

    @property
    def event_images(self) -> str:
        """Name of the table of event images."""
        return f"EventImages{self.suffix}"

    @property
    def events(self) -> str:
        """Name of the table of events, in ``/events``."""
        return f"CalciumEvents{self.suffix}"

    @property
    def stack(self) -> str:
        """Name of the corrected stack in `MotionCorrection`."""
        return f"CorrectedImageStack{self.motion_suffix}"

    @property
    def translation(self) -> str:
        """Name of the shifts where they stand alone in the module."""
        return f"xy_translation{self.motion_suffix}"

    @property
    def block_shifts(self) -> str:
        """Name of the blocks' shifts."""
        return f"BlockShifts{self.motion_suffix}"

    @property
    def blocks(self) -> str:
        """Name of the table of blocks."""
        return f"MotionBlocks{self.motion_suffix}"

    @property
    def motion_quality(self) -> str:
        """Name of the table of frames."""
        return f"MotionQuality{self.motion_suffix}"

    @property
    def defects(self) -> str:
        """Name of the table of defective pixels."""
        return f"DefectivePixels{self.motion_suffix}"

    def cell_paths(self) -> tuple[str, ...]:
        """Paths of everything that belongs to this run alone."""
        return (
            f"{GROUP}/{self.images}",
            f"{GROUP}/{SEGMENTATIONS}/{self.segmentation}",
            f"{GROUP}/{self.fluorescence}",
            f"{GROUP}/{self.dff}",
            f"{GROUP}/{self.quality}",
            f"{GROUP}/{self.event_images}",
            f"events/{self.events}",
        )

    def motion_paths(self) -> tuple[str, ...]:
        """Paths of the motion result."""
        return (
            f"{GROUP}/{MOTION_CORRECTION}/{self.stack}",
            f"{GROUP}/{self.translation}",
            f"{GROUP}/{self.block_shifts}",
            f"{GROUP}/{self.blocks}",
            f"{GROUP}/{self.motion_quality}",
            f"{GROUP}/{self.defects}",
        )


def check_run_name(name: str) -> None:
    """Refuse a name that cannot stand in the name of an object."""
    if not _RUN_NAME.fullmatch(name):
        raise OutputError(
            f"{name!r} cannot be the name of a run: use letters, digits, '-', '_' and '.'."
        )


def free_suffix(file: h5py.File, run: str, *, of: str) -> str:
    """Return the first suffix under which nothing stands in the file.

    Parameters
    ----------
    file
        The NWB file.
    run
        Name of the run.
    of
        ``"cells"`` or ``"motion"``.

    Raises
    ------
    OutputError
        If objects of that name are there already, from another program.
    """
    for suffix in ("", f"_{run}"):
        names = RunNames(suffix, suffix)
        taken = [p for p in (names.cell_paths() if of == "cells" else names.motion_paths())
                 if p in file]  # fmt: skip
        if not taken:
            return suffix
    raise OutputError(
        f"{file.filename} holds {taken[0]} already, which no run of the file accounts for: give "
        "the run another name with --run."
    )
