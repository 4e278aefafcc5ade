"""The engine that is always there: our own NoRMCorre and CNMF-E, written from the papers.

Rigid and piecewise-rigid motion correction after Pnevmatikakis & Giovannucci 2017, source
extraction with a ring background after Zhou et al. 2018 and Giovannucci et al. 2019, deconvolution
after Friedrich et al. 2017. The work itself stands in `correct` and `extract`.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from miniscope_nwb import __version__
from miniscope_nwb.engines.base import (
    Availability,
    ExtractInput,
    MotionInput,
    Prediction,
    Resources,
    Task,
)
from miniscope_nwb.engines.builtin_costs import held_memory, predict
from miniscope_nwb.results import ExtractionResult, MotionResult

_COMPUTES_WITH = ("numpy", "scipy", "numba", "opencv-python-headless")


class BuiltinEngine:
    """Our own engine; needs nothing beside this package."""

    name = "builtin"
    summary = "NoRMCorre and CNMF-E of this package: little memory, any length, always installed"
    # Whether `extract` reads the parameters of the quality stage: changing those redoes it then.
    uses_quality = False

    def availability(self) -> Availability:
        """Say that it can run: it comes with the package."""
        return Availability(True, version=__version__)

    def versions(self) -> dict[str, str]:
        """Return the package's own version and those of the libraries that compute."""
        found = {"engine": __version__}
        for name in _COMPUTES_WITH:
            try:
                found[name] = version(name)
            except PackageNotFoundError:  # another build of OpenCV serves as well
                continue
        return found

    def predict(self, task: Task) -> Prediction:
        """Say what a job of this size takes in memory and scratch, and roughly in time."""
        return predict(task)

    def motion(self, job: MotionInput, resources: Resources) -> MotionResult:
        """Estimate the motion."""
        from miniscope_nwb.correct.stage import estimate_motion

        return replace(estimate_motion(job, resources), versions=self.versions())

    def extract(self, job: ExtractInput, resources: Resources) -> ExtractionResult:
        """Find the components, their traces and their activity."""
        from miniscope_nwb.extract.cnmfe import extract

        found = extract(job, resources, hold_bytes=_held_bytes(job, resources))
        return replace(found, versions=self.versions())


def _held_bytes(job: ExtractInput, resources: Resources) -> int:
    """Return how much memory frames may take that are held between passes over the movie."""
    movie = job.movie
    task = Task(
        movie.n_frames, movie.height, movie.width, movie.dtype.itemsize, n_cells=0,
        n_threads=resources.n_threads, memory_bytes=resources.max_memory_bytes,
    )  # fmt: skip
    return held_memory(task)
