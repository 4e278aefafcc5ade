"""How a worker begins and takes its time. Needs Python alone: runs in any interpreter."""

import os
import time

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def one_thread():
    """Let the libraries of linear algebra use one thread. To be called before numpy is imported."""
    for name in _THREADS:
        os.environ[name] = "1"


class Laps:
    """Wall seconds of each stage: called at its end, by its name; the first begins here."""

    def __init__(self):
        self.seconds = {}
        self._began = time.perf_counter()

    def __call__(self, stage):
        now = time.perf_counter()
        self.seconds[stage] = now - self._began
        self._began = now
