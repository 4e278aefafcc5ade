"""A processed file is the old one or the new one, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import made_runs as made
import pytest

from miniscope_nwb.errors import NwbContentError, OutputError
from miniscope_nwb.nwb import target as nwb_target
from miniscope_nwb.nwb.processed import corrected, new_version, recheck
from miniscope_nwb.nwb.processed.runs import read_runs
from miniscope_nwb.nwb.processed.write import write_run
from miniscope_nwb.nwb.recording_file import input_hash

HERE = Path(__file__).parent


@pytest.fixture
def path(tmp_path):
    return made.raw_file(tmp_path / "x.nwb")


def run_names(path: Path) -> list[str]:
    with h5py.File(path) as file:
        return [row.run for row in read_runs(file)]


def assert_as_it_was(path: Path, before: bytes) -> None:
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name], "nothing is left beside it"


def write(path: Path, name: str = "first", **options) -> None:
    write_run(path, made.make_run(path, name), movie=made.corrected_movie(), **options)


def test_what_another_program_left_broken_is_named(path):
    with h5py.File(path, "r+") as file:
        broken = file.create_group("acquisition/Broken")
        broken.attrs["namespace"], broken.attrs["neurodata_type"] = "core", "TimeSeries"
        broken.attrs["object_id"] = "7f0c9a0e-5a0e-4d8f-9f43-0d2f0a6d1a11"
    before = path.read_bytes()
    with pytest.raises(NwbContentError, match=r"x.nwb holds what pynwb cannot read .*Broken") as no:
        write(path)
    assert "miniscope-nwb validate" in str(no.value)
    assert "\n" not in str(no.value)
    assert_as_it_was(path, before)


CHILD = """
import sys, time
sys.path.insert(0, {here!r})
from pathlib import Path
import made_runs as made
from miniscope_nwb.nwb.processed import new_version, recheck, write, corrected, later
from miniscope_nwb.nwb.careful_file import CarefulFile
path = Path({path!r})
def slow(holder, name, seconds=0.05):
    inner = getattr(holder, name)
    def wrapped(*a, **k):
        time.sleep(seconds)
        return inner(*a, **k)
    setattr(holder, name, wrapped)
{body}
"""


def child(path: Path, body: str) -> list[str]:
    return [sys.executable, "-c", CHILD.format(here=str(HERE), path=str(path), body=body)]


SLOWLY = """
slow(CarefulFile, "sync"); slow(CarefulFile, "check", 0.02); slow(CarefulFile, "__exit__")
slow(new_version, "_copy"); slow(recheck, "recheck_run"); slow(new_version, "check_space")
slow(later, "pack", 0.02)
run = made.make_run(path, "killed", n_blocks=(2, 2))
print("go", flush=True)
write.write_run(path, run, movie=made.corrected_movie(), replace=True, n_threads=1)
print("done", flush=True)
"""


@pytest.mark.parametrize("is_replaced", [False, True])
def test_kill_at_any_moment_leaves_the_old_file_or_the_new_one(path, is_replaced):
    write(path, "killed" if is_replaced else "first")
    digest = input_hash(path, "Movie")
    before, known = path.read_bytes(), run_names(path)
    rng = random.Random(4 + is_replaced)
    for attempt in range(4):
        process = subprocess.Popen(
            child(path, SLOWLY), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "go"
        time.sleep(rng.uniform(0.0, 3.0))
        process.kill()
        process.communicate()
        if path.read_bytes() == before:
            continue
        assert run_names(path) in ([*known, "killed"], known), attempt
        assert input_hash(path, "Movie") == digest
        path.write_bytes(before)
    write(path, "killed", replace=True)
    assert "killed" in run_names(path)
    assert input_hash(path, "Movie") == digest
    assert [p.name for p in path.parent.iterdir()] == ["x.nwb"], "leftovers of killed runs are gone"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("room", [0, 30_000, 120_000])
def test_a_disk_that_fills_up_is_one_sentence(path, room):
    """The nearest to a full disk that needs no disk: writes beyond a size fail."""
    before = path.read_bytes()
    body = f"""
import resource
from miniscope_nwb.errors import OutputError
run = made.make_run(path)
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before)} + {room}, resource.RLIM_INFINITY))
try:
    write.write_run(path, run, movie=made.corrected_movie(), corrected="full")
except OutputError as error:
    print("said:", error)
"""
    done = subprocess.run(
        child(path, body), capture_output=True, text=True, timeout=240, check=False
    )
    assert "said:" in done.stdout, done.stderr
    assert "larger than this file system allows" in done.stdout
    assert done.returncode == 0
    assert "h5py" not in done.stderr
    assert_as_it_was(path, before)


def test_a_full_disk_inside_hdf5_leaves_the_old_file(path, monkeypatch):
    from miniscope_nwb.nwb.careful_file import CarefulFile

    before = path.read_bytes()
    inner, count = CarefulFile._write, iter(range(10**6))

    def full(self, view):
        if next(count) > 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        inner(self, view)

    monkeypatch.setattr(CarefulFile, "_write", full)
    with pytest.raises(OutputError, match=r"disk is full.*move the NWB file to another drive"):
        write(path)
    assert_as_it_was(path, before)


@pytest.mark.parametrize("n_enough", [0, 1])
def test_space_is_checked_before_the_copy_and_before_the_rename(path, monkeypatch, n_enough):
    answers = iter([10**12] * n_enough + [1000])
    monkeypatch.setattr(
        nwb_target.shutil,
        "disk_usage",
        lambda _: shutil._ntuple_diskusage(10**12, 0, next(answers)),
    )
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"1 kB free.*move the NWB file"):
        write(path)
    monkeypatch.undo()
    assert_as_it_was(path, before)


def test_a_crash_while_frames_are_stored_leaves_the_old_file(path, monkeypatch):
    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(corrected, "_mean_frame", fail)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write(path)
    assert_as_it_was(path, before)


def test_what_is_not_whole_does_not_get_the_name(path, monkeypatch):
    from miniscope_nwb.nwb.processed import later

    before = path.read_bytes()
    inner = later.write_later
    monkeypatch.setattr(
        later, "write_later", lambda found, n_threads: inner(found[:-1], n_threads=n_threads)
    )
    with pytest.raises(OutputError, match=r"not written completely \(.* 0 of 1 chunks\)"):
        write(path)
    assert_as_it_was(path, before)

    def forget(*_):
        pass

    monkeypatch.undo()
    monkeypatch.setattr(recheck, "recheck_run", forget)
    write(path)
    assert run_names(path) == ["first"]


def test_two_writers_do_not_meet(path):
    before = path.read_bytes()
    with (
        nwb_target.locked(path),
        pytest.raises(OutputError, match="being written by another miniscope-nwb"),
    ):
        write(path)
    assert_as_it_was(path, before)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the system itself refuses")
def test_a_file_open_for_writing_elsewhere_is_one_sentence(path):
    before = path.read_bytes()
    run = made.make_run(path)
    with (
        h5py.File(path, "r+"),
        pytest.raises((OutputError, NwbContentError), match=r"x\.nwb .*open for writing"),
    ):
        write_run(path, run)
    assert [p.name for p in path.parent.iterdir()] == ["x.nwb"]
    assert input_hash(path, "Movie") == run.input_hash
    assert len(path.read_bytes()) >= len(before)


def test_a_file_that_changes_meanwhile_is_not_overwritten(path, monkeypatch):
    inner = recheck.recheck_run

    def change(*args):
        inner(*args)
        with path.open("ab") as file:
            file.write(b"theirs")

    monkeypatch.setattr(recheck, "recheck_run", change)
    with pytest.raises(OutputError, match="changed by another program meanwhile"):
        write(path)
    assert path.read_bytes().endswith(b"theirs")
    assert [p.name for p in path.parent.iterdir()] == ["x.nwb"]


def test_readers_keep_the_file_that_they_opened(path):
    """The processing itself reads the raw movie while its run is written."""
    from miniscope_nwb.nwb.stored_movie import StoredMovie

    with StoredMovie(path, "Movie") as movie:
        frames = movie.read(0, 10)
        write(path)
        assert (movie.read(0, 10) == frames).all()
        assert len(movie.read(100, 150)) == 50
    assert run_names(path) == ["first"]


@pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")
def test_a_link_stays_a_link_and_the_mode_stays(path, tmp_path):
    path.chmod(0o640)
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.nwb"
    link.symlink_to(path)
    write(link)
    assert link.is_symlink()
    assert run_names(path) == ["first"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in link.parent.iterdir()] == ["link.nwb"]


def test_leftovers_of_a_killed_run_are_removed(path):
    nwb_target.part_path(path).write_bytes(b"half")
    new_version.compact_path(path).write_bytes(b"half")
    write(path)
    assert [p.name for p in path.parent.iterdir()] == ["x.nwb"]


def test_a_missing_or_damaged_file_is_one_sentence(tmp_path, path):
    run = made.make_run(path)
    with pytest.raises(NwbContentError, match="does not exist"):
        write_run(tmp_path / "no.nwb", run)
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[:5000])
    said = rf"opened \(truncated file: 5000 of its {whole} bytes are there\): it is cut short"
    with pytest.raises(NwbContentError, match=said):
        write_run(path, run)
