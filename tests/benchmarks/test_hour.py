"""The hour that is converted and processed: shorter lengths are the beginning of the same one."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from benchmarks.hour import FRAMES_PER_FILE, command, first_files
from miniscope_nwb.simulate.folder import simulate
from miniscope_nwb.simulate.options import SimulateOptions


def test_a_shorter_recording_is_the_beginning_of_the_longer_one(tmp_path: Path):
    size = {"width": 48, "height": 40, "cells": 2, "frames": 2 * FRAMES_PER_FILE}
    simulate(tmp_path / "raw", format="v4", options=SimulateOptions(cameras=0, **size))
    stored = {}
    for n_files in (1, 2):
        part = first_files(tmp_path / "raw", tmp_path / f"raw_{n_files}", n_files)
        nwb = tmp_path / f"{n_files}.nwb"
        assert command("convert", part, "-o", nwb).peak_held > 10e6
        command("verify", nwb, "--raw", part)
        with h5py.File(nwb) as file:
            series = file["acquisition/OnePhotonSeries"]
            stored[n_files] = series["data"][:], series["timestamps"][:]
    for short, long in zip(stored[1], stored[2], strict=True):
        assert len(long) == 2 * len(short) == 2 * FRAMES_PER_FILE
        np.testing.assert_array_equal(short, long[:FRAMES_PER_FILE])
