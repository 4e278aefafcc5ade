"""What is wrong with a request is told before any work is done, by `process` and `plan` alike."""

from __future__ import annotations

from miniscope_nwb.engines.base import Task
from miniscope_nwb.pipeline.job import Job
from miniscope_nwb.pipeline.room import Room, check_resources
from miniscope_nwb.pipeline.scratch import check_scratch, check_writable
from miniscope_nwb.pipeline.steps import naming
from miniscope_nwb.prepare.stage import check_request


def check_job(job: Job) -> tuple[Task, Room]:
    """Return how the job is done and the room it takes.

    Raises
    ------
    MiniscopeError
        The file or the scratch folder cannot be written to, the movie is too short or too small
        for what was asked, or memory or disk do not suffice.
    """
    check_writable(job.path)
    check_scratch(job.scratch)
    raw = job.recording
    with naming(job.path.name):
        check_request(
            job.given.values.preprocess,
            job.scale,
            n_frames=raw.n_frames,
            height=raw.height,
            width=raw.width,
        )
    return check_resources(job)
