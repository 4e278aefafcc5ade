"""`convert` of several recordings: one file each, joined, or refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from builders.gui import make_gui
from builders.v4 import START, make_v4
from recordings import convert, opened


@pytest.fixture
def two_sessions(tmp_path):
    first = make_v4(tmp_path / "raw" / "14_05_09", n_frames=20)
    second = make_v4(
        tmp_path / "raw" / "14_15_09", n_frames=15, start=START + timedelta(minutes=10), seed=8
    )
    return first, second


def test_several_recordings_become_one_file_each(shell, tmp_path, two_sessions):
    done = shell("convert", tmp_path / "raw", "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    paths = [Path(item["path"]) for item in done.answer["files"]]
    assert len(set(paths)) == 2
    for path, session in zip(paths, two_sessions, strict=True):
        assert shell("verify", path, "--raw", session.folder).code == 0
    wrong = convert(shell, tmp_path / "raw", tmp_path / "one.nwb")
    assert wrong.code == 1
    assert "--join" in wrong.err


def test_joined_recordings_show_the_gap(shell, tmp_path, two_sessions):
    first, second = two_sessions
    path = tmp_path / "joined.nwb"
    done = convert(shell, tmp_path / "raw", path, "--join")
    assert done.code == 0, done.err
    with opened(path) as nwb:
        series = nwb.acquisition["OnePhotonSeries"]
        times = series.timestamps[:]
        data = np.swapaxes(series.data[:], 1, 2)
        assert nwb.session_start_time == START
        assert "LostFrames" not in (nwb.intervals or {})
    np.testing.assert_array_equal(data[:20], first.frames["Miniscope"])
    np.testing.assert_array_equal(data[20:], second.frames["Miniscope"])
    np.testing.assert_array_equal(times[:20], first.stamps_ms["Miniscope"] / 1000.0)
    np.testing.assert_allclose(times[20:], second.stamps_ms["Miniscope"] / 1000.0 + 600, atol=1e-9)
    assert shell("verify", path, "--raw", tmp_path / "raw").code == 0


@pytest.mark.parametrize("other", [{"width": 72}, {"animal": "m8"}, {"extra_device": {"ewl": -3}}])
def test_recordings_that_do_not_belong_together_are_not_joined(shell, tmp_path, other):
    make_v4(tmp_path / "raw" / "a")
    make_v4(tmp_path / "raw" / "b", start=START + timedelta(minutes=10), **other)
    done = convert(shell, tmp_path / "raw", tmp_path / "out.nwb", "--join")
    assert done.code == 1
    assert not (tmp_path / "out.nwb").exists()


def test_overlapping_recordings_are_not_joined(shell, tmp_path):
    make_v4(tmp_path / "raw" / "a", n_frames=60)
    make_v4(tmp_path / "raw" / "b", start=START + timedelta(seconds=1))
    done = convert(shell, tmp_path / "raw", tmp_path / "out.nwb", "--join")
    assert done.code == 1
    assert "overlap" in done.err


def test_two_sets_of_one_second_become_two_files(shell, tmp_path):
    for number, stem in enumerate(("lap_1", "lap_2")):
        make_gui(tmp_path / "raw", stem=stem, seed=number)
    done = shell("convert", tmp_path / "raw", "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    paths = [Path(item["path"]) for item in done.answer["files"]]
    assert len(set(paths)) == 2
    assert all(path.is_file() for path in paths)


def test_recordings_that_nothing_tells_apart_are_named(shell, tmp_path):
    for rig in ("left", "right"):
        make_v4(tmp_path / "raw" / rig, n_frames=10)
    done = shell("convert", tmp_path / "raw", "-o", f"{tmp_path / 'out'}/")
    assert done.code == 1
    assert str(tmp_path / "raw" / "left") in done.err
    assert str(tmp_path / "raw" / "right") in done.err
    assert "session_id" in done.err
    assert "let -o name a folder" not in done.err  # it does already
    assert not (tmp_path / "out").exists()


def test_an_error_in_a_study_names_the_session(shell, tmp_path, two_sessions):
    _, second = two_sessions
    (second.folder / "Miniscope" / "timeStamps.csv").unlink()
    done = shell("convert", tmp_path / "raw", "-o", tmp_path / "out")
    assert done.code == 1
    assert str(second.folder) in done.err
    assert not (tmp_path / "out").exists()


def test_existing_outputs_are_seen_before_the_first_is_written(shell, tmp_path, two_sessions):
    first = shell("convert", tmp_path / "raw", "-o", tmp_path / "out", "--json").answer["files"]
    Path(first[0]["path"]).unlink()
    done = shell("convert", tmp_path / "raw", "-o", tmp_path / "out")
    assert done.code == 1
    assert "--overwrite" in done.err
    assert not Path(first[0]["path"]).exists()
