"""Failures while a file is written end in one sentence, and nothing is left of them."""

from __future__ import annotations

import errno
import os
import shutil
import sys

import numpy as np
import pytest
from plans import with_options
from safe_writing import assert_nothing_left

from miniscope_nwb.errors import OutputError, RecordingError
from miniscope_nwb.nwb import io as nwb_io
from miniscope_nwb.nwb import target as nwb_target
from miniscope_nwb.nwb.io import write_plan
from miniscope_nwb.nwb.target import describe

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.mark.skipif(IS_ROOT or sys.platform == "win32", reason="nothing is read-only for root")
def test_a_read_only_folder_is_one_sentence(made, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    try:
        with pytest.raises(OutputError, match="read-only"):
            write_plan(made.plan, folder / "x.nwb")
    finally:
        folder.chmod(0o755)
    assert list(folder.iterdir()) == []


def test_a_refusing_system_is_one_sentence(made, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(nwb_target, "_check_writable", refuse)
    with pytest.raises(OutputError, match=r"x\.nwb cannot be written .*read-only.*-o"):
        write_plan(made.plan, tmp_path / "deep" / "x.nwb")
    assert_nothing_left(tmp_path)


def test_a_file_in_the_way_of_the_folder_is_one_sentence(made, tmp_path):
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(OutputError, match="cannot be written"):
        write_plan(made.plan, tmp_path / "file" / "x.nwb")


def test_too_little_space_stops_before_any_work(made, tmp_path, monkeypatch):
    monkeypatch.setattr(
        nwb_target.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000)
    )
    with pytest.raises(OutputError, match=r"has 1 kB free, and \d+(\.\d+)? MB may be needed"):
        write_plan(made.plan, tmp_path / "deep" / "x.nwb")
    assert_nothing_left(tmp_path)


def test_space_that_runs_out_meanwhile_stops_before_the_rename(made, tmp_path, monkeypatch):
    answers = iter([10**9, 0])
    monkeypatch.setattr(
        nwb_target.shutil,
        "disk_usage",
        lambda _: shutil._ntuple_diskusage(10**9, 0, next(answers)),
    )
    with pytest.raises(OutputError, match="0 bytes free"):
        write_plan(made.plan, tmp_path / "x.nwb")
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (RuntimeError("Can't decrement id ref count (file write failed: errno = 28, x)"), "full"),
        (OSError("Can't write data (file write failed: errno = 27, error message)"), "larger than"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error.*check the drive"),
        (OSError("something else"), "something else"),
    ],
)
def test_errors_of_the_system_are_one_sentence(tmp_path, error, said):
    import re

    text = str(describe(error, tmp_path / "x.nwb"))
    assert re.search(said, text)
    assert "\n" not in text


def test_other_runtime_errors_are_not_hidden(tmp_path):
    with pytest.raises(RuntimeError, match="a bug"), nwb_target.output_errors(tmp_path):
        raise RuntimeError("a bug")


def test_a_full_disk_inside_hdf5_leaves_nothing(made, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(nwb_io.ChunkWriter, "_write", full)
    with pytest.raises(OutputError, match="disk is full"):
        write_plan(made.plan, tmp_path / "x.nwb")
    assert_nothing_left(tmp_path)


def test_a_broken_frame_names_file_and_frame(made, tmp_path):
    part = made.plan.device("Scope").parts[2]
    data = bytearray(part.path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = np.random.default_rng(0).bytes(400)
    part.path.write_bytes(data)
    with pytest.raises(RecordingError, match=r"frame \d+ of .*2\.avi"):
        write_plan(made.plan, tmp_path / "x.nwb")
    assert_nothing_left(tmp_path)


def test_an_interrupt_leaves_nothing(made, tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_plan(made.plan, tmp_path / "x.nwb", progress=interrupt)
    assert_nothing_left(tmp_path)


def test_a_missing_chunk_is_noticed(made, tmp_path, monkeypatch):
    monkeypatch.setattr(nwb_io.ChunkWriter, "_write", lambda *_: None)
    with pytest.raises(OutputError, match=r"not written completely.*0 of 4 chunks"):
        write_plan(made.plan, tmp_path / "x.nwb")
    assert_nothing_left(tmp_path)


def test_a_short_copy_is_noticed(made, tmp_path, monkeypatch):
    def half(video, *_):
        video.target.write_bytes(video.source.read_bytes()[:-1])
        return "copied"

    monkeypatch.setattr(nwb_io, "place_video", half)
    with pytest.raises(OutputError, match=r"is not as long as Cam/0.avi"):
        write_plan(made.plan, tmp_path / "x.nwb")
    assert_nothing_left(tmp_path)


def test_a_video_that_cannot_be_linked_is_one_sentence(made, tmp_path, monkeypatch):
    from miniscope_nwb.nwb import videos

    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(videos.os, "link", refuse)
    with pytest.raises(OutputError, match=r"hard-linked.*--link-videos copy"):
        write_plan(with_options(made, link_videos="hard"), tmp_path / "x.nwb")
    assert_nothing_left(tmp_path)
