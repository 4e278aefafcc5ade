"""What is wrong with a request is told before any work is done, by `process` and `plan` alike."""

from __future__ import annotations

from collections.abc import Sequence

from miniscope_nwb.engines.base import Task
from miniscope_nwb.errors import OutputError, ParameterError
from miniscope_nwb.pipeline.identity import StoredRun
from miniscope_nwb.pipeline.job import Job
from miniscope_nwb.pipeline.room import Room, check_resources
from miniscope_nwb.pipeline.scratch import check_scratch, check_writable
from miniscope_nwb.pipeline.steps import naming
from miniscope_nwb.prepare.stage import check_request

# Lengths that a field can have, raw px: the least, and the most in its smaller side. A filter or a
# ring beyond them takes memory and hours, and shows nothing.
_LENGTHS = {
    "motion.max_shift": (1.0, 1.0),
    "motion.highpass": (0.5, 0.5),
    "extract.ring_radius": (1.0, 1.0),
    "extract.min_distance": (0.0, 1.0),
}


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
        written to, the file lacks what NWB requires, the movie is too short or too small for what
        was asked, a length cannot be in its field, or memory or disk do not suffice.
    """
    from miniscope_nwb.nwb.required import check_required

    check_writable(job.path)
    check_curation(job, job.runs)
    check_scratch(job.scratch)
    raw = job.recording
    with naming(job.path.name):
        check_required(job.path, job.series)
        x0, y0, x1, y1 = check_request(
            job.given.values.preprocess,
            job.scale,
            n_frames=raw.n_frames,
            height=raw.height,
            width=raw.width,
        )
        _check_lengths(job, height=y1 - y0, width=x1 - x0)
    return check_resources(job)


def _check_lengths(job: Job, *, height: int, width: int) -> None:
    """Refuse given lengths that cannot be in a field of this size, raw px."""
    for name, (least, most) in _LENGTHS.items():
        stage, key = name.split(".")
        params = getattr(job.given.values, stage)
        um, px = getattr(params, f"{key}_um"), getattr(params, f"{key}_px", None)
        length = job.scale.px(um, px, factor=1)
        high = most * min(height, width)
        if length is not None and not least <= length <= high:
            told = f"px is {px:g}" if px is not None else f"um is {um:g}, {length:.4g} raw pixels"
            raise ParameterError(
                f"{name}_{told}: in a field of {width} x {height} it can be {least:g} to {high:g} "
                "raw pixels; give another or leave it out."
            )
