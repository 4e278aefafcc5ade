"""A processed recording with all that can be in one: two scopes, a camera, five runs, rounds."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import h5py
import made_runs as made
import numpy as np
import plans
from hdmf.common import DynamicTable, DynamicTableRegion
from pynwb import NWBHDF5IO
from pynwb.base import TimeSeries

from miniscope_nwb.nwb.io import write_plan
from miniscope_nwb.nwb.parting.same import first_difference
from miniscope_nwb.nwb.processed.curation import curate
from miniscope_nwb.nwb.processed.decisions_csv import DecisionRow
from miniscope_nwb.nwb.processed.write import write_run

SCOPES = ("OnePhotonSeriesHPC", "OnePhotonSeriesmPFC")
ENTRY = "sub-m07_ses-20260302T140507_behavior+ophys"
RAW = "sub-m07_ses-20260302T140507_desc-raw_behavior+ophys.nwb"
PROCESSED = "sub-m07_ses-20260302T140507_desc-processed_ophys.nwb"


def recording(folder: Path, *, seed: int = 0) -> Path:
    """Convert a recording of two scopes and a camera."""
    frames = [
        plans.grey_frames(made.N, seed=seed + scope, shape=(made.HEIGHT, made.WIDTH))
        for scope in (0, 1)
    ]
    rigs = (
        plans.Rig("HPC", frames[0], per_file=100),
        plans.Rig("mPFC", frames[1], per_file=100),
        plans.Rig("BehavCam 2", plans.colour_frames(30), "MJPG", is_camera=True, per_file=20),
    )
    plan = plans.make_plan(folder / "raw", rigs).plan
    timelines = plan.segments[0].timelines
    timelines["mPFC"] = replace(timelines["mPFC"], lost=())  # the other scope's is enough
    return write_plan(plan, folder / "sub-m07" / f"{ENTRY}.nwb").path


def process(path: Path) -> None:
    """Add runs of every kind: preview, shared motion, all of the movie, nothing and no cell."""
    first, second = SCOPES
    movie = made.corrected_movie()
    write_run(path, made.make_run(path, "first", n_blocks=(2, 2), series=first), movie=movie)
    write_run(path, made.make_run(path, "shared", series=first, seed=6), movie=movie)
    other = made.make_run(path, "other", series=second, motion_hash="b", with_engine=True)
    write_run(path, other, movie=movie, corrected="full")
    empty = made.make_run(path, "empty", series=second, motion_hash="d", n_cells=0)
    write_run(path, empty, corrected="none")
    curate_by_hand(path, accepted=False)


def curate_by_hand(path: Path, *, accepted: bool, run: str = "first") -> None:
    rows = [DecisionRow(2, 0, accepted, None, None, None)]
    curate(path, rows, run=run, note="by eye", by="J. Doe")


def add_others_work(path: Path) -> None:
    """Add what a laboratory adds: trials that point at the movie, a table that points at cells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with NWBHDF5IO(path, "a") as io:
            nwb = io.read()
            nwb.add_trial(start_time=0.5, stop_time=2.0, timeseries=[nwb.acquisition[SCOPES[0]]])
            cells = nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
            module = nwb.create_processing_module("analysis", "Of the laboratory.")
            region = DynamicTableRegion(name="roi", description="The cell.", table=cells, data=[1])
            module.add(DynamicTable("PlaceCells", "Cells that code for place.", columns=[region]))
            module.add(TimeSeries("Speed", np.arange(5.0), "cm/s", rate=1.0, description="Speed."))
            io.write(nwb)


def copy_of(path: Path, folder: Path) -> Path:
    """Copy a file and its videos."""
    target = folder / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)
    if path.with_suffix("").is_dir():
        shutil.copytree(path.with_suffix(""), target.with_suffix(""))
    return target


def difference(one: Path, two: Path) -> str:
    """First object that differs, but for the identifier and the videos' folder."""

    def skip(path: str) -> bool:
        return path == "identifier" or path.endswith("/external_file")

    with h5py.File(one) as a, h5py.File(two) as b:
        return first_difference(a, b, skip=skip)


def files_below(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
