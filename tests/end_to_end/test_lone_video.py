"""A video that lost its time stamps: refused, and converted with a table made by hand."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from builders.v4 import make_v4
from pynwb import NWBHDF5IO

PAGE = Path(__file__).resolve().parents[2] / "docs" / "damaged_input.md"
START = ("--start-time", "2026-03-02T14:05:07", "--timezone", "UTC")
N_FRAMES = 40


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder `my_recording` with the first part of a miniscope's video, and nothing else."""
    session = make_v4(tmp_path / "session", n_frames=N_FRAMES, frames_per_file=N_FRAMES)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_recording").mkdir()
    shutil.move(session.folder / "Miniscope" / "0.avi", tmp_path / "my_recording" / "0.avi")
    return tmp_path / "my_recording"


def write_table(n_frames):
    """Write timeStamps.csv by the code of the page."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert "n_frames = 20, 600" in code
    exec(code.replace("20, 600", f"20, {n_frames}"), {})


@pytest.mark.parametrize("name", ["0.avi", "mouse 1.AVI"])
@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_a_lone_video_is_refused_and_told_how_to_go_on(shell, folder, command, name):
    (folder / "0.avi").rename(folder / name)
    done = shell(command, folder)
    assert done.code == 1
    assert f"{name} is a video, and nothing tells when its frames were taken" in done.err
    assert (
        "name it 0.avi and write a timeStamps.csv with the columns Frame Number, Time Stamp (ms), "
        "Buffer Index (docs/damaged_input.md)"
    ) in done.err


def test_the_table_of_the_page_makes_a_recording_of_it(shell, folder):
    write_table(N_FRAMES)
    assert "give --start-time" in shell("inspect", folder).out
    path = folder.parent / "x.nwb"
    assert shell("convert", folder, "-o", path, *START).code == 0
    with NWBHDF5IO(path, "r") as file:
        series = file.read().acquisition["OnePhotonSeries"]
        assert series.data.shape[0] == N_FRAMES
        np.testing.assert_allclose(series.timestamps[:], np.arange(N_FRAMES) / 20)


def test_a_table_of_another_length_is_refused_with_the_number_of_frames(shell, folder):
    write_table(N_FRAMES + 5)
    done = shell("convert", folder, "-o", folder.parent / "x.nwb", *START)
    assert done.code == 1
    assert str(N_FRAMES) in done.err
    assert "--on-mismatch" in done.err


def test_a_table_in_seconds_is_refused_with_what_is_expected(shell, folder):
    rows = [f"{k},{k / 20}" for k in range(N_FRAMES)]
    (folder / "timeStamps.csv").write_text("\n".join(["frame,time_s", *rows, ""]))
    said = " ".join(shell("inspect", folder).out.split())
    assert "expected the columns Frame Number, Time Stamp (ms), Buffer Index, with times in" in said
    assert "whole milliseconds, found frame, time_s and a time of '0.0'" in said
