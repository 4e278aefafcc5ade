"""The command line: help, wrong usage, inspect, templates, demo."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from builders.v4 import START, make_v4
from recordings import convert

from miniscope_nwb.cli.main import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(shell, command):
    done = shell(command, "--help")
    assert done.code == 0
    assert f"\n    miniscope-nwb {command}" in done.out  # on a line of its own
    assert "\\b" not in done.out
    parts = ("check", "upload", "verify", "dandiset") if command == "share" else ()
    for told in [shell(command, part, "--help") for part in parts] or [done]:
        assert "--quiet" in told.out


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["convert"], ["convert", "x", "--stamps", "maybe"], ["verify", "x"]]
)
def test_wrong_usage_exits_with_2(shell, arguments):
    done = shell(*arguments)
    assert done.code == 2
    assert done.err


def test_a_slip_in_the_name_of_a_command_is_told(shell):
    done = shell("proces", "x.nwb")
    assert done.code == 2
    assert "No such command 'proces'; did you mean process?" in done.err
    assert "did you mean" not in shell("nonsense").err


def test_module_runs_as_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "miniscope_nwb", "--version"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "miniscope-nwb" in done.stdout


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["process"], "finished stages are kept: the same command goes on where it stood"),
        (["import", "x.hdf5"], "finished stages are kept: the same command goes on where it stood"),
        (["show"], "no unfinished output was kept"),
    ],
)
def test_what_is_left_after_an_interruption(shell, tmp_path, monkeypatch, command, said):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("miniscope_nwb.pipeline.process.process", interrupted)
    monkeypatch.setattr("miniscope_nwb.nwb.processed.summary.summarise", interrupted)
    monkeypatch.setattr("miniscope_nwb.pipeline.imported.import_results", interrupted)
    done = shell(command[0], tmp_path / "x.nwb", *command[1:])
    assert done.code == 130
    assert f"Interrupted; {said}." in done.err


def test_problem_in_the_request_exits_with_1(shell, tmp_path):
    done = shell("inspect", tmp_path / "nothing")
    assert done.code == 1
    assert "does not exist" in done.err
    answer = shell("inspect", tmp_path / "nothing", "--json")
    assert "does not exist" in answer.answer["error"]


def test_inspect_says_what_is_there_and_writes_nothing(shell, tmp_path):
    session = make_v4(
        tmp_path / "raw", version="v2.0", n_frames=60, lost={20: 2, 40: 1}, cameras=("BehavCam 0",)
    )
    before = sorted(tmp_path.rglob("*"))
    done = shell("inspect", session.folder, "--json")
    assert done.code == 0
    (recording,) = done.answer["recordings"]
    assert recording["format"] == "v4"
    assert recording["start"] == START.isoformat()
    assert [d["name"] for d in recording["devices"]] == ["Miniscope", "BehavCam 0"]
    assert recording["devices"][0]["n_frames"] == 60
    scope = recording["timing"][0]
    assert scope["n_lost"] == 3
    assert scope["measured_rate_hz"] == pytest.approx(20, rel=1e-3)
    assert [
        span["n_lost"] for span in recording["lost_frames"] if span["device"] == "Miniscope"
    ] == [2, 1]
    text = shell("inspect", session.folder).out
    assert "BehavCam 0" in text
    assert sorted(tmp_path.rglob("*")) == before


def test_inspect_fails_where_convert_would(shell, tmp_path):
    session = make_v4(tmp_path / "raw")
    (session.folder / "Miniscope" / "timeStamps.csv").unlink()
    done = shell("inspect", session.folder)
    assert done.code == 1
    assert "ERROR" in done.out
    assert convert(shell, session.folder, tmp_path / "x.nwb").code == 1


def test_template_is_accepted_and_can_be_completed(shell, tmp_path, complete):
    session = make_v4(tmp_path / "raw", animal="007", researcher="no")
    template = tmp_path / "session.yaml"
    assert shell("init", session.folder, "-o", template, "--quiet").code == 0
    printed = shell("init", session.folder).out
    assert printed == template.read_text(encoding="utf-8")
    assert "REQUIRED" in printed
    assert '"007"' in printed
    done = convert(shell, session.folder, tmp_path / "out.nwb", "-m", template, "-m", complete)
    assert done.code == 0, done.err
    again = shell("init", session.folder, "-o", template)
    assert again.code == 1
    assert "--overwrite" in again.err


def test_completed_file_is_valid_without_violations(shell, tmp_path, complete):
    session = make_v4(tmp_path / "raw", n_frames=120, frames_per_file=50, cameras=("BehavCam 0",))
    done = shell("convert", session.folder, "-o", tmp_path / "dandiset", "-m", complete, "--json")
    path = done.answer["files"][0]["path"]
    checked = shell("validate", path, "--strict", "--json")
    assert checked.code == 0, checked.out
    assert checked.answer["counts"]["violation"] == 0


def test_demo(shell, tmp_path):
    done = shell("demo", tmp_path / "demo")
    assert done.code == 0, done.out + done.err
    assert "equal to the raw data and valid" in done.out
    found, planted, false = map(int, re.findall(r"\d+", done.out.split("It holds ")[1])[:3])
    assert found >= 0.9 * planted > 15
    assert false <= 3
    again = shell("demo", tmp_path / "demo")
    assert again.code == 1
    assert "not empty" in again.err


def test_real_recordings(shell, tmp_path, real_data):
    done = shell("convert", real_data / "qt", "-o", tmp_path, "--json")
    assert done.code == 0, done.err
    for item, name in zip(done.answer["files"], ("15_03_28", "15_06_28"), strict=True):
        folder = real_data / "qt" / "C6-J588_Disc5" / name
        assert shell("verify", item["path"], "--raw", folder).code == 0
        assert item["frames"] == {"Miniscope": 5, "BehavCam 2": 5}


def test_output_with_another_suffix_is_refused(shell, tmp_path):
    session = make_v4(tmp_path / "raw")
    done = convert(shell, session.folder, tmp_path / "x.h5")
    assert done.code == 1
    assert ".nwb" in done.err
