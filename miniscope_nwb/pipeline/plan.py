"""What a run would do and take, told before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from miniscope_nwb.engines.base import Task
from miniscope_nwb.pipeline.done import what_is_missing
from miniscope_nwb.pipeline.job import Job, open_job
from miniscope_nwb.pipeline.journal import Journal
from miniscope_nwb.pipeline.keys import STAGES
from miniscope_nwb.pipeline.options import ProcessOptions
from miniscope_nwb.pipeline.refuse import check_job
from miniscope_nwb.pipeline.resources import one_thread_each
from miniscope_nwb.pipeline.room import Room, predict

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
    scratch_bytes: int  # unpacked frames that are kept included
    file_bytes: int  # by which the NWB file grows
    copy_bytes: int  # its new version, beside the old one before it takes its place
    seconds: float | None  # of the stages that are not done
    warnings: tuple[str, ...] = ()


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
        if job.decision.is_done:
            return _plan(job, job.task, Room(0, 0, 0, 0, 0), (), 0)
        task, room = check_job(job)
        seconds = probe(job, task)
    journal = Journal(job.scratch)
    stages = tuple(
        PlannedStage(
            stage, stage != WRITE and journal.is_done(stage, job.keys[stage]), seconds.get(stage)
        )
        for stage in (*STAGES, WRITE)
    )
    memory_bytes = predict(job, task).peak_memory_bytes + room.kept_in_memory
    return _plan(job, task, room, stages, memory_bytes)


def _plan(
    job: Job, task: Task, room: Room, stages: tuple[PlannedStage, ...], memory_bytes: int
) -> Plan:
    open_times = [stage.seconds for stage in stages if not stage.is_done]
    known = [value for value in open_times if value is not None]
    is_done = job.decision.is_done
    return Plan(
        path=job.path,
        series=job.series,
        n_frames=job.recording.n_frames,
        height=job.recording.height,
        width=job.recording.width,
        engine=job.choice.engine.name,
        engine_reason=job.choice.reason,
        run=job.decision.name,
        is_done=is_done,
        replaces=job.decision.replaces,
        n_threads=task.n_threads,
        stages=stages,
        peak_memory_bytes=memory_bytes,
        scratch=job.scratch,
        scratch_bytes=room.stages + room.kept,
        file_bytes=room.grows,
        copy_bytes=room.copy,
        seconds=sum(known) if len(known) == len(open_times) else None,
        warnings=(*job.warnings, *(what_is_missing(job) if is_done else ())),
    )
