"""A short, real run on a few frames: how long the stages take on this machine with this movie.

Every stage is done twice on the same hundred frames from the middle of the recording. The first
time also loads and, on a new machine, compiles code; the second tells the speed. What a stage then
takes for the whole recording follows from how its work grows with the number of frames.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from miniscope_nwb.engines.base import Task
from miniscope_nwb.errors import MiniscopeError, ParameterError
from miniscope_nwb.movie import Movie
from miniscope_nwb.pipeline.job import Job
from miniscope_nwb.pipeline.journal import Journal
from miniscope_nwb.pipeline.options import Watch
from miniscope_nwb.pipeline.stages import run_stages
from miniscope_nwb.pipeline.steps import Steps
from miniscope_nwb.pipeline.stretch import Stretch

N_FRAMES = 100  # fewer than these cannot be processed at all
_LOADING_S = 3.0  # at most, for loading code in a stage; compiling it is done only once
_WRITE_S = 2.0  # pynwb opens, writes and checks the file twice
_WRITE_BYTES_S = 100e6  # copying a file and packing what is new


def probe(job: Job, task: Task) -> dict[str, float]:
    """Predict how long each stage takes, in seconds; empty where the probe itself fails.

    Times of another engine's own stages are those that it predicts.

    Raises
    ------
    ParameterError
        A parameter does not go with this movie: a crop outside of it, too large a cell.
    """
    from miniscope_nwb.nwb.stored_movie import StoredMovie

    with StoredMovie(job.path, job.series, clock=job.recording.clock) as movie:
        start = (movie.n_frames - N_FRAMES) // 2
        stretch = Stretch(movie, start, start + N_FRAMES)
        shared = _with_builtin(job)
        try:
            cold = _measure(shared, stretch, task)
            warm = _measure(shared, stretch, task)
        except ParameterError:  # wrong for the whole movie too
            raise
        except MiniscopeError:  # a piece that is black, say: the run itself will tell
            return {}
    seconds = {
        stage: min(_LOADING_S, max(0.0, cold[stage] - warm[stage]))
        + warm[stage] * growth(job, task.n_frames) / growth(job, N_FRAMES)
        for stage, growth in _GROWTH.items()
    }
    seconds.update(job.choice.engine.predict(task).seconds)
    n_bytes = job.path.stat().st_size + 8 * task.n_cells * task.n_frames
    seconds["write"] = _WRITE_S + n_bytes / _WRITE_BYTES_S
    return seconds


def _with_builtin(job: Job) -> Job:
    """Let our own engine stand in for another one: the shared stages need its records."""
    from miniscope_nwb.engines.builtin import BuiltinEngine

    choice = replace(job.choice, engine=BuiltinEngine())
    return replace(job, choice=choice, masks=None)


def _measure(job: Job, movie: Movie, task: Task) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="miniscope-nwb-probe-") as folder:
        steps = Steps(
            job.path.name,
            Journal(Path(folder)),
            job.keys,
            n_threads=task.n_threads,
            max_memory_bytes=job.memory_bytes,
            seed=job.options.seed,
            watch=Watch(),
        )
        run_stages(job, movie, steps)
        return {timing.stage: timing.seconds for timing in steps.timings}


def _linear(n_at_once: float) -> Callable[[Job, int], float]:
    """Work that grows with the frames, beside what is done once: as much as so many frames."""
    return lambda job, n_frames: n_at_once + n_frames


def _of_motion(job: Job, n_frames: int) -> float:
    """Every frame once; and much more for each frame of the samples, up to their size."""
    sample = min(job.given.values.motion.n_template_frames, n_frames)
    return n_frames + _SAMPLE_WORK * sample + 300


# Measured on simulated movies of 100 to 6000 frames and 160x120 to 600x600 pixels.
_SAMPLE_WORK = 10  # of a frame of the template's sample, and of that of the blocks' residual
_GROWTH: dict[str, Callable[[Job, int], float]] = {
    "prepare": _linear(80),
    "motion": _of_motion,
    "motion quality": _linear(300),
    "images": _linear(80),
    "extract": _linear(150),
    "traces": _linear(40),
    "quality": _linear(150),
}
