"""What two threads can give on a machine, and where `process` leaves a core idle.

    python -m benchmarks.two_threads              # compiled loops alone: arithmetic, arrays
    python -m benchmarks.two_threads FILE.nwb     # `process` on a copy of the file, by stage

The first tells how many times the speed of one thread two have that share nothing but the machine:
on arithmetic, on arrays that fit the processor's caches, on arrays that do not. The second looks at
the CPU seconds of the process 20 times a second; what two cores did not do is idle, and half of it
is what a stage takes longer than if they had. Beside it stands where the main thread was meanwhile.
Nothing else may take the cores: what others take counts as idle.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import psutil
from numba import njit

LOOK_S = 0.05
N_PLACES = 20  # that are shown
BETWEEN = "start, end"  # of no stage


@njit(nogil=True)  # type: ignore[untyped-decorator]
def arithmetic(n: int) -> float:
    total = 0.0
    for i in range(n):
        total += np.sin(i * 0.1)
    return total


@njit(nogil=True)  # type: ignore[untyped-decorator]
def sweep(a: Any, b: Any, n: int) -> None:
    for _ in range(n):
        for i in range(a.size):
            b[i] = a[i] * 0.5 + b[i]


def gain(work: Callable[..., Any], jobs: list[tuple[Any, ...]]) -> float:
    """Return the seconds of two jobs one after the other over those side by side."""
    started = time.perf_counter()
    for job in jobs:
        work(*job)
    alone = time.perf_counter() - started
    threads = [threading.Thread(target=work, args=job) for job in jobs]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return alone / (time.perf_counter() - started)


def limits() -> None:
    """Print what two threads give on compiled loops, three times: machines are noisy."""
    arithmetic(1)
    sweep(np.ones(1, np.float32), np.ones(1, np.float32), 1)
    print("| arithmetic | two arrays of 4 MB a thread | of 40 MB |\n|---|---|---|")
    for _ in range(3):
        found = [gain(arithmetic, [(60_000_000,)] * 2)]
        for size, n in ((1_000_000, 400), (10_000_000, 40)):
            jobs = [(*(np.ones(size, np.float32) for _ in range(2)), n) for _ in range(2)]
            found.append(gain(sweep, jobs))
        print("| " + " | ".join(f"{value:.2f}" for value in found) + " |", flush=True)


class Looks:
    """How long a core was idle, by stage and by where the main thread was."""

    def __init__(self) -> None:
        self.stage = BETWEEN
        self.by_stage: Counter[str] = Counter()
        self.by_place: Counter[tuple[str, str]] = Counter()
        self._main = threading.get_ident()
        self._process, self._is_done = psutil.Process(), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    @contextmanager
    def during(self, stage: str) -> Iterator[Callable[[int, int], None]]:
        """Count what follows to a stage; a `Watch` calls this."""
        self.stage = stage
        try:
            yield lambda done, total: None
        finally:
            self.stage = BETWEEN

    def __enter__(self) -> Looks:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_done.set()
        self._thread.join()

    def _look(self) -> None:
        cpu, clock = self._cpu(), time.perf_counter()
        while not self._is_done.wait(LOOK_S):
            now, at = self._cpu(), time.perf_counter()
            idle = max(0.0, 2 * (at - clock) - (now - cpu)) / 2
            self.by_stage[self.stage] += idle
            self.by_place[self.stage, _place(sys._current_frames().get(self._main))] += idle
            cpu, clock = now, at

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def _place(frame: FrameType | None) -> str:
    """Say in which functions of the package a thread is, the innermost three."""
    names: list[str] = []
    while frame is not None and len(names) < 3:
        code = frame.f_code
        if "miniscope_nwb" in code.co_filename:
            names.append(f"{Path(code.co_filename).name}:{code.co_name}")
        frame = frame.f_back
    return " < ".join(names)


def idle(path: Path) -> None:
    """Process a copy of a file with two threads, and print where a core was idle."""
    from miniscope_nwb.pipeline.options import ProcessOptions, Watch
    from miniscope_nwb.pipeline.process import process

    with tempfile.TemporaryDirectory(prefix="miniscope-nwb-bench-") as folder:
        copy = Path(folder) / "copy.nwb"
        shutil.copyfile(path, copy)
        with Looks() as looks:
            options = ProcessOptions(engine="builtin", n_threads=2)
            done = process(copy, options, watch=Watch(stage=looks.during))
    total = sum(looks.by_stage.values())
    print(f"{done.seconds:.1f} s, of them {total:.1f} lost while a core was idle\n")
    print("| stage | s |\n|---|---|")
    for stage, seconds in looks.by_stage.most_common():
        print(f"| {stage} | {seconds:.1f} |")
    print("\n| s | stage | the main thread |\n|---|---|---|")
    for (stage, place), seconds in looks.by_place.most_common(N_PLACES):
        print(f"| {seconds:.2f} | {stage} | {place} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("nwb_file", nargs="?", type=Path, help="converted; a copy is processed")
    given = parser.parse_args()
    limits() if given.nwb_file is None else idle(given.nwb_file)


if __name__ == "__main__":
    main()
