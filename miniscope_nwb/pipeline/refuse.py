"""What is wrong with a request is told before any work is done, by `process` and `plan` alike."""

from __future__ import annotations

from collections.abc import Sequence

from miniscope_nwb.engines.base import Task
from miniscope_nwb.errors import OutputError
from miniscope_nwb.pipeline.identity import StoredRun
from miniscope_nwb.pipeline.job import Job
from miniscope_nwb.pipeline.room import Room, check_resources
from miniscope_nwb.pipeline.scratch import check_scratch, check_writable
from miniscope_nwb.pipeline.steps import naming
from miniscope_nwb.prepare.stage import check_request


def check_curation(job: Job, runs: Sequence[StoredRun]) -> None:
    """Refuse to replace a run whose rounds of curation were made by hand, unless that was asked.

    Raises
    ------
    OutputError
        One sentence with how many rounds would be lost, and how to keep them.
    """
    name = job.decision.name
    lost = sum(run.n_manual_rounds for run in runs if run.name == name)
    if not job.decision.replaces or not lost or job.options.drop_curation:
        return
    rounds = "a round" if lost == 1 else f"{lost} rounds"
    raise OutputError(
        f"{job.path.name}: run {name} holds {rounds} of curation made by hand, which would be lost "
        f"with it: keep the decisions with `miniscope-nwb curate {job.path} --run {name} "
        "--export decisions.csv`, then add --drop-curation."
    )


def check_job(job: Job) -> tuple[Task, Room]:
    """Return how the job is done and the room it takes.

    Raises
    ------
    MiniscopeError
        Rounds of curation made by hand would be lost, the file or the scratch folder cannot be
        written to, the movie is too short or too small for what was asked, or memory or disk do
        not suffice.
    """
    check_writable(job.path)
    check_curation(job, job.runs)
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
