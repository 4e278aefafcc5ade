"""Threads and memory of a run: as asked for, as far as the machine has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from miniscope_nwb.engines.base import Prediction, Task
from miniscope_nwb.errors import OutputError
from miniscope_nwb.sizes import size

_MARGIN = 0.9  # of the free memory: others run on the machine, too


def default_threads() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def memory_limit(asked_bytes: int | None) -> int:
    """Return the memory that a run may take: what was asked for, else what is free."""
    from miniscope_nwb.pipeline.memory import available_bytes, used_bytes

    if asked_bytes is not None:
        return asked_bytes
    return int(_MARGIN * available_bytes()) + used_bytes()


def fit_threads(
    task: Task,
    predict: Callable[[Task], Prediction],
    *,
    limit_bytes: int,
    was_asked: bool,
) -> Task:
    """Return the task with as many threads as fit into the memory.

    Parameters
    ----------
    was_asked
        Whether the user set the limit; else it is what the machine has free.

    Raises
    ------
    OutputError
        If not even one thread fits; names the least that works.
    """
    for n_threads in range(task.n_threads, 0, -1):
        fitting = replace(task, n_threads=n_threads)
        if predict(fitting).peak_memory_bytes <= limit_bytes:
            return fitting
    least = predict(replace(task, n_threads=1)).peak_memory_bytes
    least_mb = -(-least // 10**6)  # rounded up: it is to be copied into the command
    if was_asked:
        raise OutputError(
            f"{size(limit_bytes)} of memory are too little for a field of "
            f"{task.width}x{task.height} px: the least that works is --max-memory {least_mb}MB; or "
            "crop the field, or process a binned one with -p spatial_factor=2."
        )
    raise OutputError(
        f"{size(least)} of memory are needed for a field of {task.width}x{task.height} px, and "
        f"{size(limit_bytes)} are free: close other programs, crop the field, or process "
        "a binned one with -p spatial_factor=2."
    )


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Keep libraries from starting threads inside ours: neither sums nor speed depend on them."""
    import cv2
    from threadpoolctl import threadpool_limits

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)
