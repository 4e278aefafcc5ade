"""What a run would do and take, told before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from miniscope_nwb.engines.base import Task
from miniscope_nwb.pipeline.done import what_is_missing
from miniscope_nwb.pipeline.first_run import COMPILING_BYTES, COMPILING_S
from miniscope_nwb.pipeline.job import Job, open_job
from miniscope_nwb.pipeline.journal import Journal
from miniscope_nwb.pipeline.keys import STAGES
from miniscope_nwb.pipeline.options import ProcessOptions
from miniscope_nwb.pipeline.refuse import check_job
from miniscope_nwb.pipeline.resources import one_thread_each
from miniscope_nwb.pipeline.room import Room, predict

if TYPE_CHECKING:
    from miniscope_nwb.pipeline.probe import StageTime

WRITE = "write"


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage and how long it is expected to take; None where that is not known."""

    name: str
    is_done: bool  # by a run that was interrupted
    seconds: float | None
    compiling_seconds: float = 0.0  # of these, or beside them where they are not known


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
    compiling_seconds: float = 0.0  # of these: the first run of an installation compiles
    compiling_bytes: int = 0  # of the peak memory
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
            return _plan(job, job.task, Room(0, 0, 0, 0), (), 0)
        task, room = check_job(job)
        times = probe(job, task)
    stages = tuple(_stage(job, stage, times.get(stage)) for stage in (*STAGES, WRITE))
    return _plan(job, task, room, stages, predict(job, task).peak_memory_bytes)


def _stage(job: Job, name: str, time: StageTime | None) -> PlannedStage:
    is_done = name != WRITE and Journal(job.scratch).is_done(name, job.keys[name])
    if time is not None:
        return PlannedStage(name, is_done, time.seconds, time.compiling)
    return PlannedStage(name, is_done, None, COMPILING_S.get(name, 0.0) * job.is_first_run)


def _plan(
    job: Job, task: Task, room: Room, stages: tuple[PlannedStage, ...], memory_bytes: int
) -> Plan:
    open_times = [stage.seconds for stage in stages if not stage.is_done]
    known = [value for value in open_times if value is not None]
    is_done = job.decision.is_done
    is_first = not is_done and job.is_first_run
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
        compiling_seconds=sum(stage.compiling_seconds for stage in stages if not stage.is_done),
        compiling_bytes=COMPILING_BYTES if is_first else 0,
        warnings=(*job.warnings, *(what_is_missing(job) if is_done else ())),
    )
