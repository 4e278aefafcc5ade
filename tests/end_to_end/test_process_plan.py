"""`plan` and `--dry-run`: what is to do, what it will take, and nothing is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from processed_files import make_recording

from miniscope_nwb.simulate.options import SimulateOptions


def test_plan_and_dry_run_write_nothing(shell, path):
    before = path.stat().st_mtime_ns
    planned = shell("plan", path, "--engine", "builtin", "--json")
    assert planned.code == 0, planned.err
    plan = planned.answer
    assert [stage["name"] for stage in plan["stages"]] == [
        "prepare", "motion", "motion quality", "images", "extract", "traces", "quality", "write",
    ]  # fmt: skip
    assert not any(stage["is_done"] for stage in plan["stages"])
    assert plan["peak_memory_bytes"] > 100e6
    text = shell("process", path, "--engine", "builtin", "--dry-run")
    assert text.code == 0
    assert "to do" in text.out
    assert path.stat().st_mtime_ns == before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_plan_warns_as_process_does(shell, done):
    given = ["--engine", "builtin", "-p", "caiman.gSig=[3,3]"]
    (warning,) = shell("process", done, *given, "--json").answer["warnings"]
    planned = shell("plan", done, *given, "--json")
    assert planned.answer["warnings"] == [warning]
    assert planned.err.strip() == warning
    text = shell("process", done, *given, "--dry-run", "--corrected", "full")
    assert warning in text.err
    assert "run1 stores only a preview of the corrected movie" in text.err


def test_plan_names_what_is_done(shell, path, done):
    shell("process", path, "--engine", "builtin", "--keep-scratch", "--quiet")
    planned = shell("plan", path, "--engine", "builtin", "-p", "max_cells=5", "--json").answer
    states = {stage["name"]: stage["is_done"] for stage in planned["stages"]}
    assert states["motion"]
    assert not states["extract"]
    assert not states["write"]
    assert "nothing to do" in shell("plan", done, "--engine", "builtin").out


def in_a_process(*arguments):
    """Run a command in a process of its own, where nothing else takes memory."""
    command = [sys.executable, "-m", "miniscope_nwb", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_too_little_memory_names_the_least_that_works_and_it_does(shell, path):
    refused = shell("process", path, "--engine", "builtin", "--max-memory", "50MB")
    assert refused.code == 1
    assert "the least that works is --max-memory " in refused.err
    least = refused.err.split("--max-memory ")[1].split(";")[0].strip()
    answer = in_a_process("process", path, "--engine", "builtin", "--max-memory", least)
    peak = max(stage["peak_memory_bytes"] for stage in answer["stages"])
    assert peak <= int(least.removesuffix("MB")) * 10**6


@contextmanager
def largest_size(folder):
    """Give a list to which the sizes of a folder are added while others work in it."""
    sizes, done = [0], threading.Event()

    def look():
        while not done.wait(0.02):
            files = [Path(where, name) for where, _, names in os.walk(folder) for name in names]
            total = 0
            for file in files:
                with suppress(OSError):  # it has gone
                    total += file.stat().st_size
            sizes.append(total)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield sizes
    finally:
        done.set()
        watcher.join()


def test_plan_foretells_memory_and_disk_within_a_factor_of_two(path):
    plan = in_a_process("plan", path, "--engine", "builtin")
    before = path.stat().st_size
    with largest_size(path.with_name(".recording.scratch")) as sizes:
        answer = in_a_process("process", path, "--engine", "builtin")
    peak = max(stage["peak_memory_bytes"] for stage in answer["stages"])
    assert 0.5 < plan["peak_memory_bytes"] / peak < 2
    assert 0.5 < plan["scratch_bytes"] / max(sizes) < 2
    assert path.stat().st_size - before < plan["file_bytes"]
    assert 0.2 < plan["seconds"] / answer["seconds"] < 5  # the machine may be busy meanwhile


@pytest.mark.slow
def test_plan_foretells_the_time_within_a_factor_of_two(tmp_path):
    options = SimulateOptions(level="moderate", width=160, height=120, frames=6000, cameras=0)
    path = make_recording(tmp_path, options)
    plan = in_a_process("plan", path, "--engine", "builtin")
    answer = in_a_process("process", path, "--engine", "builtin")
    assert 0.5 < plan["seconds"] / answer["seconds"] < 2
