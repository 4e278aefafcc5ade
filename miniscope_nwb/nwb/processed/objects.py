"""The objects of a run, put into an open NWB file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import h5py
import numpy as np
from pynwb import NWBFile

from miniscope_nwb.movie import Movie
from miniscope_nwb.nwb.processed import records
from miniscope_nwb.nwb.processed.cells import add_cells
from miniscope_nwb.nwb.processed.context import Context
from miniscope_nwb.nwb.processed.corrected import corrected_series
from miniscope_nwb.nwb.processed.geometry import make_frame
from miniscope_nwb.nwb.processed.images import add_images
from miniscope_nwb.nwb.processed.later import Later
from miniscope_nwb.nwb.processed.motion import add_motion
from miniscope_nwb.nwb.processed.names import (
    DECISIONS,
    FIGURES,
    PARAMETERS,
    ROUNDS,
    RUNS,
    TIMINGS,
    RunNames,
    free_suffix,
)
from miniscope_nwb.nwb.processed.quality import add_quality
from miniscope_nwb.nwb.processed.runs import Corrected, find_shared_motion
from miniscope_nwb.nwb.processed.traces import add_traces
from miniscope_nwb.nwb.tables import Column, make_table
from miniscope_nwb.recording import FloatArray
from miniscope_nwb.results import RunRecord

Rows = dict[str, list[Column]]  # by name of the table


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Where the objects of a run are going to stand."""

    names: RunNames
    motion: str  # name of the object of the shifts
    shares_motion: bool  # with an earlier run
    corrected: Corrected


def plan_run(file: h5py.File, run: RunRecord, corrected: Corrected) -> RunPlan:
    """Choose the names of a run's objects, and see whether its motion result is there already."""
    shared = find_shared_motion(
        file, motion_hash=run.motion_hash, input_hash=run.input_hash, corrected=corrected
    )
    suffix = free_suffix(file, run.name, of="cells")
    if shared is not None:
        names = RunNames(suffix, shared.names.motion_suffix)
        return RunPlan(names, str(shared.values["motion"]), True, "none")
    names = RunNames(suffix, free_suffix(file, run.name, of="motion"))
    motion = names.translation if corrected == "none" else names.stack
    return RunPlan(names, motion, False, corrected)


def add_objects(
    nwb: NWBFile, run: RunRecord, plan: RunPlan, movie: Movie | None, times_s: FloatArray
) -> list[Later]:
    """Add all objects of a run but the tables of all runs.

    Parameters
    ----------
    nwb
        The file.
    run, plan
        What to add, and under which names.
    movie
        Corrected frames, where some are stored.
    times_s
        (n_frames,) of the raw series.

    Returns
    -------
    list of Later
        Data to be written when the objects stand in the file.
    """
    raw = nwb.acquisition[run.series]
    _, width, height = raw.data.shape
    inner = (run.extraction.height, run.extraction.width)
    frame = make_frame(run.prepared, height=height, width=width, inner=inner)
    context = Context(nwb, raw, run, plan.names, frame, np.asarray(times_s))
    if not plan.shares_motion:
        corrected = None
        if movie is not None and plan.corrected != "none":
            corrected = corrected_series(context, movie, plan.corrected)
        add_motion(context, corrected)
    add_images(context)
    segmentation = add_cells(context)
    add_traces(context, segmentation)
    add_quality(context, segmentation)
    return context.later


def run_tables(run: RunRecord, plan: RunPlan) -> Rows:
    """Rows of the run in the tables of all runs; a table without rows is left out."""
    rounds = records.new_rounds(run)
    rows = {
        RUNS: records.run_rows(run, segmentation=plan.names.segmentation, motion=plan.motion),
        PARAMETERS: records.parameter_rows(run),
        TIMINGS: records.timing_rows(run),
        FIGURES: records.figure_rows(run),
        ROUNDS: _stack([columns for columns, _ in rounds]),
        DECISIONS: _stack([columns for _, columns in rounds]),
    }
    return {name: columns for name, columns in rows.items() if len(columns[0].values)}


def add_tables(nwb: NWBFile, rows: Rows) -> None:
    """Make the tables of all runs that are not in the file yet."""
    for name, columns in rows.items():
        nwb.processing["ophys"].add(make_table(name, records.TABLES[name], columns))


def _stack(groups: Sequence[list[Column]]) -> list[Column]:
    """Put rows below each other."""
    stacked = []
    for columns in zip(*groups, strict=True):
        parts = [column.values for column in columns]
        values = (
            np.concatenate(parts)
            if isinstance(parts[0], np.ndarray)
            else [value for part in parts for value in part]
        )
        stacked.append(Column(columns[0].name, columns[0].description, values))
    return stacked
