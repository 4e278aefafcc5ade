"""Where a core is idle: a look at a process of which it is known."""

from __future__ import annotations

import time

import pytest

from benchmarks.two_threads import BETWEEN, Looks


def test_a_stage_that_waits_is_idle_and_one_that_computes_is_half_idle():
    with Looks() as looks:
        with looks.during("waits"):
            time.sleep(0.6)
        with looks.during("computes"):
            started = time.thread_time()
            while time.thread_time() - started < 0.6:  # of the CPU, however busy the machine is
                pass
    assert 0.4 < looks.by_stage["waits"] < 2
    # One core works; the rest of what two could have done is idle. A busy machine makes it longer.
    assert looks.by_stage["computes"] > 0.15
    assert looks.by_stage[BETWEEN] < 0.3
    assert sum(looks.by_place.values()) == pytest.approx(sum(looks.by_stage.values()))
