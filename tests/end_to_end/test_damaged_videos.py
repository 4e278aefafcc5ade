"""Every rule for damaged videos, through the command line, and verified afterwards."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from builders.v4 import make_v4, write_avi
from damage import truncate, unfinalise, without_frames
from damaged_v4 import check_stored, convert_badly, convert_well, device
from recordings import lost_frames, opened, table


def test_truncated_last_part(shell, session, tmp_path):
    write_avi(device(session) / "3.avi", session.frames["Miniscope"][30:], "GREY")
    truncate(device(session) / "3.avi", 0.6)
    path, said = convert_well(shell, session, tmp_path)
    with opened(path) as nwb:
        n_stored = len(nwb.acquisition["OnePhotonSeries"].data)
        repairs = table(nwb, "Repairs")
    assert 30 < n_stored < 35
    check_stored(path, session, range(n_stored))
    assert "3.avi" in said
    assert list(repairs["rule"]) == ["trimmed_stamp"] * (35 - n_stored)
    assert f"lost frames: {35 - n_stored} (Miniscope, stamps without a frame)" in said


def test_truncated_middle_part(shell, session, tmp_path):
    write_avi(device(session) / "1.avi", session.frames["Miniscope"][10:20], "GREY")
    truncate(device(session) / "1.avi", 0.55)
    path, said = convert_well(shell, session, tmp_path)
    with opened(path) as nwb:
        n_kept = len(nwb.acquisition["OnePhotonSeries"].data) - 25
        lost = lost_frames(nwb)
    assert 0 < n_kept < 10
    check_stored(path, session, [*range(10 + n_kept), *range(20, 35)])
    assert lost["evidence"].tolist() == ["file"]
    assert lost["n_lost"].tolist() == [10 - n_kept]
    assert "1.avi" in said


def test_unfinalised_last_part_keeps_every_frame(shell, session, tmp_path):
    unfinalise(device(session) / "3.avi")
    path, _ = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(35))


@pytest.mark.parametrize("empty", ["zero bytes", "header only"])
def test_empty_last_part(shell, session, tmp_path, empty):
    part = device(session) / "3.avi"
    without_frames(part, empty)
    path, said = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(30))
    assert "3.avi" in said


@pytest.mark.parametrize("how", ["missing", "zero bytes", "header only"])
def test_part_without_frames_in_the_middle(shell, session, tmp_path, how):
    part = device(session) / "1.avi"
    without_frames(part, how)
    path, said = convert_well(shell, session, tmp_path)
    check_stored(path, session, [*range(10), *range(20, 35)])
    with opened(path) as nwb:
        assert lost_frames(nwb)["n_lost"].tolist() == [10]
    assert "missing before Miniscope/2.avi" in said if how == "missing" else "1.avi" in said


def test_two_candidates_for_one_part_stop(shell, session, tmp_path):
    shutil.copy(device(session) / "0.avi", device(session) / "0_corrected.avi")
    said = convert_badly(shell, session, tmp_path)
    assert "0.avi" in said
    assert "0_corrected.avi" in said


def test_derived_files_are_no_part(shell, session, tmp_path):
    shutil.copy(device(session) / "0.avi", device(session) / "0_mc.avi")
    (device(session) / "saved_movies").mkdir()
    (device(session) / "memmap_d1_48_d2_64.mmap").write_bytes(b"x")
    path, _ = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(35))


def test_size_change_between_parts_stops(shell, session, tmp_path):
    write_avi(device(session) / "2.avi", np.zeros((10, 32, 40), np.uint8))
    said = convert_badly(shell, session, tmp_path)
    assert "2.avi" in said
    assert "40" in said


def test_lossy_codec_on_a_scope_is_recorded(shell, tmp_path):
    session = make_v4(tmp_path / "raw", fourcc="MJPG")
    path, said = convert_well(shell, session, tmp_path)
    with opened(path) as nwb:
        assert "lossy" in nwb.acquisition["OnePhotonSeries"].comments.lower()
    assert "lossy" in said
