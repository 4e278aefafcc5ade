"""The memory that a piece of work takes: anonymous counts, mapped files do not, children do."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from miniscope_nwb.pipeline.memory import (
    MemoryWatch,
    available_bytes,
    give_back_free,
    used_bytes,
)

MB = 1_000_000


def test_peak_of_anonymous_memory_is_seen():
    give_back_free()  # what other tests have left: it could go just while this one measures
    before = used_bytes()
    with MemoryWatch() as watch:
        block = np.ones(80 * MB, np.uint8)
        time.sleep(0.15)
        del block
    assert 70 * MB < watch.peak_bytes - before < 150 * MB


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell them apart")
def test_mapped_files_are_not_counted(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(80 * MB, np.uint8))
    before = used_bytes()
    with MemoryWatch() as watch:
        total = int(np.load(tmp_path / "a.npy", mmap_mode="r").sum())
        time.sleep(0.1)
    assert total == 80 * MB
    assert watch.peak_bytes - before < 30 * MB


def test_processes_that_were_started_count():
    code = "import time; block = bytearray(100_000_000); print(1, flush=True); time.sleep(20)"
    before = used_bytes()
    with MemoryWatch() as watch:
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert child.stdout.readline()
        time.sleep(0.7)
        child.kill()
        child.wait()
    assert watch.peak_bytes - before > 90 * MB


def test_some_memory_is_available():
    assert available_bytes() > 50 * MB


ONE_HEAP = """
import sys, threading
import numpy as np
from miniscope_nwb.pipeline.memory import give_back_free, share_one_heap, used_bytes
if sys.argv[1] == "shared":
    share_one_heap()
np.ones(30_000_000, np.uint8)  # from here on a heap keeps up to twice as much when it is freed
def work():
    for _ in range(20):
        np.ones(20_000_000, np.uint8)
threads = [threading.Thread(target=work) for _ in range(2)]  # three fill that
[thread.start() for thread in threads]
[thread.join() for thread in threads]
held = used_bytes()
give_back_free()
print(held - used_bytes(), used_bytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries keep less")
def test_free_memory_is_given_back():
    left = {}
    for heaps in ("shared", "many"):
        command = [sys.executable, "-c", ONE_HEAP, heaps]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        given_back, left[heaps] = map(int, done.stdout.split())
        assert given_back > 10 * MB
    assert left["shared"] < left["many"] + 5 * MB
