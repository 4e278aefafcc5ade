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


HEAP_KEEPS = """
import numpy as np
from miniscope_nwb.pipeline.memory import give_back_free, used_bytes
np.ones(30_000_000, np.uint8)  # from here on pieces below 30 MB come from a heap
pieces = [np.ones(2_000_000, np.uint8) for _ in range(20)]
del pieces[:-1]  # a heap gives back its free end by itself: the last piece stands before it
held = used_bytes()
give_back_free()
print(held - used_bytes())
"""

TWO_HEAPS = """
import sys, threading
import numpy as np
from miniscope_nwb.pipeline.memory import share_one_heap, used_bytes
if sys.argv[1] == "shared":
    share_one_heap()
np.ones(30_000_000, np.uint8)  # from here on a heap keeps up to twice as much when it is freed
before = used_bytes()
done, end = threading.Event(), threading.Event()
def work():
    np.ones(20_000_000, np.uint8)
    done.set()
    end.wait()  # the heap of a thread that has ended could go to the next one
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:  # one after the other: together they would need twice as much
    done.clear()
    thread.start()
    done.wait()
print(used_bytes() - before)
end.set()
"""


def printed_number(program: str, *arguments: str) -> int:
    command = [sys.executable, "-c", program, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries keep less")
def test_free_memory_is_given_back():
    assert printed_number(HEAP_KEEPS) > 30 * MB


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have other heaps")
def test_threads_that_share_a_heap_reuse_what_another_freed():
    assert printed_number(TWO_HEAPS, "shared") < printed_number(TWO_HEAPS, "many") - 10 * MB
