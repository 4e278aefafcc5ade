"""From a converted file to cells in the same file.

    prepare -> motion -> motion quality -> images -> extract -> traces -> quality -> write

Each arrow is a record that is kept in the scratch folder as soon as its stage has finished, so a
run that was killed goes on where it stood; the NWB file is replaced, whole, at the end.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.pipeline import first_run
from miniscope_nwb.pipeline.done import nothing_to_do
from miniscope_nwb.pipeline.fit import misfit, unfound
from miniscope_nwb.pipeline.job import Job, open_job
from miniscope_nwb.pipeline.journal import Journal
from miniscope_nwb.pipeline.memory import share_one_heap
from miniscope_nwb.pipeline.options import ProcessOptions, ProcessResult, Watch
from miniscope_nwb.pipeline.record import make_record
from miniscope_nwb.pipeline.refuse import check_job
from miniscope_nwb.pipeline.resources import one_thread_each
from miniscope_nwb.pipeline.room import Room
from miniscope_nwb.pipeline.scratch import locked, make_scratch
from miniscope_nwb.pipeline.stages import run_stages
from miniscope_nwb.pipeline.steps import Steps
from miniscope_nwb.pipeline.write import write
from miniscope_nwb.prepare.movie import PreparedMovie
from miniscope_nwb.results import ExtractionResult, Quality


def process(path: Path, options: ProcessOptions, *, watch: Watch | None = None) -> ProcessResult:
    """Find the cells of a recording and write them into its NWB file.

    Parameters
    ----------
    path
        An NWB file with a `OnePhotonSeries`; replaced atomically at the end.
    options
        What to do, and what it may take.
    watch
        Who is told of the progress.

    Returns
    -------
    ProcessResult
        What was done; nothing where the file holds this very run already.

    Raises
    ------
    MiniscopeError
        One sentence that says what is wrong and what to do. The file is whole, and finished stages
        are kept.
    """
    share_one_heap()
    with locked(path), one_thread_each():
        return run_job(open_job(path, options), watch or Watch())


def run_job(job: Job, watch: Watch) -> ProcessResult:
    """Do what is left of a job; the caller holds the lock of its file."""
    watch.say(f"engine {job.choice.engine.name}: {job.choice.reason}")
    if job.decision.is_done:
        return nothing_to_do(job, watch)
    task, room = check_job(job)
    if job.is_first_run:
        watch.say(first_run.in_words())
    journal = Journal(job.scratch)
    journal.tidy()
    is_new = not job.scratch.parent.exists()
    make_scratch(job.scratch)
    steps = Steps(
        job.path.name,
        journal,
        job.keys,
        n_threads=task.n_threads,
        max_memory_bytes=job.stage_memory_bytes,
        seed=job.options.seed,
        watch=watch,
    )
    for warning in job.warnings:
        steps.say(warning)
    with journal.left_tidy():
        result = _run(job, steps, room)
    if not job.options.keep_scratch:
        shutil.rmtree(job.scratch, ignore_errors=True)
        if is_new:
            with contextlib.suppress(OSError):  # others may have begun to use the chosen folder
                job.scratch.parent.rmdir()
    return result


def _run(job: Job, steps: Steps, room: Room) -> ProcessResult:
    from miniscope_nwb.nwb.stored_movie import StoredMovie

    started, clock = datetime.now(UTC), time.perf_counter()
    threading.Thread(target=_import_writer, daemon=True).start()
    with StoredMovie(
        job.path,
        job.series,
        clock=job.recording.clock,
        keep_in=steps.work_folder,
        keep_bytes=room.kept,
        keep_in_memory_bytes=room.kept_in_memory,
    ) as movie:
        records = run_stages(job, movie, steps)
        record = make_record(job, records, steps, started=started, clock=clock)
        _warn_of_nothing(records.extraction, steps)
        _warn_of_another_movie(job, records.quality, steps)
        recorded = PreparedMovie(movie, records.prepared, recorded=True)
        corrected = CorrectedMovie(recorded, records.motion)
        written = write(job, record, corrected, n_threads=steps.n_threads, watch=steps.watch)
    accepted = records.quality.decisions.accepted
    return ProcessResult(
        path=job.path,
        run=record.name,
        engine=record.engine,
        engine_reason=record.engine_reason,
        was_done=False,
        n_components=len(accepted),
        n_accepted=int(accepted.sum()),
        corrected=job.options.corrected,
        seconds=time.perf_counter() - clock,
        timings=(*steps.timings, written),
        reused=tuple(steps.reused),
        warnings=tuple(steps.said),
    )


def _import_writer() -> None:
    """Import what writes the file while the stages compute: pynwb alone takes two seconds."""
    with contextlib.suppress(Exception):  # the one who needs it will be told
        importlib.import_module("miniscope_nwb.nwb.processed.write")


def _warn_of_nothing(extraction: ExtractionResult, steps: Steps) -> None:
    if extraction.n_cells == 0:
        why = extraction.emptied_by or "no pixel passed the thresholds of a seed"
        steps.say(f"Warning: no component was found ({why}); the segmentation is empty.")


def _warn_of_another_movie(job: Job, quality: Quality, steps: Steps) -> None:
    """Results and masks from elsewhere may be those of another recording of the same size."""
    found = misfit(quality) if job.source_hash else ""
    if found:
        steps.say(
            f"Warning: {found}, which does not show them when they are active: make sure that "
            f"these {job.choice.reason} belong to {job.path.name}."
        )
    found = unfound(quality, job.masks.footprints.shape[1]) if job.masks is not None else ""
    if found:
        steps.say(
            f"Warning: {found} in this movie: make sure that {job.options.masks} is of the same "
            f"field of the same animal as {job.path.name}."
        )
