"""Quality: every component is measured, judged by rules, and named."""

from __future__ import annotations

import numpy as np

from miniscope_nwb.engines.base import Resources, Scale
from miniscope_nwb.metrics import signal
from miniscope_nwb.metrics.accept import (
    decide,
    engine_decisions,
    soft_diameter_um,
    with_relative_area,
)
from miniscope_nwb.metrics.cutout import cut_out
from miniscope_nwb.metrics.event_images import Pictured, make_event_images
from miniscope_nwb.metrics.events import find_events
from miniscope_nwb.metrics.measure import measure
from miniscope_nwb.metrics.neighbours import find_neighbours
from miniscope_nwb.metrics.shape import centroid
from miniscope_nwb.movie import FrameClock, Movie
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import (
    ExtractionResult,
    MotionResult,
    Quality,
    SummaryImages,
    Traces,
)

NEAR = 1.5  # cell diameters between centres: components nearby
_WIDE_UM = 18.0  # one and a half somata
_BLURRED = (
    "All components have soft edges and are wide ({:.0f} um): either optics and tissue blur the "
    "cells, or nothing was in focus. Look at them; quality.soft_diameter_um=18 rejects what is "
    "wider in such a run."
)


def judge(
    movie: Movie,
    *,
    extraction: ExtractionResult,
    traces: Traces,
    images: SummaryImages,
    motion: MotionResult,
    is_left_out: BoolArray,
    params: QualityParams,
    scale: Scale,
    resources: Resources,
) -> Quality:
    """Measure every component, decide which are cells and say why.

    Parameters
    ----------
    movie
        Corrected, read twice: for the traces at places without a cell, and for event images.
    extraction, traces, images, motion
        What earlier stages found.
    is_left_out
        (n_frames,) frames that take no part.

    Returns
    -------
    quality
        One entry a component throughout; all of length 0 where nothing was extracted.
    """
    events = find_events(traces.noise_normalized, movie.clock, params)
    pictured = _pictured(extraction, traces=traces, images=images, clock=movie.clock, params=params)
    event_images, whole = make_event_images(
        movie,
        traces=traces,
        pictured=pictured,
        is_left_out=is_left_out,
        params=params,
        resources=resources,
    )
    measures = measure(
        pictured,
        events=events,
        event_images=event_images,
        whole=whole,
        extraction=extraction,
        traces=traces,
        motion=motion,
        clock=movie.clock,
        params=params,
        n_samples=signal.decay_samples(extraction.kernel),
    )
    measures, size = with_relative_area(measures, prior_px=images.cell_diameter_px)
    decisions = decide(measures, pictured.neighbours, size=size, params=params, scale=scale)
    wide_um = soft_diameter_um(measures, size=size, params=params, scale=scale)
    if wide_um > _WIDE_UM and decisions.accepted.any():
        resources.say(_BLURRED.format(wide_um))
    return Quality(
        metrics=measures.columns(),
        decisions=decisions,
        engine_decisions=engine_decisions(extraction),
        events=events,
        event_images=event_images,
    )


def _pictured(
    extraction: ExtractionResult,
    *,
    traces: Traces,
    images: SummaryImages,
    clock: FrameClock,
    params: QualityParams,
) -> Pictured:
    """Return the components as the event images need them."""
    cutouts = [
        cut_out(extraction.footprints, cell, width=extraction.width)
        for cell in range(extraction.n_cells)
    ]
    centers = np.array([centroid(item) for item in cutouts], float).reshape(-1, 2)
    neighbours = find_neighbours(
        extraction.footprints,
        centers,
        traces.noise_normalized,
        reach_px=NEAR * images.cell_diameter_px,
    )
    return Pictured(
        cutouts=cutouts,
        centers=centers,
        neighbours=neighbours,
        events=find_events(traces.noise_normalized, clock, params, from_rest=True),
        noise=extraction.noise,
        diameter_px=images.cell_diameter_px,
        mean=images.mean,
        region=images.region,
    )
