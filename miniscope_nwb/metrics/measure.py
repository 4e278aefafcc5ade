"""All metrics of all components: what the single functions say, put side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from miniscope_nwb.metrics import context, shape, signal
from miniscope_nwb.metrics.event_images import Pictured
from miniscope_nwb.metrics.events import false_positive_rate
from miniscope_nwb.metrics.measures import Measures
from miniscope_nwb.metrics.neighbours import largest
from miniscope_nwb.metrics.pictures import match, near_pixels, place_mask, width_of
from miniscope_nwb.movie import FrameClock
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import (
    EventImages,
    Events,
    ExtractionResult,
    Float32,
    MotionResult,
    Traces,
)

_OWN = 0.1  # of a footprint's maximum: its pixels


def measure(
    pictured: Pictured,
    *,
    events: Events,
    event_images: EventImages,
    whole: Float32,
    extraction: ExtractionResult,
    traces: Traces,
    motion: MotionResult,
    clock: FrameClock,
    params: QualityParams,
    n_samples: int,
) -> Measures:
    """Compute every metric; `whole` (n_cells, side, side) are the pictures of all events.

    `events` are counted; those that begin from rest, of `pictured`, show how a transient goes.
    """
    n = len(pictured.cutouts)
    shapes = _shapes(pictured, height=extraction.height, width=extraction.width)
    of_traces = _of_traces(pictured, events, traces, motion, clock, n_samples)
    n_measured = np.array([np.isfinite(row).sum() for row in traces.noise_normalized], np.int64)
    n_events = np.bincount(events.cell, minlength=n).astype(np.int64)
    pairs = pictured.neighbours
    missing = np.full(n, np.nan)
    return Measures(
        **shapes,
        **of_traces,
        **_of_pictures(pictured, event_images, whole),
        event_correlation=event_images.correlation.astype(np.float64),
        null_correlation=event_images.null_correlation.astype(np.float64),
        cnn=np.asarray(extraction.scores.get("cnn", missing), np.float64),
        relative_area=missing,
        noise=np.asarray(extraction.noise, np.float64),
        n_events=n_events,
        event_rate=_rates(n_events, n_measured, clock.rate_hz),
        false_positive_rate=false_positive_rate(traces.noise_normalized, clock, params),
        overlap=largest(pairs, pairs.cosine, n_cells=n),
        neighbour_correlation=largest(pairs, pairs.correlation, n_cells=n),
    )


def _shapes(pictured: Pictured, *, height: int, width: int) -> dict[str, Any]:
    masks = [item.mask for item in pictured.cutouts]
    both = np.array([shape.axes(mask) for mask in masks], float).reshape(-1, 2)
    return {
        "npix": np.array([shape.npix(mask) for mask in masks], np.int64),
        "area": np.array([shape.area_above(mask, shape.HALF) for mask in masks], float),
        "equivalent_diameter": np.array([shape.equivalent_diameter(m) for m in masks], float),
        "edge_width": np.array([shape.edge_width(mask) for mask in masks], float),
        "solidity": np.array([shape.solidity(mask) for mask in masks], float),
        "eccentricity": np.array([shape.eccentricity(mask) for mask in masks], float),
        "long_axis": both[:, 0],
        "short_axis": both[:, 1],
        "n_parts": np.array([shape.n_parts(mask) for mask in masks], np.int64),
        "center_x": pictured.centers[:, 0],
        "center_y": pictured.centers[:, 1],
        "edge_distance": np.array(
            [shape.edge_distance(c, height=height, width=width) for c in pictured.cutouts], float
        ),
    }


def _of_traces(
    pictured: Pictured,
    events: Events,
    traces: Traces,
    motion: MotionResult,
    clock: FrameClock,
    n_samples: int,
) -> dict[str, Any]:
    rows = []
    for cell, trace in enumerate(traces.noise_normalized):
        peaks = events.peak[events.cell == cell]
        lone = pictured.events.peak[pictured.events.cell == cell]
        transient, peak = signal.mean_transient(trace, lone, clock)
        moving = context.motion_signals(motion, tuple(pictured.centers[cell].tolist()))
        rows.append(
            (
                signal.event_exceptionality(trace, clock, n_samples=n_samples),
                signal.robust_snr(trace, peaks),
                signal.skewness(trace),
                signal.rise_time(transient, peak, rate_hz=clock.rate_hz),
                signal.decay_time(transient, peak, rate_hz=clock.rate_hz),
                context.background_correlation(trace, traces.neuropil[cell]),
                context.motion_correlation(trace, moving),
                signal.drift(trace),
            )
        )
    names = ("snr", "robust_snr", "skewness", "rise_time", "decay_time")
    more = ("background_correlation", "motion_correlation", "drift")
    table = np.array(rows, float).reshape(-1, len(names) + len(more))
    return dict(zip((*names, *more), table.T, strict=True))


def _of_pictures(pictured: Pictured, event_images: EventImages, whole: Float32) -> dict[str, Any]:
    """Judge the pictures of all events: r-value, and the size of what they show."""
    n = len(pictured.cutouts)
    r_value, diameter = np.full(n, np.nan), np.full(n, np.nan)
    for cell, picture in enumerate(whole):
        x, y = int(event_images.x_start[cell]), int(event_images.y_start[cell])
        side = picture.shape[0]
        mask = place_mask(pictured.cutouts[cell], left=x, top=y, side=side)
        r_value[cell] = match(picture, mask, mask > 0)
        others = np.zeros(mask.shape, bool)
        for pair in pictured.neighbours.of(cell).tolist():
            cutout = pictured.cutouts[pictured.neighbours.other[pair]]
            others |= place_mask(cutout, left=x, top=y, side=side) > _OWN
        pixels = near_pixels(mask, pictured.diameter_px * 1.5) & ~(others & (mask <= _OWN))
        diameter[cell] = width_of(picture, mask, pixels)
    return {"r_value": r_value, "event_diameter": diameter}


def _rates(counts: IntArray, n_frames: IntArray, rate_hz: float) -> FloatArray:
    return np.array(
        [
            signal.rate_per_minute(int(c), n_frames=int(n), rate_hz=rate_hz)
            for c, n in zip(counts, n_frames, strict=True)
        ],
        float,
    )
