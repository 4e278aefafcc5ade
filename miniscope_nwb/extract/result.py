"""The record of an extraction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from miniscope_nwb.movie import Movie
from miniscope_nwb.results import ExtractionResult, RingBackground

if TYPE_CHECKING:
    from miniscope_nwb.extract.state import Extraction


def make_result(state: Extraction) -> ExtractionResult:
    """Return the record of what was found."""
    assert state.ring is not None
    assert state.seen is not None
    assert state.maps is not None
    height, width = state.shape
    assert state.kernels is not None
    maps, n = state.maps, len(state.footprints)
    footprints = state.footprints.sparse(height, width)
    means = np.array([float(np.mean(row)) for row in maps.denoised])
    b0 = state.seen.mean - (footprints @ means.astype(np.float32)).reshape(height, width)
    for k in range(n):  # the movie had no mean: traces count from b0
        maps.raw[k] += np.float32(means[k])
    return ExtractionResult(
        height=height,
        width=width,
        footprints=footprints,
        denoised=maps.denoised,
        deconvolved=maps.deconvolved,
        raw=maps.raw,
        baseline=(maps.fits.baseline + means).astype(np.float32),
        noise=maps.noise.astype(np.float32),
        kernel=np.asarray(state.kernels, np.float32),
        background=RingBackground(
            state.ring.weights,
            b0.astype(np.float32),
            state.ring.factor,
            state.ring.radius_px,
            state.ring.images if len(state.ring.images) else None,
        ),
        pixel_noise=state.pixel_noise,
        n_seeds=state.n_seeds,
        derived=tuple(state.derived),
    )


def make_empty_result(state: Extraction) -> ExtractionResult:
    """Return the record that nothing was found."""
    nothing = no_components(
        state.job.movie,
        ar_order=state.plan.ar_order,
        emptied_by=state.emptied_by or _no_footprint_left(state.n_seeds),
    )
    return replace(
        nothing,
        pixel_noise=state.pixel_noise,
        n_seeds=state.n_seeds,
        derived=tuple(state.derived),
    )


def _no_footprint_left(n_seeds: int) -> str:
    return (
        f"none of the {n_seeds} seeds above min_corr and min_pnr kept a footprint in the updates: "
        "no pixels go with their traces"
    )


def no_components(movie: Movie, *, ar_order: int, emptied_by: str) -> ExtractionResult:
    """Return the record of an extraction without components, and what emptied it."""
    from scipy.sparse import csc_array

    traces = np.zeros((0, movie.n_frames), np.float32)
    return ExtractionResult(
        height=movie.height,
        width=movie.width,
        footprints=csc_array((movie.height * movie.width, 0), dtype=np.float32),
        denoised=traces,
        deconvolved=traces,
        raw=traces,
        baseline=np.zeros(0, np.float32),
        noise=np.zeros(0, np.float32),
        kernel=np.zeros((0, ar_order), np.float32),
        background=None,
        pixel_noise=None,
        emptied_by=emptied_by,
    )
