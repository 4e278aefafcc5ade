"""The uploader is killed at random moments; the same command goes on with what is missing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("share_killed.py")
PATH = "sub-m06/sub-m06_ses-20260302T140507_ophys.nwb"
N_PARTS, N_IN_FLIGHT = 7, 2


def start(bench, nwb_file: Path) -> subprocess.Popen:
    arguments = [str(nwb_file), "--dandiset", bench.stand_in.dandiset]
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments, "--instance", bench.stand_in.url],
        env={
            **os.environ,
            "MINISCOPE_NWB_API_KEY": bench.stand_in.key,
            "MINISCOPE_NWB_STATE": str(bench.state),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(condition, process: subprocess.Popen) -> None:
    until = time.monotonic() + 60
    while not condition() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_killed_at_random_moments_nothing_is_lost(bench, nwb_file):
    chance = random.Random(20260302)
    # Slow parts, or all would be over before the signal comes.
    slow = bench.stand_in.add_fault(server="s3", method="PUT", stall_s=0.1, times=10_000)
    n_kills = 0
    for n_parts in (1, 3, 4, 6):
        n_before, process = bench.n_parts_put, start(bench, nwb_file)
        wait_for(lambda: bench.n_parts_put - n_before >= n_parts - n_kills, process)
        time.sleep(chance.uniform(0, 0.15))
        n_kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
    bench.stand_in.faults.waiting.remove(slow)
    process = start(bench, nwb_file)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert n_kills >= 2, "the uploader was never killed while it worked"
    assert bench.stand_in.content(PATH) == nwb_file.read_bytes()
    assert bench.n_parts_put <= N_PARTS + n_kills * N_IN_FLIGHT
    assert bench.n_requests("POST", "initialize") == 1
    assert "resumed at part" in said
    assert bench.stand_in.key not in said
    assert "X-Amz" not in said


@pytest.mark.parametrize("step", ["complete/", "validate/", "versions/draft/assets/"])
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_killed_while_a_late_answer_comes(step, bench, nwb_file):
    """The archive has done its work, and the uploader never learns of it."""
    bench.stand_in.add_fault(server="api", method="POST", path=step, stall_s=0.0, loses_answer=True)
    process = start(bench, nwb_file)
    wait_for(lambda: bench.n_requests("POST", step) >= 1, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (outcome,) = bench.upload(nwb_file)
    assert outcome.exit_code == 0, outcome.message
    assert bench.n_parts_put == N_PARTS
    assert bench.stand_in.content(PATH) == nwb_file.read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_interrupted_by_the_user_ends_with_3_at_once_even_if_the_server_is_silent(bench, nwb_file):
    silent = bench.stand_in.add_fault(server="s3", method="PUT", stall_s=60, skip=3, times=10_000)
    process = start(bench, nwb_file)
    wait_for(lambda: bench.n_parts_put >= 5, process)
    pressed = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert time.monotonic() - pressed < 6, "read_timeout_s is 10 s, of a real archive 120 s"
    assert process.returncode == 3, said
    assert "same command" in said
    assert "Traceback" not in said
    bench.stand_in.faults.waiting.remove(silent)
    (outcome,) = bench.upload(nwb_file)
    assert outcome.exit_code == 0
    # Three parts were answered; the last answer may not have been noted when the key was pressed.
    assert outcome.resumed_at in (3, 4)
    assert bench.n_parts_put <= N_PARTS + N_IN_FLIGHT
