"""From a converted file to cells in the same file.

    prepare -> motion -> motion quality -> images -> extract -> traces -> quality -> write

Each arrow is a record that is kept in the scratch folder as soon as its stage has finished, so a
run that was killed goes on where it stood; the NWB file is replaced, whole, at the end.
"""

from __future__ import annotations

import platform
import shutil
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.correct.quality import motion_quality
from miniscope_nwb.engines.base import ExtractInput, MotionInput, Scale
from miniscope_nwb.images.stage import summary_images
from miniscope_nwb.metrics.stage import judge
from miniscope_nwb.movie import Movie
from miniscope_nwb.params.identity import as_table
from miniscope_nwb.pipeline.job import Job, open_job
from miniscope_nwb.pipeline.journal import Journal
from miniscope_nwb.pipeline.options import ProcessOptions, ProcessResult, Watch
from miniscope_nwb.pipeline.plan import check_resources, kept_bytes
from miniscope_nwb.pipeline.resources import one_thread_each
from miniscope_nwb.pipeline.scratch import check_writable, locked, make_scratch
from miniscope_nwb.pipeline.steps import Steps
from miniscope_nwb.pipeline.write import write
from miniscope_nwb.prepare.movie import LightChange, PreparedMovie
from miniscope_nwb.prepare.stage import prepare
from miniscope_nwb.results import (
    ExtractionResult,
    MotionQuality,
    MotionResult,
    Prepared,
    Quality,
    RunRecord,
    SummaryImages,
    Traces,
)
from miniscope_nwb.traces.stage import make_traces


@dataclass(frozen=True, slots=True)
class Records:
    """What the stages gave, in their order."""

    prepared: Prepared
    motion: MotionResult
    motion_quality: MotionQuality
    images: SummaryImages
    extraction: ExtractionResult
    traces: Traces
    quality: Quality


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
    with locked(path), one_thread_each():
        return run_job(open_job(path, options), watch or Watch())


def run_job(job: Job, watch: Watch) -> ProcessResult:
    """Do what is left of a job; the caller holds the lock of its file."""
    watch.say(f"engine {job.choice.engine.name}: {job.choice.reason}")
    if job.decision.is_done:
        return _nothing_to_do(job)
    check_writable(job.path)
    task = check_resources(job)
    journal = Journal(job.scratch)
    journal.tidy()
    make_scratch(job.scratch)
    steps = Steps(
        job.path.name,
        journal,
        job.keys,
        n_threads=task.n_threads,
        max_memory_bytes=job.memory_bytes,
        seed=job.options.seed,
        watch=watch,
    )
    if job.unused:
        steps.say(f"Warning: {job.unused} has no effect: the engine is {job.choice.engine.name}.")
    with journal.left_tidy():
        result = _run(job, steps, keep_bytes=kept_bytes(job, task))
    if not job.options.keep_scratch:
        shutil.rmtree(job.scratch, ignore_errors=True)
    return result


def _run(job: Job, steps: Steps, *, keep_bytes: int) -> ProcessResult:
    from miniscope_nwb.nwb.stored_movie import StoredMovie

    started, clock = datetime.now(UTC), time.perf_counter()
    movie_clock = job.recording.clock
    with StoredMovie(job.path, job.series, clock=movie_clock, keep_bytes=keep_bytes) as movie:
        records = run_stages(job, movie, steps)
        record = make_record(job, records, steps, started=started, clock=clock)
        _warn_of_nothing(records.extraction, steps)
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
        seconds=time.perf_counter() - clock,
        timings=(*steps.timings, written),
        reused=tuple(steps.reused),
        warnings=tuple(steps.said),
    )


def run_stages(job: Job, movie: Movie, steps: Steps) -> Records:
    """Do every stage that computes; what one makes, the next receives."""
    params, engine, extra = job.given.values, job.choice.engine, job.given.values.caiman

    prepared = steps.run(
        "prepare", lambda resources: prepare(movie, params.preprocess, job.scale, resources)
    )
    clean = PreparedMovie(movie, prepared)
    recorded = PreparedMovie(movie, prepared, recorded=True)
    scale = prepared_scale(job.scale, prepared)

    motion = steps.run(
        "motion",
        lambda resources: engine.motion(
            MotionInput(clean, params.motion, prepared, scale, extra), resources
        ),
    )
    corrected = CorrectedMovie(clean, motion)
    is_as_recorded = LightChange.of(prepared, movie.clock) is None

    motion_score = steps.run(
        "motion quality",
        lambda resources: motion_quality(
            clean, motion, prepared, resources, cell_diameter_px=prepared.cell_diameter_px
        ),
    )
    left_out = motion_score.is_outlier

    images = steps.run(
        "images",
        lambda resources: summary_images(
            corrected,
            motion=motion,
            prepared=prepared,
            is_left_out=left_out,
            params=params.images,
            scale=scale,
            resources=resources,
        ),
    )
    seeds = job.masks.on_field(prepared) if job.masks else None

    extraction = steps.run(
        "extract",
        lambda resources: engine.extract(
            ExtractInput(
                movie=corrected,
                params=params.extract,
                prepared=prepared,
                motion=motion,
                images=images,
                is_left_out=left_out,
                scale=scale,
                seeds=seeds,
                quality=params.quality,
                extra=extra,
            ),
            resources,
        ),
    )

    traces = steps.run(
        "traces",
        lambda resources: make_traces(
            corrected,
            corrected if is_as_recorded else CorrectedMovie(recorded, motion),
            extraction=extraction,
            is_left_out=left_out,
            params=params.traces,
            resources=resources,
        ),
    )

    quality = steps.run(
        "quality",
        lambda resources: judge(
            corrected,
            extraction=extraction,
            traces=traces,
            images=images,
            motion=motion,
            is_left_out=left_out,
            params=params.quality,
            scale=scale,
            resources=resources,
        ),
    )
    return Records(prepared, motion, motion_score, images, extraction, traces, quality)


def prepared_scale(raw: Scale, prepared: Prepared) -> Scale:
    """Return the scale of the prepared movie, whose pixels may be binned."""
    return replace(raw, pixel_size_um=raw.pixel_size_um * prepared.spatial_factor)


def make_record(
    job: Job, records: Records, steps: Steps, *, started: datetime, clock: float
) -> RunRecord:
    """Put all that the file tells of a run together."""
    from miniscope_nwb import __version__

    derived = (
        *job.derived,
        *records.prepared.derived,
        *records.motion.derived,
        *records.images.derived,
        *records.extraction.derived,
    )
    engine = job.choice.engine
    versions = {
        "miniscope-nwb": __version__,
        "python": platform.python_version(),
        **{name: text for name, text in job.versions.items() if name != "engine"},
        **records.extraction.versions,
    }
    return RunRecord(
        name=job.decision.name,
        engine=engine.name,
        engine_version=job.identity.engine_version,
        engine_reason=job.choice.reason,
        versions=versions,
        parameter_hash=job.identity.parameter_hash,
        motion_hash=job.keys["motion"],
        input_hash=job.input_hash,
        series=job.series,
        started=started,
        ended=datetime.now(UTC),
        seconds=time.perf_counter() - clock,
        host=platform.node(),
        parameters=as_table(job.given, derived) + job.run_parameters,
        timings=tuple(steps.timings),
        prepared=records.prepared,
        motion=records.motion,
        motion_quality=records.motion_quality,
        images=records.images,
        extraction=records.extraction,
        traces=records.traces,
        quality=records.quality,
    )


def _warn_of_nothing(extraction: ExtractionResult, steps: Steps) -> None:
    if extraction.n_cells == 0:
        why = extraction.emptied_by or "no pixel passed the thresholds of a seed"
        steps.say(f"Warning: no component was found ({why}); the segmentation is empty.")


def _nothing_to_do(job: Job) -> ProcessResult:
    name = job.decision.name
    found = next(run for run in job.runs if run.name == name)
    return ProcessResult(
        path=job.path,
        run=name,
        engine=job.choice.engine.name,
        engine_reason=job.choice.reason,
        was_done=True,
        n_components=int(found.n_components),
        n_accepted=int(found.n_accepted),
    )
