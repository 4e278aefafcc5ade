"""A file appears under its name whole or not at all, and nobody's files are touched."""

from __future__ import annotations

import errno

import pytest
from plans import with_options
from safe_writing import assert_nothing_left, assert_whole, raw_bytes

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb import io as nwb_io
from miniscope_nwb.nwb import target as nwb_target
from miniscope_nwb.nwb.io import write_plan
from miniscope_nwb.nwb.target import part_path
from miniscope_nwb.nwb.videos import remove_videos


def test_an_output_that_exists_stops_before_any_work(made, tmp_path, monkeypatch):
    output = tmp_path / "x.nwb"
    output.write_bytes(b"precious")
    monkeypatch.setattr(nwb_io, "WorkPool", None)  # would fail if it were used
    with pytest.raises(OutputError, match=r"x\.nwb exists: give --overwrite"):
        write_plan(made.plan, output)
    assert output.read_bytes() == b"precious"


def test_an_output_that_appears_meanwhile_is_kept(made, tmp_path, monkeypatch):
    output = tmp_path / "x.nwb"
    check = nwb_io.check_space

    def appear(*args):
        check(*args)
        output.write_bytes(b"new")

    monkeypatch.setattr(nwb_io, "check_space", appear)
    with pytest.raises(OutputError, match="exists"):
        write_plan(made.plan, output)
    assert output.read_bytes() == b"new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["raw", "x.nwb"]


def test_without_hard_links_a_file_still_appears_at_once(made, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(nwb_target.os, "link", refuse)
    write_plan(made.plan, tmp_path / "x.nwb")
    assert_whole(tmp_path / "x.nwb", made.rigs[0].frames)
    assert not part_path(tmp_path / "x.nwb").exists()


def test_overwrite_replaces_file_and_videos_at_the_end(made, tmp_path, monkeypatch):
    output = tmp_path / "x.nwb"
    write_plan(made.plan, output)
    old = output.read_bytes()
    old_videos = sorted(p.name for p in (tmp_path / "x").iterdir())
    (tmp_path / "x" / "mine.txt").write_text("keep", encoding="utf-8")
    plan = with_options(made, overwrite=True)

    from miniscope_nwb.nwb import recheck

    def fail(*_):
        raise OutputError("broken at the end")

    with monkeypatch.context() as patch:
        patch.setattr(recheck, "recheck", fail)
        with pytest.raises(OutputError, match="broken at the end"):
            write_plan(plan, output)
    assert output.read_bytes() == old
    assert sorted(p.name for p in (tmp_path / "x").iterdir()) == sorted([*old_videos, "mine.txt"])

    write_plan(plan, output)
    assert output.read_bytes() != old
    assert_whole(output, made.rigs[0].frames)
    now = sorted(p.name for p in (tmp_path / "x").iterdir())
    assert len(now) == len(old_videos) + 1
    assert "mine.txt" in now
    assert not set(now) & set(old_videos)


def test_leftovers_of_a_killed_run_are_removed(made, tmp_path):
    output = tmp_path / "x.nwb"
    part_path(output).write_bytes(b"half")
    orphan = tmp_path / "x" / f"{'0' * 8}-0000-0000-0000-{'0' * 12}_external_file_0.avi"
    orphan.parent.mkdir()
    orphan.write_bytes(b"half")
    write_plan(made.plan, output)
    assert_whole(output, made.rigs[0].frames)
    assert not orphan.exists()
    assert not part_path(output).exists()


def test_only_our_videos_are_ever_removed(tmp_path):
    (tmp_path / "x").mkdir()
    for name in ("0.avi", "notes.txt", "abc_external_file_0.avi"):
        (tmp_path / "x" / name).write_bytes(b"1")
    remove_videos(tmp_path / "x.nwb")
    assert len(list((tmp_path / "x").iterdir())) == 3


@pytest.mark.parametrize("name", ["x.h5", "x", "x.nwb.gz"])
def test_other_names_are_refused(made, tmp_path, name):
    with pytest.raises(OutputError, match=r"does not end in .nwb"):
        write_plan(made.plan, tmp_path / name)


def test_a_folder_is_no_output(made, tmp_path):
    (tmp_path / "x.nwb").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_plan(made.plan, tmp_path / "x.nwb")


def test_the_raw_folder_is_never_written_to(made, tmp_path):
    before = raw_bytes(tmp_path / "raw")
    with pytest.raises(OutputError, match=r"inside the raw recording raw.*-o"):
        write_plan(made.plan, tmp_path / "raw" / "deep" / "x.nwb")
    with pytest.raises(OutputError, match=r"behaviour videos of .*raw recording.*-o"):
        write_plan(made.plan, tmp_path / "raw.nwb")
    assert raw_bytes(tmp_path / "raw") == before
    write_plan(with_options(made, link_videos="in-place"), tmp_path / "raw.nwb")
    assert raw_bytes(tmp_path / "raw") == before


def test_two_processes_do_not_write_one_file(made, tmp_path):
    with (
        nwb_target.locked(tmp_path / "x.nwb"),
        pytest.raises(OutputError, match="being written by another"),
    ):
        write_plan(made.plan, tmp_path / "x.nwb")
    assert_nothing_left(tmp_path)
