"""Sizes and thresholds of a run: what was given, and what is derived from the movie."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from miniscope_nwb.deconvolve import decay_kernel, indicator_decay_s
from miniscope_nwb.engines.base import ExtractInput
from miniscope_nwb.extract.frames import Frames
from miniscope_nwb.images.filtering import CenterSurround
from miniscope_nwb.recording import FloatArray
from miniscope_nwb.results import Derived

MIN_CORR, MIN_PNR = 0.6, 5.0  # never below, whatever the null movie says
SEED_DIAMETERS = 0.25  # between two seeds: cells also lie above each other
RING_DIAMETERS = 1.5  # radius of the ring: a smaller one eats the cells
AR1_UP_TO_HZ = 12.0  # faster movies resolve the rise


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the extraction needs to know beforehand; px are prepared px."""

    diameter_px: float
    ring_radius_px: float
    ring_factor: int
    min_distance_px: float
    decay_s: float
    ar_order: int
    kernel: FloatArray  # (1,) of the iterations
    max_cells: int
    derived: tuple[Derived, ...]


def make_plan(job: ExtractInput) -> Plan:
    """Fill in what was not given."""
    params, factor = job.params, job.prepared.spatial_factor
    derived: list[Derived] = []

    def told(parameter: str, value: float | int, basis: str) -> None:
        derived.append(Derived("extract", parameter, value, basis))

    diameter = job.images.cell_diameter_px
    radius = job.scale.px(params.ring_radius_um, params.ring_radius_px, factor=factor)
    if radius is None:
        radius = RING_DIAMETERS * diameter
        told("ring_radius_px", radius * factor, f"1.5 cell diameters of {diameter * factor:.1f} px")
    distance = job.scale.px(params.min_distance_um, None, factor=factor)
    if distance is None:
        distance = SEED_DIAMETERS * diameter
        basis = f"a quarter of a cell diameter of {diameter * factor:.1f} px"
        length_um = distance * job.scale.pixel_size_um
        if math.isfinite(length_um):
            told("min_distance_um", round(length_um, 3), basis)
        else:  # a parameter in um has no value then
            told("min_distance_px", round(distance * factor, 3), f"{basis}, of unknown size")
    decay = params.decay_time_s
    if decay is None:
        indicator = params.indicator or job.scale.indicator
        decay = indicator_decay_s(indicator)
        told("decay_time_s", decay, f"indicator {indicator or 'not known'}")
    rate = job.movie.clock.rate_hz
    order = params.ar_order
    if order is None:
        order = 1 if rate <= AR1_UP_TO_HZ else 2
        told("ar_order", order, f"{rate:.1f} frames a second")
    return Plan(
        diameter_px=diameter,
        ring_radius_px=radius,
        ring_factor=params.background_factor,
        min_distance_px=distance,
        decay_s=decay,
        ar_order=order,
        kernel=decay_kernel(decay, rate_hz=rate),
        max_cells=params.max_cells or np.iinfo(np.int32).max,
        derived=tuple(derived),
    )


def seed_thresholds(
    job: ExtractInput, frames: Frames, kernel: CenterSurround, *, seed: int, n_averaged: int = 1
) -> tuple[tuple[float, float], list[Derived]]:
    """Return min_corr and min_pnr; what was not given comes from a null movie.

    Peak-to-noise ratios are given and told as of single frames. Means of `n_averaged` frames have
    less noise, and their ratios are larger by its root.
    """
    from miniscope_nwb.extract.null import null_thresholds

    gain = (1.0, float(np.sqrt(n_averaged)))
    given = job.params.min_corr, job.params.min_pnr
    if given[0] is not None and given[1] is not None:
        return (given[0], given[1] * gain[1]), []
    n_false = job.params.n_false_seeds
    null = null_thresholds(frames, kernel, region=job.images.region, n_false=n_false, seed=seed)
    basis = f"null movie of {null.n_frames} frames, {n_false:g} false seeds a field; reached "
    names, least = ("min_corr", "min_pnr"), (MIN_CORR, MIN_PNR)
    reached = (null.min_corr, null.min_pnr / gain[1])
    values, derived = [], []
    for name, ours, found, lowest in zip(names, given, reached, least, strict=True):
        value = max(found, lowest) if ours is None else ours
        if ours is None:
            text = f"{basis}{found:.2f}, never below {lowest:g}"
            derived.append(Derived("extract", name, round(value, 3), text))
        values.append(value)
    return (values[0], values[1] * gain[1]), derived
