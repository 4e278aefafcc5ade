"""The stages that compute, in their order; what one makes, the next receives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.correct.quality import motion_quality
from miniscope_nwb.engines.base import Engine, ExtractInput, MotionInput, Resources, Scale
from miniscope_nwb.engines.nothing import nothing_extracted
from miniscope_nwb.images.stage import summary_images
from miniscope_nwb.metrics.stage import judge
from miniscope_nwb.movie import Movie
from miniscope_nwb.params.models import Parameters
from miniscope_nwb.pipeline.job import Job
from miniscope_nwb.pipeline.steps import Steps
from miniscope_nwb.prepare.movie import LightChange, PreparedMovie
from miniscope_nwb.prepare.stage import prepare
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import (
    ExtractionResult,
    MotionQuality,
    MotionResult,
    Prepared,
    Quality,
    Sparse,
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


@dataclass(frozen=True, slots=True)
class _Corrected:
    """What every stage after the motion works on."""

    params: Parameters
    engine: Engine
    scale: Scale  # of the prepared movie
    prepared: Prepared
    motion: MotionResult
    movie: CorrectedMovie
    is_left_out: BoolArray  # (n_frames,)


def run_stages(job: Job, movie: Movie, steps: Steps) -> Records:
    """Do every stage that computes; one that is in the journal is read from there."""
    params, engine = job.given.values, job.choice.engine

    prepared = steps.run("prepare", partial(prepare, movie, params.preprocess, job.scale))
    clean, scale = PreparedMovie(movie, prepared), prepared_scale(job.scale, prepared)

    wanted = MotionInput(clean, params.motion, prepared, scale, params.caiman)
    motion = steps.run("motion", partial(engine.motion, wanted))
    bound = params.motion.outlier_deviation
    score = steps.run("motion quality", partial(_motion_quality, clean, motion, prepared, bound))

    corrected = _Corrected(
        params, engine, scale, prepared, motion, CorrectedMovie(clean, motion), score.is_outlier
    )
    recorded = _as_recorded(movie, corrected)
    seeds = job.masks.on_field(prepared) if job.masks else None
    images = steps.run("images", partial(_images, corrected))
    extraction = steps.run("extract", partial(_extraction, corrected, images, seeds))
    traces = steps.run("traces", partial(_traces, corrected, recorded, extraction))
    quality = steps.run("quality", partial(_quality, corrected, images, extraction, traces))
    return Records(prepared, motion, score, images, extraction, traces, quality)


def prepared_scale(raw: Scale, prepared: Prepared) -> Scale:
    """Return the scale of the prepared movie, whose pixels may be binned."""
    return replace(raw, pixel_size_um=raw.pixel_size_um * prepared.spatial_factor)


def _as_recorded(movie: Movie, on: _Corrected) -> CorrectedMovie:
    """Return the corrected movie in recorded intensities; the same one where nothing changed."""
    if LightChange.of(on.prepared, movie.clock) is None:
        return on.movie
    return CorrectedMovie(PreparedMovie(movie, on.prepared, recorded=True), on.motion)


def _motion_quality(
    movie: Movie,
    motion: MotionResult,
    prepared: Prepared,
    outlier_deviation: float,
    resources: Resources,
) -> MotionQuality:
    return motion_quality(
        movie,
        motion,
        prepared,
        resources,
        cell_diameter_px=prepared.cell_diameter_px,
        outlier_deviation=outlier_deviation,
    )


def _images(on: _Corrected, resources: Resources) -> SummaryImages:
    return summary_images(
        on.movie,
        motion=on.motion,
        prepared=on.prepared,
        is_left_out=on.is_left_out,
        params=on.params.images,
        scale=on.scale,
        resources=resources,
    )


def _extraction(
    on: _Corrected, images: SummaryImages, seeds: Sparse | None, resources: Resources
) -> ExtractionResult:
    wanted = ExtractInput(
        movie=on.movie,
        params=on.params.extract,
        prepared=on.prepared,
        motion=on.motion,
        images=images,
        is_left_out=on.is_left_out,
        scale=on.scale,
        seeds=seeds,
        quality=on.params.quality,
        extra=on.params.caiman,
    )
    if on.is_left_out.all():
        return nothing_extracted(wanted, versions=on.engine.versions())
    return on.engine.extract(wanted, resources)


def _traces(
    on: _Corrected, recorded: Movie, extraction: ExtractionResult, resources: Resources
) -> Traces:
    return make_traces(
        on.movie,
        recorded,
        extraction=extraction,
        is_left_out=on.is_left_out,
        params=on.params.traces,
        resources=resources,
    )


def _quality(
    on: _Corrected,
    images: SummaryImages,
    extraction: ExtractionResult,
    traces: Traces,
    resources: Resources,
) -> Quality:
    return judge(
        on.movie,
        extraction=extraction,
        traces=traces,
        images=images,
        motion=on.motion,
        is_left_out=on.is_left_out,
        params=on.params.quality,
        scale=on.scale,
        resources=resources,
    )
