"""What is told of a recording: all that its file says, and what is not known."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from unittest import mock

import foreign_files
import h5py
import made_runs as made
import numpy as np
from told_runs import RECORDED, VERSION, keys, paragraphs

from miniscope_nwb.cli.main import run
from miniscope_nwb.methods import methods_text
from miniscope_nwb.nwb.processed.write import write_run
from miniscope_nwb.simulate.folder import simulate
from miniscope_nwb.simulate.options import SimulateOptions


def test_a_recording_that_was_not_processed(converted):
    text = methods_text(converted)
    assert paragraphs(text) == [RECORDED, "The file holds no processing."]
    assert keys(text) == {"Rubel2022"}
    assert f"version = {{{VERSION}}}" in text


def test_a_file_that_tells_little(tmp_path):
    frames = foreign_files.grey_movie()
    path = foreign_files.write_foreign(tmp_path / "f.nwb", frames, rate=15.0)
    write_run(path, bare_run(path), corrected="none")
    text = methods_text(path)
    assert paragraphs(text)[0] == (
        "One-photon calcium imaging in CA1 of one animal was recorded through a one-photon "
        "miniscope. The indicator was GCaMP8f (excitation 470 nm, emission 525 nm). 130 frames of "
        "36 x 24 pixels were stored at 15 frames/s (as stated in the file). Not known from the "
        "file are the species, sex, age, model of the miniscope, pixel size and number of lost "
        "frames."
    )
    assert "with miniscope-nwb of unknown version." in text
    assert "The parameters are not known from the file." in text
    assert "Whether traces were deconvolved is not known from the file." in text
    assert "By which rules components were accepted is not known from the file." in text
    assert "Rubel2022" not in keys(text)


def test_stamps_of_a_cut_video_are_told(tmp_path):
    options = SimulateOptions(level="easy", width=64, height=48, frames=60, cells=2, cameras=0)
    simulate(tmp_path / "raw", format="v4", options=options)
    video = next((tmp_path / "raw").rglob("0.avi"))
    os.truncate(video, video.stat().st_size * 3 // 4)
    path = tmp_path / "x.nwb"
    words = ["convert", str(tmp_path / "raw"), "-o", str(path), "--on-mismatch", "trim", "--quiet"]
    assert run(words) == 0
    with h5py.File(path) as file:
        n_left = len(file["processing/recording/Repairs/id"])
    assert 0 < n_left < 60
    text = paragraphs(methods_text(path))[0]
    assert f"{60 - n_left} frames of 64 x 48 pixels" in text
    assert (
        f"No frame was lost between them. {n_left} time stamps without a frame in the videos were "
        "left out."
    ) in text


def bare_run(path: Path):
    """A run of the small foreign movie that brings no parameters and no versions."""
    sizes = {"N": 130, "HEIGHT": 24, "WIDTH": 36, "CROP": (0, 0, 36, 24), "INNER": (12, 18)}
    with mock.patch.multiple(made, **sizes):
        run = made.make_run(path, "bare")
    return replace(run, parameters=(), versions={}, traces=short(run.traces))


def short(traces):
    return replace(traces, dff=np.full_like(traces.dff, np.nan))
