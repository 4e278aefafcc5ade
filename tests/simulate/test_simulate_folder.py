"""The folder is that of the acquisition software, the same every time, and never overwritten."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pynwb
import pytest
from simulated import content, frames_of, make

from miniscope_nwb.cli.main import run
from miniscope_nwb.convert.detect import find_recordings
from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb import target
from miniscope_nwb.nwb import truth as truth_module
from miniscope_nwb.recording import ReadOptions
from miniscope_nwb.simulate.folder import TRUTH_NAME, simulate
from miniscope_nwb.simulate.options import SimulateOptions, resolve
from miniscope_nwb.video.probe import probe_part


def raw_bytes(folder: Path) -> dict[str, bytes]:
    """The bytes of all files but the truth, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != TRUTH_NAME
    }


def read(folder: Path):
    ((reader, source),) = find_recordings(folder)
    return reader.read(source, ReadOptions())


@pytest.mark.parametrize("format", ["v4", "v3", "onix"])
def test_the_same_options_give_the_same_bytes(tmp_path, format):
    # more frames than are drawn in one block, and one lost across it
    choices = {"frames": 140, "lost_frames": 3, "level": "hard", "frames_per_file": 60}
    one = make(tmp_path / "one", format, threads=1, **choices)
    two = make(tmp_path / "two", format, threads=2, **choices)
    assert raw_bytes(tmp_path / "one") == raw_bytes(tmp_path / "two")
    first, second = content(one.truth), content(two.truth)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_another_seed_gives_another_recording(tmp_path, read_truth):
    one, two = make(tmp_path / "one", seed=1), make(tmp_path / "two", seed=2)
    names = {"Miniscope/0.avi", "Miniscope/timeStamps.csv", "BehavCam_0/0.avi"}
    for name in names:
        assert (one.raw / name).read_bytes() != (two.raw / name).read_bytes()
    assert read_truth(one.truth).identifier != read_truth(two.truth).identifier


def test_a_shorter_recording_is_the_beginning_of_a_longer_one(tmp_path):
    short = make(tmp_path / "short", frames=20, cameras=0)
    long = make(tmp_path / "long", frames=30, cameras=0)
    np.testing.assert_array_equal(
        frames_of(short.raw / "Miniscope"), frames_of(long.raw / "Miniscope")[:20]
    )


def test_v4_looks_like_the_software_wrote_it(tmp_path):
    result = make(tmp_path, frames_per_file=15, scopes=2, cameras=1)
    raw = result.raw
    assert raw == tmp_path / "Jane_Doe" / "open_field" / "m06" / "2026_03_02" / "14_05_07"
    assert sorted(path.name for path in raw.iterdir()) == [
        "BehavCam_0", "Miniscope_0", "Miniscope_1", "experiment", "metaData.json", "notes.csv",
    ]  # fmt: skip
    assert {path.name for path in (raw / "Miniscope_1").iterdir()} == {
        "0.avi", "1.avi", "2.avi", "timeStamps.csv", "metaData.json", "headOrientation.csv",
    }  # fmt: skip
    values = json.loads((raw / "metaData.json").read_text(encoding="utf-8"))
    assert values["recordingStartTime"]["msecSinceEpoch"] == 1772456707250
    assert values["miniscopes"] == ["Miniscope 0", "Miniscope 1"]
    lines = (raw / "Miniscope_0" / "timeStamps.csv").read_text().splitlines()
    assert lines[0] == "Frame Number,Time Stamp (ms),Buffer Index,DAQ Frame Number"
    assert len(lines) == 41
    camera = (raw / "BehavCam_0" / "timeStamps.csv").read_text().splitlines()
    assert camera[0] == "Frame Number,Time Stamp (ms),Buffer Index"


def test_version_1_11_has_no_counter(tmp_path):
    raw = make(tmp_path, software="1.11", orientation=False).raw
    lines = (raw / "Miniscope" / "timeStamps.csv").read_text().splitlines()
    assert lines[0] == "Frame Number,Time Stamp (ms),Buffer Index"
    assert not (raw / "Miniscope" / "headOrientation.csv").exists()
    assert '"Miniscope_V4"' in (raw / "Miniscope" / "metaData.json").read_text()


def test_head_orientation_has_unit_quaternions_on_the_stamps(tmp_path):
    folder = make(tmp_path).raw / "Miniscope"
    rows = np.loadtxt(folder / "headOrientation.csv", delimiter=",", skiprows=1)
    stamps = np.loadtxt(folder / "timeStamps.csv", delimiter=",", skiprows=1)[:, 1]
    np.testing.assert_array_equal(rows[:, 0], stamps)
    np.testing.assert_allclose(np.linalg.norm(rows[:, 1:], axis=1), 1, atol=2e-4)


def test_v3_ends_with_an_empty_file_after_a_full_one(tmp_path):
    raw = make(tmp_path, "v3", frames_per_file=20).raw
    assert raw == tmp_path / "m06" / "3_2_2026" / "H14_M5_S7"
    names = [f"msCam{number}.avi" for number in (1, 2, 3)]
    parts = [probe_part(raw / n, relative_path=n, index=k) for k, n in enumerate(names)]
    assert [part.n_frames for part in parts] == [20, 20, 0]
    assert {part.fourcc for part in parts[:2]} == {"DIB "}
    text = (raw / "timestamp.dat").read_bytes()
    assert text.startswith(b"camNum\tframeNum\tsysClock\tbuffer\r\n")
    rows = np.array([line.split() for line in text.decode().splitlines()[1:]], int)
    assert set(rows[:, 0]) == {0, 1}
    assert (np.diff(rows[:, 0]) != 0).sum() > 20  # the cameras are interleaved
    scope = rows[rows[:, 0] == 1]
    np.testing.assert_array_equal(scope[:, 1], np.arange(1, 41))
    assert scope[0, 2] > 1e7  # garbage
    assert (np.diff(scope[1:, 2]) > 0).all()


def test_onix_has_608_words_a_frame(tmp_path, read_truth):
    result = make(tmp_path, "onix")
    assert {path.name for path in result.raw.iterdir()} == {
        "start-time_0.csv", "ucla-miniscope-v4-video_0.avi", "ucla-miniscope-v4-clock_0.raw",
        "bno055_0.csv", "port-status_0.csv",
    }  # fmt: skip
    ticks = np.fromfile(result.raw / "ucla-miniscope-v4-clock_0.raw", "<u8").reshape(40, 608)
    assert (np.diff(ticks.ravel().astype(np.int64)) > 0).all()
    times = read_truth(result.truth).processing["ophys"]["xy_translation"].timestamps[:]
    np.testing.assert_allclose(ticks[:, 0] / 250e6, times, atol=1e-8)
    rows = (result.raw / "bno055_0.csv").read_text().splitlines()
    assert {len(row.split(",")) for row in rows} == {16}


@pytest.mark.parametrize("format", ["v4", "v3", "onix"])
def test_the_reader_finds_one_recording_without_a_problem(tmp_path, format):
    result = make(tmp_path, format, lost_frames=2)
    recording = read(tmp_path)
    assert recording.format == format
    assert recording.root == result.raw
    (scope,) = recording.scopes
    assert sum(part.n_frames for part in scope.parts) == 40
    assert scope.stamps is not None
    assert scope.stamps.n_rows == 40
    assert len(recording.cameras) == (0 if format == "onix" else 1)
    assert not recording.problems
    assert recording.start.value is not None
    start = recording.start.value.replace(tzinfo=None)
    if format == "onix":  # tells it in UTC
        start += timedelta(hours=1)
    assert start.replace(microsecond=0) == datetime(2026, 3, 2, 14, 5, 7)


@pytest.mark.parametrize("software", ["1.11", "2.0.0"])
def test_lost_frames_show_in_counter_stamps_and_truth(tmp_path, read_truth, software):
    result = make(tmp_path, lost_frames=7, software=software, cameras=0)
    assert result.n_lost == 7
    truth = read_truth(result.truth)
    lost = truth.intervals["LostFrames"].to_dataframe()
    assert lost.n_lost.tolist() == [2, 2, 3]
    times = truth.processing["ophys"]["xy_translation"].timestamps[:]
    assert len(times) == 40
    gaps = np.rint(np.diff(times) * 20).astype(int)
    assert (gaps - 1).sum() == 7
    np.testing.assert_allclose(times[:-1][gaps > 1], lost.start_time)
    np.testing.assert_allclose(times[1:][gaps > 1], lost.stop_time)
    rows = np.loadtxt(result.raw / "Miniscope" / "timeStamps.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(np.rint(np.diff(rows[:, 1]) / 50), gaps)
    np.testing.assert_array_equal(rows[:, 0], np.arange(40))
    if software == "2.0.0":
        np.testing.assert_array_equal(np.diff(rows[:, 3]), gaps)


def test_stamps_come_soon_after_the_true_times(tmp_path, read_truth):
    result = make(tmp_path)
    stamps = np.loadtxt(result.raw / "Miniscope" / "timeStamps.csv", delimiter=",", skiprows=1)
    times = read_truth(result.truth).processing["ophys"]["xy_translation"].timestamps[:]
    delay = stamps[:, 1] / 1000 - times
    assert (delay > -0.0006).all()  # rounded to milliseconds
    assert (delay < 0.0156).all()
    assert len(set(np.diff(stamps[:, 1]))) > 2  # they jitter
    assert -45 < stamps[0, 1] < 10


@pytest.mark.parametrize(
    "choices",
    [{}, {"scopes": 2, "lost_frames": 2}, {"level": "nonrigid"}, {"level": "noise", "cells": None}],
)
def test_the_truth_is_valid_nwb(tmp_path, read_truth, choices):
    result = make(tmp_path, cameras=0, **choices)
    assert not pynwb.validate(path=str(result.truth))
    truth = read_truth(result.truth)
    names = set(truth.processing["ophys"].data_interfaces)
    assert "SimulationParameters" in names
    if choices.get("scopes") == 2:
        assert {"xy_translationMiniscope_0", "FluorescenceMiniscope_1"} <= names
    else:
        assert {"xy_translation", "SummaryImages"} <= names
        assert ("ImageSegmentation" in names) == (choices.get("level") != "noise")
        assert ("BlockShifts" in names) == (choices.get("level") == "nonrigid")


def test_the_truth_does_not_depend_on_how_it_is_buffered(tmp_path, monkeypatch):
    whole = content(make(tmp_path / "whole", frames=150, cameras=0).truth)
    monkeypatch.setattr(truth_module, "TRACE_CHUNK", (32, 16))
    pieces = content(make(tmp_path / "pieces", frames=150, cameras=0).truth)
    for name in whole:
        np.testing.assert_array_equal(whole[name], pieces[name], err_msg=name)


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="not an empty folder"):
        make(tmp_path)
    with pytest.raises(OutputError, match="not an empty folder"):
        make(tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_nothing_is_left_after_an_interruption(tmp_path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    for folder in (tmp_path / "new", tmp_path / "empty"):
        if folder.name == "empty":
            folder.mkdir()
        with pytest.raises(KeyboardInterrupt):
            simulate(folder, options=SimulateOptions(width=64, height=48), progress=stop)
    assert not (tmp_path / "new").exists()
    assert not list((tmp_path / "empty").iterdir())


def test_the_room_on_the_disk_is_looked_at_first(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 10**7))
    assert run(["simulate", str(tmp_path / "new"), "--cells", "3", "--quiet"]) == 1
    said = capsys.readouterr().err
    assert "has 10 MB free, and" in said
    assert "on another drive" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["v4", "v3", "onix"])
@pytest.mark.parametrize("level", ["hard", "nonrigid", "noise"])
def test_no_recording_is_larger_than_foretold(tmp_path, monkeypatch, format, level):
    told = []
    monkeypatch.setattr(target, "check_space", lambda _, n_bytes, **__: told.append(n_bytes))
    make(tmp_path / "x", format, level=level, frames=60, cells=None, width=160, height=96)
    taken = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert taken <= told[0] <= 5 * taken


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("limit", [5_000, 30_000, 80_000, 150_000])
def test_a_disk_that_fills_up_ends_in_one_sentence(tmp_path, limit):
    """The nearest to a full disk that needs no disk: writes beyond the limit fail."""
    code = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))\n"
        "from miniscope_nwb.cli.main import run\n"
        f"sys.exit(run(['simulate', {str(tmp_path / 'new')!r}, '--width', '96', '--quiet',"
        " '--height', '64', '--frames', '40', '--cells', '20', '--codec', 'GREY',"
        " '--frames-per-file', '5', '--cameras', '0']))\n"
    )
    # The limit would meet the file of a coverage measurement, too.
    alone = {name: text for name, text in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=120, check=False, env=alone,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "larger than this file system allows" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("format", "choices", "says"),
    [
        ("v5", {}, "No format"),
        ("v4", {"level": "harder"}, "No level"),
        ("v4", {"width": 8}, "width is 8"),
        ("v4", {"rate": 0}, "rate is 0"),
        ("v4", {"noise": float("nan")}, "noise is nan"),
        ("v3", {"scopes": 2}, "holds 1 scope and"),
        ("onix", {"cameras": 1}, "and no camera"),
        ("v4", {"frames": 3, "lost_frames": 1}, "at least 4 frames"),
        ("v4", {"subject": "a/b"}, "cannot name a folder"),
        ("v4", {"start_time": datetime(2026, 1, 1)}, "needs a zone"),
    ],
)
def test_options_without_meaning_are_refused(format, choices, says):
    with pytest.raises(OutputError, match=says):
        resolve(SimulateOptions(**choices), format=format)


def test_the_command_answers_for_programs(tmp_path, capsys):
    arguments = ["simulate", str(tmp_path / "new"), "--width", "64", "--height", "48"]
    arguments += ["--frames", "20", "--start-time", "2025-01-02T03:04:05+00:00"]
    assert run([*arguments, "--subject", "a1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["frames"] == 20
    assert Path(answer["truth"]).is_file()
    assert answer["raw"].replace("\\", "/").endswith("a1/2025_01_02/03_04_05")
    assert run([*arguments, "--quiet"]) == 1
    assert "not an empty folder" in capsys.readouterr().err


def test_the_command_says_what_it_wrote(tmp_path, capsys):
    arguments = ["simulate", str(tmp_path / "new"), "--width", "64", "--height", "48"]
    assert run([*arguments, "--frames", "20", "--no-orientation", "--lost-frames", "1"]) == 0
    said = capsys.readouterr().out
    assert "20 frames a miniscope, 1 more lost" in said
    assert TRUTH_NAME in said
    assert run(["simulate", str(tmp_path / "other"), "--start-time", "soon"]) == 2
    assert not (tmp_path / "other").exists()
