"""Killed in each stage: what had finished is not done again, the file stays whole, equal result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import h5py
import pytest
from processed_files import assert_same_content, copy_of, raw_checksum

from miniscope_nwb.pipeline.keys import STAGES

COMMAND = [sys.executable, "-m", "miniscope_nwb", "process", "--engine", "builtin", "--json"]
PATIENCE_S = 120


@pytest.fixture(scope="module")
def undisturbed(recording, tmp_path_factory):
    path = copy_of(recording, tmp_path_factory.mktemp("undisturbed"))
    subprocess.run([*COMMAND, str(path)], check=True, capture_output=True)
    return path


def kill_in(path, stage: str) -> list[str]:
    """Start a run, kill it while the stage works, and return the stages that have records."""
    scratch = path.with_name(f".{path.stem}.scratch")
    sign = path.with_name(f"{path.stem}.part.nwb") if stage == "write" else scratch / "work" / stage
    process = subprocess.Popen(
        [*COMMAND, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    give_up = time.monotonic() + PATIENCE_S
    while not sign.exists() and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.0005)
    os.kill(process.pid, signal.SIGKILL)
    _, words = process.communicate()
    assert process.returncode == -signal.SIGKILL, words.decode()
    return [
        name for name in STAGES if list(scratch.glob(f"{name.replace(' ', '-')}-*/record.json"))
    ]


def assert_whole(path, recording):
    with h5py.File(path, "r") as file:
        assert "ProcessingRuns" not in file.get("processing/ophys", {})
    assert raw_checksum(path) == raw_checksum(recording)


def test_killed_in_each_stage_it_goes_on_where_it_stood(recording, undisturbed, tmp_path):
    path = copy_of(recording, tmp_path)
    finished: list[str] = []
    for stage in (*STAGES, "write"):
        before = finished
        finished = kill_in(path, stage)
        assert set(before) <= set(finished)  # nothing that had finished was lost
        expected = STAGES if stage == "write" else STAGES[: STAGES.index(stage)]
        assert set(expected) <= set(finished)
        assert_whole(path, recording)
    done = subprocess.run([*COMMAND, str(path)], check=True, capture_output=True, text=True)
    stages = {item["stage"]: item["was_done"] for item in json.loads(done.stdout)["stages"]}
    assert all(stages[name] for name in finished)
    assert_same_content(path, undisturbed)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]  # no leftovers
