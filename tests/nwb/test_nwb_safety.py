"""A file appears under its name whole or not at all, and nothing is left of a failed run."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from plans import Rig, colour_frames, grey_frames, make_plan, with_options
from pynwb import NWBHDF5IO

from miniscope_nwb.errors import OutputError, RecordingError
from miniscope_nwb.nwb import io as nwb_io
from miniscope_nwb.nwb import target as nwb_target
from miniscope_nwb.nwb.axes import movie_from_nwb
from miniscope_nwb.nwb.io import write_plan
from miniscope_nwb.nwb.target import describe, part_path
from miniscope_nwb.nwb.videos import remove_videos

HERE = Path(__file__).parent
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def made(tmp_path):
    (tmp_path / "raw").mkdir()
    rigs = (
        Rig("Scope", grey_frames(40)),
        Rig("Cam", colour_frames(12), "MJPG", is_camera=True),
    )
    return make_plan(tmp_path / "raw", rigs)


def raw_bytes(folder: Path) -> dict[str, bytes]:
    return {p.name + str(p.parent): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def assert_whole(path: Path, frames: np.ndarray) -> None:
    with NWBHDF5IO(path, "r") as io:
        nwb = io.read()
        np.testing.assert_array_equal(
            movie_from_nwb(nwb.acquisition["OnePhotonSeries"].data[:]), frames
        )
        for name in nwb.acquisition["BehaviorVideoCam"].external_file[:]:
            assert (path.parent / name).stat().st_size > 0


def assert_nothing_left(tmp_path: Path) -> None:
    assert sorted(p.name for p in tmp_path.iterdir()) == ["raw"]


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


CHILD = """
import resource, sys
sys.path.insert(0, {here!r})
from pathlib import Path
from plans import Rig, colour_frames, grey_frames, make_plan
from miniscope_nwb.nwb import target
from miniscope_nwb.nwb.io import write_plan
root = Path({root!r})
rigs = (Rig("Scope", grey_frames(40)), Rig("Cam", colour_frames(12), "MJPG", is_camera=True))
made = make_plan(root, rigs, overwrite={overwrite})
print("ready", flush=True)
{body}
"""


def child(root: Path, body: str, *, overwrite: bool = False) -> list[str]:
    code = CHILD.format(here=str(HERE), root=str(root), overwrite=overwrite, body=body)
    return [sys.executable, "-c", code]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("limit", [20_000, 150_000, 400_000])
def test_a_file_size_limit_is_one_sentence(tmp_path, limit):
    """The nearest to a full disk that needs no disk: writes beyond the limit fail."""
    (tmp_path / "raw").mkdir()
    body = (
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))\n"
        "from miniscope_nwb.errors import OutputError\n"
        "try:\n"
        f"    write_plan(made.plan, Path({str(tmp_path / 'x.nwb')!r}))\n"
        "except OutputError as error:\n"
        "    print('said:', error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
    )
    done = subprocess.run(
        child(tmp_path / "raw", body), capture_output=True, text=True, timeout=120, check=False
    )
    assert "said:" in done.stdout, done.stderr
    assert "larger than this file system allows" in done.stdout
    assert "h5py" not in done.stderr
    assert_nothing_left(tmp_path)


def slowly(output: Path) -> str:
    """Write so that a kill meets every phase: frames, close, check, rename."""
    return (
        "import time\n"
        "from miniscope_nwb.nwb import io, recheck\n"
        "def slow(function):\n"
        "    def wrapped(*a, **k):\n"
        "        time.sleep(0.04)\n"
        "        return function(*a, **k)\n"
        "    return wrapped\n"
        "io.ChunkWriter._write = slow(io.ChunkWriter._write)\n"
        "io.place_video = slow(io.place_video)\n"
        "io.CarefulFile.sync = slow(io.CarefulFile.sync)\n"
        "io.CarefulFile.check = slow(io.CarefulFile.check)\n"
        "io.check_space = slow(io.check_space)\n"
        "recheck.recheck = slow(recheck.recheck)\n"
        "print('go', flush=True)\n"
        f"write_plan(made.plan, Path({str(output)!r}), threads=1)\n"
        "print('done', flush=True)\n"
    )


@pytest.mark.parametrize("overwrite", [False, True])
def test_kill_at_any_moment_leaves_no_file_or_a_whole_one(made, tmp_path, overwrite):
    output = tmp_path / "x.nwb"
    if overwrite:
        write_plan(made.plan, output)
        before = output.read_bytes()
    rng = random.Random(11 + overwrite)
    for attempt in range(4):
        root = tmp_path / f"raw{attempt}"
        root.mkdir()
        process = subprocess.Popen(
            child(root, slowly(output), overwrite=overwrite), stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        while process.stdout.readline().strip() != "go":
            assert process.poll() is None
        time.sleep(rng.uniform(0.0, 2.5))
        process.kill()
        process.communicate()
        if output.exists():
            assert_whole(output, made.rigs[0].frames)
            if not overwrite:
                output.unlink()
        else:
            assert not overwrite, "the old file stays until the new one is complete"
    plan = with_options(made, overwrite=True)
    write_plan(plan, output)
    assert_whole(output, made.rigs[0].frames)
    assert overwrite is False or output.read_bytes() != before
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith("raw")) == [
        "x",
        "x.nwb",
    ]
    assert len(list((tmp_path / "x").iterdir())) == 2, "orphans of killed runs are gone"


def test_a_failing_disk_does_not_fail_in_hdf5s_hands(tmp_path, monkeypatch):
    """After an error HDF5 still reads what it wrote, and closes; the error waits for us."""
    import h5py

    from miniscope_nwb.nwb.careful_file import CarefulFile

    with CarefulFile(tmp_path / "x.h5") as disk:
        with h5py.File(disk, "w") as file:
            file["before"] = np.arange(1000)
            file.flush()
            disk.check()
            n_written = (tmp_path / "x.h5").stat().st_size
            full = OSError(errno.ENOSPC, "No space left on device")
            monkeypatch.setattr(disk, "_write", lambda view: (_ for _ in ()).throw(full))
            data = np.arange(100_000)
            file["after"] = data
            file.flush()
            np.testing.assert_array_equal(file["after"][:], data)
            np.testing.assert_array_equal(file["before"][:], np.arange(1000))
        assert (tmp_path / "x.h5").stat().st_size == n_written
        for call in (disk.check, disk.sync):
            with pytest.raises(OSError, match="No space left"):
                call()


def test_a_careful_file_is_an_ordinary_file(tmp_path):
    from miniscope_nwb.nwb.careful_file import CarefulFile

    with CarefulFile(tmp_path / "x") as disk:
        assert disk.write(b"0123456789") == 10
        assert disk.seek(-3, os.SEEK_END) == 7
        assert disk.read(5) == b"789\0\0", "zeros beyond the end"
        assert disk.tell() == 12
        assert disk.seek(2) == 2
        disk.write(np.array([65, 66], np.uint8))
        assert disk.seek(-1, os.SEEK_CUR) == 3
        assert disk.truncate(6) == 6
        disk.sync()
    assert (tmp_path / "x").read_bytes() == b"01AB45"
    with pytest.raises(FileExistsError):
        CarefulFile(tmp_path / "x")
