"""What cannot be processed ends in one sentence that names the file; the file stays as it was."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import subprocess
import sys
from collections import namedtuple

import h5py
import numpy as np
import pytest
from nwb.foreign_files import write_foreign
from recordings import opened

from miniscope_nwb.pipeline import scratch, store

HEIGHT, WIDTH = 48, 64
ENGINE = ["--engine", "builtin"]


def noise(n_frames=140, *, level=100, dtype=np.uint8):
    rng = np.random.default_rng(1)
    frames = rng.normal(level, 4, (n_frames, HEIGHT, WIDTH))
    return frames.astype(dtype) if np.dtype(dtype).kind == "f" else frames.round().astype(dtype)


@pytest.fixture
def foreign(tmp_path):
    def write(frames, **options):
        return write_foreign(tmp_path / "foreign.nwb", frames, rate=20.0, **options)

    return write


def refused(shell, path, *options):
    """Run and expect one sentence that names the file, which stays as it was."""
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    done = shell("process", path, *ENGINE, *options)
    assert done.code == 1, done.out + done.err
    last = done.err.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert path.name in last
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert not list(path.parent.glob("*.part.nwb"))
    return last


def test_no_movie(shell, foreign):
    path = foreign(noise(), names=())
    assert "holds no OnePhotonSeries" in refused(shell, path)


def test_several_movies_need_a_choice(shell, foreign):
    path = foreign(noise(), names=("Left", "Right"))
    assert "--series Left or Right" in refused(shell, path)
    assert shell("process", path, *ENGINE, "--series", "Right", "--quiet").code == 0
    with opened(path) as nwb:
        runs = nwb.processing["ophys"]["ProcessingRuns"].to_dataframe()
    assert list(runs["series"]) == ["Right"]


def test_too_few_frames(shell, foreign):
    path = foreign(noise(63))
    last = refused(shell, path)
    assert "63 frames; at least 100" in last
    assert shell("plan", path, *ENGINE).err.splitlines()[-1] == last


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (np.full((140, HEIGHT, WIDTH), 90, np.uint8), "the same|constant|never change"),
        (np.zeros((140, HEIGHT, WIDTH), np.uint8), "dark|black|constant|never change"),
        (np.full((140, HEIGHT, WIDTH), 255, np.uint8), "saturated|constant|never change"),
    ],
    ids=["constant", "dark", "saturated"],
)
def test_movies_without_content(shell, foreign, frames, words):
    assert re.search(words, refused(shell, foreign(frames)))


def test_mostly_saturated_movie(shell, foreign):
    frames = noise()
    frames[:, :, : WIDTH * 9 // 10] = 255
    assert "saturated" in refused(shell, foreign(frames))


def test_nan(shell, foreign):
    frames = noise(dtype=np.float32)
    frames[70, 20, 30] = np.nan
    assert "NaN" in refused(shell, foreign(frames))


def test_crop_outside_of_the_frame(shell, foreign):
    last = refused(shell, foreign(noise()), "--crop", "0,0,65,20")
    assert "64" in last
    assert "48" in last


def test_cell_larger_than_the_field(shell, foreign):
    assert "60" in refused(shell, foreign(noise()), "-p", "cell_diameter_px=60")


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ("motion.highpass_px=24.5", "motion.highpass_px is 24.5: .* 0.5 to 24 raw pixels"),
        ("motion.highpass_um=100", "motion.highpass_um is 100, 50 raw pixels"),
        ("motion.highpass_px=1e-6", "motion.highpass_px is 1e-06"),
        ("motion.max_shift_px=49", "motion.max_shift_px is 49: .* 1 to 48 raw pixels"),
        ("extract.ring_radius_px=900", "extract.ring_radius_px is 900"),
        ("extract.min_distance_um=97", "extract.min_distance_um is 97, 48.5 raw pixels"),
    ],
)
def test_lengths_that_no_field_of_this_size_can_have(shell, foreign, length, words):
    last = refused(shell, foreign(noise()), "-p", "pixel_size_um=2", "-p", length)
    assert re.search(words, last), last


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("session_start_time", "lacks session_start_time, which NWB requires"),
        ("identifier", "lacks identifier"),
        ("acquisition/Movie/imaging_plane", "lacks /acquisition/Movie/imaging_plane,"),
        ("general/optophysiology/Plane/indicator", "imaging_plane/indicator"),
        ("general/optophysiology/Plane/o", "imaging_plane/OpticalChannel"),
        ("general/devices/Scope", "imaging_plane/device"),
    ],
)
def test_a_file_that_lacks_what_nwb_requires_is_refused_before_the_work(
    shell, foreign, lacks, said
):
    path = foreign(noise())
    with h5py.File(path, "r+") as file:
        del file[lacks]
    last = refused(shell, path)
    assert said in last
    assert shell("plan", path, *ENGINE).err.splitlines()[-1] == last


def test_nothing_found_is_a_valid_file_and_a_warning_that_names_the_threshold(shell, foreign):
    path = foreign(noise(300), names=("Movie",))
    done = shell("process", path, *ENGINE, "-p", "min_pnr=900", "--quiet")
    assert done.code == 0, done.err
    assert "no component was found" in done.err
    assert "pnr" in done.err.lower()
    with opened(path) as nwb:
        ophys = nwb.processing["ophys"]
        assert len(ophys["ImageSegmentation"]["PlaneSegmentation"]) == 0
        assert list(ophys["ProcessingRuns"]["n_components"][:]) == [0]


HOLDER = """
import sys, h5py
with h5py.File(sys.argv[1], "r+"):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_file_open_for_writing_elsewhere(shell, foreign):
    path = foreign(noise())
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"open\n"
    try:
        done = shell("process", path, *ENGINE)
    finally:
        holder.communicate()
    assert done.code == 1
    assert "open" in done.err
    assert "another program" in done.err


def test_another_process_works_on_the_file(shell, foreign):
    path = foreign(noise())
    with scratch.locked(path):
        assert "another miniscope-nwb" in refused(shell, path)


def test_disk_too_full_is_seen_before_the_work(shell, foreign, monkeypatch):
    path = foreign(noise())
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(scratch.shutil, "disk_usage", lambda _: usage(0, 0, 1_000_000))
    done = shell("process", path, *ENGINE)
    assert done.code == 1
    assert "1 MB free" in done.err
    assert "--scratch" in done.err


def test_disk_that_fills_up_keeps_what_was_finished(shell, foreign, monkeypatch):
    path = foreign(noise())
    save, calls = store.save, []

    def full_at_third(record, folder, *, work):
        calls.append(folder.name)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(record, folder, work=work)

    monkeypatch.setattr(store, "save", full_at_third)
    done = shell("process", path, *ENGINE)
    assert done.code == 1
    assert "disk is full" in done.err
    assert "finished are kept" in done.err
    monkeypatch.undo()
    again = shell("process", path, *ENGINE, "--json")
    assert again.code == 0, again.err
    assert [stage["was_done"] for stage in again.answer["stages"]][:3] == [True, True, False]


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written_to(shell, foreign):
    path = foreign(noise())
    path.parent.chmod(0o500)
    try:
        done = [shell(command, path, *ENGINE) for command in ("process", "plan")]
    finally:
        path.parent.chmod(0o700)
    assert [item.code for item in done] == [1, 1]
    assert "copy it to a folder that you may write to" in done[0].err
    assert done[0].err == done[1].err


def test_caiman_that_is_not_there_is_an_error_only_when_asked_for(shell, foreign, monkeypatch):
    monkeypatch.delenv("MINISCOPE_NWB_CAIMAN_PYTHON", raising=False)
    path = foreign(noise())
    done = shell("process", path, "--engine", "caiman", "--caiman-python", "/nowhere/python")
    assert done.code == 1
    assert "/nowhere/python" in done.err


def test_a_file_that_is_no_nwb_file(shell, tmp_path):
    path = tmp_path / "text.nwb"
    path.write_text("no")
    assert "text.nwb" in refused(shell, path)
    gone = shell("process", tmp_path / "absent.nwb")
    assert gone.code == 1
    assert "absent.nwb" in gone.err
