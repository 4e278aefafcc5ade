"""What a run takes of memory and of its drives, and whether they have it.

One account of it: `process` refuses by it, and `plan` tells it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from miniscope_nwb.engines.base import Prediction, Task
from miniscope_nwb.pipeline import costs
from miniscope_nwb.pipeline.first_run import COMPILING_BYTES
from miniscope_nwb.pipeline.job import Job
from miniscope_nwb.pipeline.resources import fit_threads
from miniscope_nwb.pipeline.scratch import RESERVE_BYTES, check_space, free_bytes, is_same_drive


@dataclass(frozen=True, slots=True)
class Room:
    """What a run takes of its drives, and of memory beside the stages, bytes at most."""

    stages: int  # scratch of the stages, until the end
    kept: int  # scratch of frames that are unpacked and kept: only what can be spared
    kept_in_memory: int  # what of them scratch has no room for, where it is little
    grows: int  # by which the NWB file grows
    copy: int  # the new version of the NWB file, beside the old one before it takes its place


def check_resources(job: Job) -> tuple[Task, Room]:
    """Return the task with the threads that fit, and the room it takes.

    Raises
    ------
    OutputError
        Memory or disk do not suffice: one sentence with what is needed and what there is.
    """
    task = fit(job)
    room = needed_room(job, task)
    beside = job.path.resolve().parent
    check_space(job.scratch, room.stages, what="the stages")
    check_space(
        beside,
        room.copy,
        what="the new version of the file",
        remedy="move the file to another drive",
    )
    if is_same_drive(job.scratch, beside):
        both = room.stages + room.copy
        check_space(job.scratch, both, what="the stages and the new version of the file")
    return task, room


def fit(job: Job) -> Task:
    """Return the task with as many threads as fit into the memory."""
    return fit_threads(
        job.task,
        predictor(job),
        limit_bytes=job.memory_bytes,
        was_asked=job.options.max_memory_bytes is not None,
    )


def needed_room(job: Job, task: Task) -> Room:
    """Return what a run takes of its drives, and of memory beside the stages."""
    predicted = predict(job, task)
    stages = predicted.scratch_bytes
    grows = costs.file_bytes(task, corrected=job.options.corrected)
    copy = job.path.stat().st_size + grows
    if job.decision.replaces:  # what is left of the file is written anew, beside its copy
        copy = max(copy, 2 * job.path.stat().st_size)
    raw = task.n_frames * task.height * task.width * task.itemsize
    kept = _kept(job, raw, stages, copy)
    spare = job.memory_bytes - predicted.peak_memory_bytes
    in_memory = costs.kept_in_memory_bytes(raw, kept=kept, spare_memory=spare)
    return Room(stages, kept, in_memory, grows, copy)


def _kept(job: Job, raw_bytes: int, stages: int, copy: int) -> int:
    """Return how much scratch frames of the raw movie may take that are unpacked and kept."""
    from miniscope_nwb.pipeline.memory import available_bytes

    return costs.kept_bytes(
        raw_bytes,
        needed=stages,
        free_disk=free_bytes(job.scratch) - stages - copy - RESERVE_BYTES,  # on the same drive
        free_memory=available_bytes(),
    )


def predict(job: Job, task: Task) -> Prediction:
    """Return what a whole run takes, the shared stages included."""
    return predictor(job)(task)


def predictor(job: Job) -> Callable[[Task], Prediction]:
    """Return the prediction of a job's engine and of the shared stages together.

    What compiling takes comes on top: its memory stays until the last stage, whose peak it raises.
    """
    compiling = COMPILING_BYTES if job.is_first_run else 0

    def together(task: Task) -> Prediction:
        beside = max(0, task.memory_bytes - compiling)
        engine = job.choice.engine.predict(replace(task, memory_bytes=beside))
        return Prediction(
            peak_memory_bytes=max(engine.peak_memory_bytes, costs.shared_memory(task)) + compiling,
            scratch_bytes=engine.scratch_bytes + costs.scratch_bytes(task),
            seconds=engine.seconds,
        )

    return together
