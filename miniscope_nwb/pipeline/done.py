"""The answer where the file holds the run already: what it stores, and what is not of it."""

from __future__ import annotations

from miniscope_nwb.pipeline.identity import Corrected, StoredRun
from miniscope_nwb.pipeline.job import Job
from miniscope_nwb.pipeline.options import ProcessResult, Watch

_MORE: tuple[Corrected, ...] = ("none", "preview", "full")  # each holds what those before it do
_WORDS: dict[Corrected, str] = {
    "none": "nothing",
    "preview": "only a preview",
    "full": "all",
}


def nothing_to_do(job: Job, watch: Watch) -> ProcessResult:
    """Return what the file holds; a warning where more of the corrected movie was asked for."""
    found = _stored(job)
    warnings = (*job.warnings, *what_is_missing(job))
    for warning in warnings:
        watch.say(warning)
    return ProcessResult(
        path=job.path,
        run=found.name,
        engine=job.choice.engine.name,
        engine_reason=job.choice.reason,
        was_done=True,
        n_components=int(found.n_components),
        n_accepted=int(found.n_accepted),
        corrected=found.corrected,
        warnings=warnings,
    )


def what_is_missing(job: Job) -> tuple[str, ...]:
    """Say what was asked for and is not stored of a run that is done."""
    found, asked = _stored(job), job.options.corrected
    if _MORE.index(found.corrected) >= _MORE.index(asked):
        return ()
    return (
        f"Warning: run {found.name} stores {_WORDS[found.corrected]} of the corrected movie, "
        f"and --corrected {asked} asks for more: give --force to compute it again.",
    )


def _stored(job: Job) -> StoredRun:
    return next(run for run in job.runs if run.name == job.decision.name)
