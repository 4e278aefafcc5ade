"""The record of an extraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    from scipy.sparse import csc_array

    height, width = state.shape
    nothing = np.zeros((0, state.job.movie.n_frames), np.float32)
    return ExtractionResult(
        height=height,
        width=width,
        footprints=csc_array((height * width, 0), dtype=np.float32),
        denoised=nothing,
        deconvolved=nothing,
        raw=nothing,
        baseline=np.zeros(0, np.float32),
        noise=np.zeros(0, np.float32),
        kernel=np.zeros((0, state.plan.ar_order), np.float32),
        background=None,
        pixel_noise=state.pixel_noise,
        n_seeds=state.n_seeds,
        emptied_by=state.emptied_by or "no footprint was left by the updates",
        derived=tuple(state.derived),
    )
