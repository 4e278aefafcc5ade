"""Threads and memory: what fits is taken, what does not is refused with the least that works."""

from __future__ import annotations

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from miniscope_nwb.cli.amounts import Amount, duration
from miniscope_nwb.engines import builtin_costs
from miniscope_nwb.engines.base import Prediction, Task
from miniscope_nwb.errors import OutputError
from miniscope_nwb.pipeline.resources import (
    default_threads,
    fit_threads,
    memory_limit,
    one_thread_each,
)

TASK = Task(n_frames=1000, height=200, width=300, itemsize=1, n_cells=100, n_threads=8)


def predict(task):
    return Prediction(peak_memory_bytes=2**20 * (300 + 100 * task.n_threads), scratch_bytes=0)


@pytest.mark.parametrize(("mib", "threads"), [(2000, 8), (1100, 8), (1099, 7), (400, 1)])
def test_as_many_threads_as_fit(mib, threads):
    task = fit_threads(TASK, predict, limit_bytes=mib * 2**20, was_asked=True)
    assert task.n_threads == threads
    assert task.height == TASK.height


@pytest.mark.parametrize("was_asked", [True, False])
def test_too_little_memory_is_refused_naming_the_least_that_works(was_asked):
    with pytest.raises(OutputError) as refused:
        fit_threads(TASK, predict, limit_bytes=399 * 2**20, was_asked=was_asked)
    assert "300x200" in str(refused.value)
    if was_asked:
        least = re.search(r"--max-memory (\S+MB);", str(refused.value))[1]
        limit = Amount().convert(least, None, None)
        assert fit_threads(TASK, predict, limit_bytes=limit, was_asked=True).n_threads == 1
        with pytest.raises(OutputError, match=least):
            fit_threads(TASK, predict, limit_bytes=limit - 10**6, was_asked=True)
    else:
        assert "419 MB of memory are needed" in str(refused.value)
        assert "418 MB are free" in str(refused.value)


def test_machine():
    assert default_threads() >= 1
    assert memory_limit(12345) == 12345
    assert memory_limit(None) > 2**26


def test_libraries_start_no_threads_inside_ours():
    before = cv2.getNumThreads()
    with one_thread_each():
        np.ones((50, 50)) @ np.ones((50, 50))
        assert cv2.getNumThreads() == 1
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}
    assert cv2.getNumThreads() == before


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [("4GiB", 4 * 2**30), ("500MB", 500_000_000), ("1.5 gb", 1_500_000_000), ("2g", 2**31),
     ("10000000B", 10**7), ("512 mib", 2**29)],
)  # fmt: skip
def test_amounts(text, n_bytes):
    assert Amount().convert(text, None, None) == n_bytes


@pytest.mark.parametrize("text", ["4 gigs", "", "GiB", "-1MB", "0MB", "1e9", "4b", "500 kB"])
def test_what_is_no_amount_is_wrong_usage(text):
    import click

    with pytest.raises(click.UsageError, match="memory"):
        Amount().convert(text, None, None)


@pytest.mark.parametrize("text", ["4", " 1.5 ", "4000000000"])
def test_a_number_without_a_unit_is_refused_and_told_how_to_write_it(text):
    import click

    written = re.escape(f"{text.strip()}GB or {text.strip()}MB")
    with pytest.raises(click.UsageError, match=f"has no unit: write {written}"):
        Amount().convert(text, None, None)


def test_times_for_people():
    assert (duration(3), duration(90), duration(7200)) == ("3.0 s", "1.5 min", "2.0 h")


@pytest.mark.parametrize("spare_mb", [-10, 0, 40, 4000])
def test_frames_are_held_only_where_memory_is_to_spare(spare_mb):
    needed = builtin_costs.predict(TASK).peak_memory_bytes
    limit = needed + spare_mb * 10**6
    peak = builtin_costs.predict(replace(TASK, memory_bytes=limit)).peak_memory_bytes
    movie = 4 * TASK.n_frames * TASK.height * TASK.width
    assert peak - needed == {-10: 0, 0: 0, 40: 20 * 10**6, 4000: movie}[spare_mb]
