"""V3 recordings whose videos are cut, empty, missing or strange."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from builders.onix import write_avi as write_onix_avi
from builders.v3 import make_v3
from damage import truncate, unfinalise, without_frames
from other_formats import ZONE, repairs, stop, work
from recordings import lost_frames, opened
from v3_recordings import V3_FOLDER, check_v3, v3_seconds


def test_v3_truncated_last_part(shell, tmp_path, v3):
    truncate(v3.folder / "msCam3.avi", 0.7)
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    rules = repairs(path)
    assert 0 < len(rules) < 5
    assert set(rules) == {"trimmed_stamp"}
    check_v3(path, v3, range(25 - len(rules)))
    assert "msCam3.avi" in said


@pytest.mark.parametrize("how", ["truncated", "missing", "zero bytes", "header only"])
def test_v3_damaged_middle_part(shell, tmp_path, how):
    truth = make_v3(tmp_path.joinpath("raw", *V3_FOLDER), n_scope=35)
    part = truth.folder / "msCam2.avi"
    if how == "truncated":
        truncate(part, 0.55)
    else:
        without_frames(part, how)
    path, said = work(shell, truth.folder, tmp_path, *ZONE)
    with opened(path) as nwb:
        n_kept = len(nwb.acquisition["OnePhotonSeries"].data) - 25
        lost = lost_frames(nwb)
    assert (0 < n_kept < 10) if how == "truncated" else n_kept == 0
    check_v3(path, truth, [*range(10 + n_kept), *range(20, 35)])
    assert lost["n_lost"].tolist() == [10 - n_kept]
    assert lost["evidence"].tolist() == ["file"]
    assert "msCam3.avi" in said if how == "missing" else "msCam2.avi" in said


def test_v3_unfinalised_parts(shell, tmp_path, v3):
    for name in ("msCam2.avi", "msCam3.avi"):
        unfinalise(v3.folder / name)
    path, _ = work(shell, v3.folder, tmp_path, *ZONE)
    check_v3(path, v3, range(25))


@pytest.mark.parametrize("empty", ["zero bytes", "header only"])
def test_v3_last_part_without_frames(shell, tmp_path, v3, empty):
    part = v3.folder / "msCam3.avi"
    without_frames(part, empty)
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    check_v3(path, v3, range(20))
    assert repairs(path) == ["trimmed_stamp"] * 5
    assert "msCam3.avi" in said


def test_v3_size_change_stops(shell, tmp_path, v3):
    write_onix_avi(v3.folder / "msCam2.avi", np.zeros((10, 32, 40), np.uint8), "DIB ")
    said = stop(shell, v3.folder, tmp_path, *ZONE)
    assert "msCam2.avi" in said
    assert "40" in said


def test_v3_two_candidates_for_one_part_stop(shell, tmp_path, v3):
    shutil.copy(v3.folder / "msCam1.avi", v3.folder / "msCam_01.avi")
    said = stop(shell, v3.folder, tmp_path, *ZONE)
    assert "msCam1.avi" in said
    assert "msCam_01.avi" in said


def test_v3_damaged_camera(shell, tmp_path, v3):
    truncate(v3.folder / "behavCam4.avi", 0.5)
    (v3.folder / "behavCam2.avi").unlink()
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    check_v3(path, v3, range(25))
    assert "behavCam3.avi" in said
    assert "behavCam4.avi" in said
    with opened(path) as nwb:
        lost = lost_frames(nwb)
        video = next(v for n, v in nwb.acquisition.items() if n.startswith("BehaviorVideo"))
        n_last = len(video.timestamps) - 20
        kept = [*range(10), *range(20, 30 + n_last)]
        np.testing.assert_array_equal(video.timestamps[:], v3_seconds(v3, kept, "BehavCam"))
    assert 0 < n_last < 7
    assert (lost["device"].tolist(), lost["n_lost"].tolist()) == (["BehavCam"], [10])
