"""What a run would do and take, told before it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from miniscope_nwb.engines.base import Prediction, Task
from miniscope_nwb.pipeline import costs
from miniscope_nwb.pipeline.job import Job, open_job
from miniscope_nwb.pipeline.journal import Journal
from miniscope_nwb.pipeline.keys import STAGES
from miniscope_nwb.pipeline.options import ProcessOptions
from miniscope_nwb.pipeline.resources import fit_threads, one_thread_each
from miniscope_nwb.pipeline.scratch import RESERVE_BYTES, check_space, free_bytes

WRITE = "write"


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage and how long it is expected to take; None where that is not known."""

    name: str
    is_done: bool  # by a run that was interrupted
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do and take."""

    path: Path
    series: str
    n_frames: int
    height: int  # of the raw movie
    width: int
    engine: str
    engine_reason: str
    run: str
    is_done: bool  # the file holds this very run
    replaces: bool
    n_threads: int
    stages: tuple[PlannedStage, ...]
    peak_memory_bytes: int
    scratch: Path
    scratch_bytes: int
    file_bytes: int  # by which the NWB file grows
    seconds: float | None  # of the stages that are not done


def plan(path: Path, options: ProcessOptions) -> Plan:
    """Predict what a run takes, from rules and a short probe of the movie; nothing is written.

    Raises
    ------
    MiniscopeError
        If the run could not be done: the same sentences as `process`.
    """
    from miniscope_nwb.pipeline.probe import probe

    with one_thread_each():
        job = open_job(path, options)
        task = fit(job)
        prediction = predict(job, task)
        journal = Journal(job.scratch)
        done = {stage: journal.is_done(stage, job.keys[stage]) for stage in STAGES}
        done[WRITE] = False
        seconds = {} if job.decision.is_done else probe(job, task)
    stages = tuple(
        PlannedStage(stage, done[stage], seconds.get(stage)) for stage in (*STAGES, WRITE)
    )
    open_times = [stage.seconds for stage in stages if not stage.is_done]
    known = [value for value in open_times if value is not None]
    return Plan(
        path=path,
        series=job.series,
        n_frames=job.recording.n_frames,
        height=job.recording.height,
        width=job.recording.width,
        engine=job.choice.engine.name,
        engine_reason=job.choice.reason,
        run=job.decision.name,
        is_done=job.decision.is_done,
        replaces=job.decision.replaces,
        n_threads=task.n_threads,
        stages=() if job.decision.is_done else stages,
        peak_memory_bytes=prediction.peak_memory_bytes,
        scratch=job.scratch,
        scratch_bytes=prediction.scratch_bytes + kept_bytes(job, task),
        file_bytes=costs.file_bytes(task, corrected=options.corrected),
        seconds=sum(known) if len(known) == len(open_times) else None,
    )


def check_resources(job: Job) -> Task:
    """Return the task with the threads that fit; refuse what does not fit memory or disk.

    Raises
    ------
    OutputError
        One sentence with what is needed and what there is.
    """
    task = fit(job)
    needed = predict(job, task).scratch_bytes
    check_space(job.scratch, needed, what="the stages")
    grows = costs.file_bytes(task, corrected=job.options.corrected)
    size = job.path.stat().st_size  # the file is copied and the copy changed
    check_space(
        job.path.resolve().parent,
        grows + size,
        what="the new version of the file",
        remedy="move the file to another drive",
    )
    return task


def fit(job: Job) -> Task:
    """Return the task with as many threads as fit into the memory."""
    return fit_threads(
        job.task,
        predictor(job),
        limit_bytes=job.memory_bytes,
        was_asked=job.options.max_memory_bytes is not None,
    )


def kept_bytes(job: Job, task: Task) -> int:
    """Return how much scratch frames of the raw movie may take that are unpacked and kept."""
    from miniscope_nwb.pipeline.memory import available_bytes

    raw, needed = job.recording, predict(job, task).scratch_bytes
    grows = costs.file_bytes(task, corrected=job.options.corrected)
    copy = job.path.stat().st_size + grows  # it may lie on the same drive
    return costs.kept_bytes(
        int(raw.n_frames * raw.height * raw.width) * raw.dtype.itemsize,
        needed=needed,
        free_disk=free_bytes(job.scratch) - needed - copy - RESERVE_BYTES,
        free_memory=available_bytes(),
    )


def predict(job: Job, task: Task) -> Prediction:
    """Return what a whole run takes, the shared stages included."""
    return predictor(job)(task)


def predictor(job: Job) -> Callable[[Task], Prediction]:
    """Return the prediction of a job's engine and of the shared stages together."""

    def together(task: Task) -> Prediction:
        engine = job.choice.engine.predict(task)
        return Prediction(
            peak_memory_bytes=max(engine.peak_memory_bytes, costs.shared_memory(task)),
            scratch_bytes=engine.scratch_bytes + costs.scratch_bytes(task),
            seconds=engine.seconds,
        )

    return together
