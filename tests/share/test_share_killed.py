"""The uploader is killed at random moments; the same command goes on with what is missing."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

SCRIPT = Path(__file__).with_name("share_killed.py")
PATH = "sub-m06/sub-m06_ses-20260302T140507_ophys.nwb"
N_PARTS, N_IN_FLIGHT = 7, 2
_NUMBERS = itertools.count()


class Uploader:
    """A process that uploads, forked from one that has imported everything already."""

    def __init__(self, parent: subprocess.Popen, bench, nwb_file: Path) -> None:
        self._output = bench.state.parent / f"said-{next(_NUMBERS)}"
        arguments = [str(nwb_file), "--dandiset", bench.stand_in.dandiset]
        asked = {
            "arguments": [*arguments, "--instance", bench.stand_in.url],
            "environment": {
                "MINISCOPE_NWB_API_KEY": bench.stand_in.key,
                "MINISCOPE_NWB_STATE": str(bench.state),
            },
            "output": str(self._output),
        }
        parent.stdin.write(json.dumps(asked) + "\n")
        parent.stdin.flush()
        self._number = int(parent.stdout.readline())
        self.returncode: int | None = None

    def is_working(self) -> bool:
        ended = self._output.with_suffix(".code")
        if self.returncode is None and ended.exists():
            self.returncode = int(ended.read_text())
        return self.returncode is None

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it is done already
            os.kill(self._number, number)

    def finish(self) -> str:
        """Wait until it ends, and return what it said."""
        until = time.monotonic() + 120
        while self.is_working():
            assert time.monotonic() < until, "the uploader does not end"
            time.sleep(0.002)
        return self._output.read_text() if self._output.exists() else ""


@pytest.fixture(scope="module")
def parent():
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.stdin.close()
    assert process.wait(timeout=60) == 0


@pytest.fixture
def start(parent, bench, nwb_file):
    return lambda: Uploader(parent, bench, nwb_file)


def wait_for(condition, uploader: Uploader) -> None:
    until = time.monotonic() + 60
    while not condition() and uploader.is_working() and time.monotonic() < until:
        time.sleep(0.002)


def test_killed_at_random_moments_nothing_is_lost(start, bench, nwb_file):
    chance = random.Random(20260302)
    # Slow parts, or all would be over before the signal comes.
    slow = bench.stand_in.add_fault(server="s3", method="PUT", stall_s=0.1, times=10_000)
    n_kills = 0
    for n_parts in (1, 3, 4, 6):
        n_before, uploader = bench.n_parts_put, start()
        wait_for(lambda: bench.n_parts_put - n_before >= n_parts - n_kills, uploader)
        time.sleep(chance.uniform(0, 0.15))
        n_kills += uploader.is_working()
        uploader.send_signal(signal.SIGKILL)
        uploader.finish()
    bench.stand_in.faults.waiting.remove(slow)
    uploader = start()
    said = uploader.finish()
    assert uploader.returncode == 0, said
    assert n_kills >= 2, "the uploader was never killed while it worked"
    assert bench.stand_in.content(PATH) == nwb_file.read_bytes()
    assert bench.n_parts_put <= N_PARTS + n_kills * N_IN_FLIGHT
    assert bench.n_requests("POST", "initialize") == 1
    assert "resumed at part" in said
    assert bench.stand_in.key not in said
    assert "X-Amz" not in said


@pytest.mark.parametrize("step", ["complete/", "validate/", "versions/draft/assets/"])
def test_killed_while_a_late_answer_comes(step, start, bench, nwb_file):
    """The archive has done its work, and the uploader never learns of it."""
    bench.stand_in.add_fault(server="api", method="POST", path=step, stall_s=0.0, loses_answer=True)
    uploader = start()
    wait_for(lambda: bench.n_requests("POST", step) >= 1, uploader)
    uploader.send_signal(signal.SIGKILL)
    uploader.finish()
    (outcome,) = bench.upload(nwb_file)
    assert outcome.exit_code == 0, outcome.message
    assert bench.n_parts_put == N_PARTS
    assert bench.stand_in.content(PATH) == nwb_file.read_bytes()


def test_interrupted_by_the_user_ends_with_3_at_once_even_if_the_server_is_silent(
    start, bench, nwb_file
):
    silent = bench.stand_in.add_fault(server="s3", method="PUT", stall_s=60, skip=3, times=10_000)
    uploader = start()
    wait_for(lambda: bench.n_parts_put >= 5, uploader)
    pressed = time.monotonic()
    uploader.send_signal(signal.SIGINT)
    said = uploader.finish()
    assert time.monotonic() - pressed < 6, "read_timeout_s is 10 s, of a real archive 120 s"
    assert uploader.returncode == 3, said
    assert "same command" in said
    assert "Traceback" not in said
    bench.stand_in.faults.waiting.remove(silent)
    (outcome,) = bench.upload(nwb_file)
    assert outcome.exit_code == 0
    # Three parts were answered; the last answer may not have been noted when the key was pressed.
    assert outcome.resumed_at in (3, 4)
    assert bench.n_parts_put <= N_PARTS + N_IN_FLIGHT
