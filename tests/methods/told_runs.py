"""Runs whose methods are told, and how the tests read the text."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import made_runs as made
import numpy as np

import miniscope_nwb
from miniscope_nwb.methods.references import PAPERS
from miniscope_nwb.nwb.processed.names import GROUP, PARAMETERS, RUNS
from miniscope_nwb.nwb.processed.rows import read_column, set_cell
from miniscope_nwb.nwb.processed.write import write_run
from miniscope_nwb.params.models import Parameters
from miniscope_nwb.results import RunParameter

VERSION = miniscope_nwb.__version__
RECORDED = (
    "One-photon calcium imaging in CA1 of one male Mus musculus (aged 90 days) was recorded "
    "through the UCLA Miniscope V4 (UCLA) with Miniscope-DAQ-QT-Software. The indicator was "
    "GCaMP6f (excitation 470 nm, emission 525 nm). 150 frames of 56 x 40 pixels (1.5 x 1.6 µm "
    "each in the tissue) were stored at 20.27 frames/s (measured from the time stamps) over 7.4"
    " s. 2 frames (1.32 %) were lost, as told by gaps between time stamps. The videos were "
    "recorded with the lossless codec FFV1. The recording was converted to Neurodata Without "
    f"Borders (Rübel et al., 2022) with miniscope-nwb {VERSION}."
)
# As `process` writes them: what was not given stands with its default.
DEFAULTS = {
    stage: section
    for stage, section in Parameters().model_dump(mode="json").items()
    if stage != "caiman"
}
OWN = (
    RunParameter("preprocess", "temporal_factor", 2, "derived", "decay"),
    RunParameter("preprocess", "crop", list(made.CROP), "user"),
    RunParameter("extract", "ar_order", 2, "derived", "20.0 frames a second"),
    RunParameter("extract", "decay_time_s", 0.5, "derived", "indicator GCaMP6f"),
    RunParameter("quality", "min_snr", 4.5, "user"),
    RunParameter("quality", "min_r_value", None, "user"),
    RunParameter("motion", "n_template_frames", 400, "user"),
    RunParameter("run", "seed", 0, "default"),
)
UNUSED = (
    RunParameter("motion", "method", "none", "user"),
    RunParameter("extract", "deconvolve", False, "user"),
    RunParameter("extract", "background_factor", 1, "user"),
    RunParameter("run", "masks", "cells.nwb", "user"),
)
OF_CAIMAN = (
    RunParameter("caiman", "min_SNR", 2.5, "user"),
    RunParameter("caiman", "init.method_init", "corr_pnr", "derived", "one-photon data"),
    RunParameter("caiman", "init.gSig", [3, 3], "derived", "cell diameter of 7.4 px"),
    RunParameter("caiman", "temporal.p", 1, "derived", "10 frames/s"),
    RunParameter("caiman", "temporal.method_deconvolution", "oasis", "derived", "10 frames/s"),
    RunParameter("preprocess", "temporal_factor", 3, "derived", "decay"),
)
IMPORTED = {
    "init": {"method_init": "corr_pnr", "gSig": [4, 4], "K": None},
    "temporal": {"p": 1, "method_deconvolution": "oasis"},
}


def add_runs(path: Path) -> None:
    """Write one run of every kind, each told by the test of its name."""
    caiman = make_run(
        path, *OF_CAIMAN, name="caiman", engine="caiman", engine_version="1.12.1",
        with_engine=True, versions={"caiman": "1.12.1"}, motion_hash="c",
    )  # fmt: skip
    caiman = replace(caiman, prepared=replace(caiman.prepared, temporal_factor=3))
    still = imported(path, name="still", record={}, version="of unknown version")
    shifts = np.zeros_like(still.motion.shifts_px)
    still = replace(still, motion=replace(still.motion, shifts_px=shifts))
    for run in (
        make_run(path, *OWN),
        make_run(path, *UNUSED, name="unused", n_cells=0, motion_hash="u"),
        make_run(path, *OWN, name="bent", n_blocks=(2, 3), motion_hash="b"),
        caiman,
        imported(path, name="imported", record=IMPORTED, version="1.9.2"),
        still,
    ):
        write_run(path, run, corrected="none")


def make_run(path: Path, *rows: RunParameter, name: str = "first", **changes: Any):
    fields = ("n_cells", "n_blocks", "with_engine", "motion_hash")
    options = {key: changes.pop(key) for key in fields if key in changes}
    run = made.make_run(path, name, series="OnePhotonSeries", **options)
    versions = {"miniscope-nwb": VERSION, "numpy": "2.4.6"} | changes.pop("versions", {})
    figures = {"n_black": 1.0, "n_flash": 0.0, "n_torn": 0.0}
    prepared = replace(run.prepared, figures=figures, temporal_factor=2)
    made_of = {"versions": versions, "parameters": parameters(*rows), "prepared": prepared}
    return replace(run, **(made_of | changes))


def parameters(*changes: RunParameter) -> tuple[RunParameter, ...]:
    rows = {
        (stage, name): RunParameter(stage, name, value, "default")
        for stage, section in DEFAULTS.items()
        for name, value in section.items()
    }
    rows |= {(row.stage, row.parameter): row for row in changes}
    return tuple(rows.values())


def imported(path: Path, *, name: str, record: dict[str, Any], version: str):
    row = RunParameter("caiman", "parameters", record, "derived", "stored in old.hdf5")
    return make_run(
        path, row, name=name, engine="caiman", engine_version=f"caiman {version}",
        engine_reason="results imported from old.hdf5", motion_hash=name,
    )  # fmt: skip


def changed(path: Path, copy: Path, run: str, *, parameter: str = "", **values: str) -> Path:
    """Copy a file and change the row of a run in it, or its parameters of CaImAn (JSON)."""
    shutil.copyfile(path, copy)
    with h5py.File(copy, "r+") as file:
        runs = file[f"{GROUP}/{RUNS}"]
        row = read_column(runs, "run").index(run)
        for name, value in values.items():
            set_cell(runs, name, row, value)
        if parameter:
            table = file[f"{GROUP}/{PARAMETERS}"]
            pairs = list(zip(*(read_column(table, n) for n in ("run", "parameter")), strict=True))
            set_cell(table, "value_json", pairs.index((run, "parameters")), parameter)
    return copy


def paragraphs(text: str) -> list[str]:
    body = text.split("## Methods\n\n")[1].split("\n\n## References")[0]
    return body.split("\n\n")


def keys(text: str) -> set[str]:
    """Which papers stand in the BibTeX block; the list above it holds the same."""
    found = set(re.findall(r"@article\{(\w+),", text))
    by_key = {paper.key: paper for paper in PAPERS}
    listed = text.split("## References\n\n")[1].split("\n\n```bibtex")[0].splitlines()
    assert [f"- {by_key[key].text}" for key in re.findall(r"@article\{(\w+),", text)] == listed[:-1]
    for key in found:
        assert f"({by_key[key].cite})" in text, "nothing is listed that is not cited"
    block = text.split("```bibtex\n")[1].split("\n```")[0]
    assert block.count("{") == block.count("}")
    return found
