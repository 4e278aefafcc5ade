"""Finished stages are kept whatever happens afterwards, and found again by all they depend on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from miniscope_nwb.pipeline.journal import Journal
from miniscope_nwb.results import MotionQuality


def quality(value):
    ones = np.full(8, value, np.float32)
    return MotionQuality(ones, ones, ones > 0, 0.5, float("nan"), 0.25)


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "scratch")


def test_a_stage_is_done_once(journal):
    calls = []

    def work(scratch):
        assert list(scratch.iterdir()) == []
        calls.append(scratch)
        return quality(2)

    assert journal.find("motion quality", "a" * 64) is None
    assert not journal.is_done("motion quality", "a" * 64)
    first = journal.run("motion quality", "a" * 64, work)
    again = Journal(journal.folder).find("motion quality", "a" * 64)
    assert len(calls) == 1
    assert not calls[0].exists()
    assert again.timing == first.timing
    assert again.timing.stage == "motion quality"
    assert again.timing.peak_memory_bytes > 1e6
    np.testing.assert_array_equal(again.result.correlation_after, np.full(8, 2))
    assert np.isnan(again.result.blur)
    assert journal.is_done("motion quality", "a" * 64)
    assert journal.find("motion quality", "b" * 64) is None


def test_a_stage_that_fails_leaves_no_record(journal):
    def work(scratch):
        (scratch / "large.npy").write_bytes(b"x" * 1000)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        journal.run("motion", "a" * 64, work)
    assert journal.find("motion", "a" * 64) is None
    assert not list(journal.folder.rglob("large.npy"))


@pytest.mark.parametrize("damage", ["cut", "other fields", "no array"])
def test_a_record_that_cannot_be_read_is_done_again(journal, damage):
    journal.run("motion", "a" * 64, lambda _: quality(2))
    (folder,) = journal.folder.glob("motion-*")
    record = folder / "record.json"
    if damage == "cut":
        record.write_text(record.read_text()[:40])
    elif damage == "other fields":
        record.write_text(record.read_text().replace("residual_px", "residual"))
    else:
        (folder / "correlation_after.npy").unlink()
    assert journal.find("motion", "a" * 64) is None
    assert not folder.exists()


WRITER = """
import sys
from pathlib import Path
import numpy as np
from miniscope_nwb.engines.base import map_array
from miniscope_nwb.pipeline.journal import Journal
from miniscope_nwb.results import MotionQuality

def stage(number):
    def work(scratch):
        big = map_array(scratch / "big.npy", (200, 5000))
        big[:] = number
        flags = np.zeros(3, bool)
        return MotionQuality(big, big[:100], flags, float(number), 0.0, 0.0)
    return work

journal = Journal(Path(sys.argv[1]))
journal.tidy()
for number in range(6):
    key = str(number) * 64
    found = journal.find("motion", key)
    if found is None:
        found = journal.run("motion", key, stage(number))
        print("did", number, flush=True)
    else:
        print("had", number, flush=True)
    assert found.result.correlation_before.min() == found.result.correlation_after.max() == number
"""


def test_killed_at_any_moment_no_finished_stage_is_lost(tmp_path):
    """Kill a writer at many moments; what it had told to be done is there for the next."""
    script = tmp_path / "writer.py"
    script.write_text(textwrap.dedent(WRITER))
    command = [sys.executable, str(script), str(tmp_path / "scratch")]
    known = 0
    for wanted in (1, 2, 4):  # lines to wait for before the kill
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        lines = [process.stdout.readline().split() for _ in range(wanted)]
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate()
        lines += [line.split() for line in rest.splitlines()]
        assert [verb for verb, _ in lines[:known]] == ["had"] * min(known, len(lines))
        known = max(known, len(lines))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    verbs = [line.split()[0] for line in done.stdout.splitlines()]
    assert verbs[:known] == ["had"] * known
    assert len(verbs) == 6
    assert not list((tmp_path / "scratch" / "work").glob("*"))
