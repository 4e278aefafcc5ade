"""The pass over all frames, against the plain formulas."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.prepare.survey import BAND_PX, STEP_ROWS, band_starts, survey

BIN_PX = 8


def _plain(frames):
    """Brightness, structure, largest step of rows in each band and change of each band."""
    n, height, width = frames.shape
    bin_px = max(1, min(BIN_PX, width // 16))
    n_bins = width // bin_px
    bins = frames[:, :, : n_bins * bin_px].reshape(n, height, n_bins, bin_px).sum(axis=3)
    whole = height // BIN_PX
    coarse = bins[:, : whole * BIN_PX].reshape(n, whole, BIN_PX, n_bins).mean(axis=2) / bin_px
    brightness = frames.mean(axis=(1, 2))
    steps = np.stack(
        [
            np.abs(bins[:, r : r + STEP_ROWS].mean(1) - bins[:, r - STEP_ROWS : r].mean(1)).mean(1)
            for r in range(STEP_ROWS, height - STEP_ROWS + 1)
        ],
        axis=1,
    )
    largest, changes = [], []
    for start in band_starts(height):
        inside = steps[:, max(0, start - STEP_ROWS + 1) : start + BAND_PX - STEP_ROWS]
        largest.append(inside.max(axis=1) / (bin_px * brightness))
        rows = coarse[:, min(start // BIN_PX, whole - 1) : (start + BAND_PX) // BIN_PX]
        change = np.abs(np.diff(rows, axis=0)).mean(axis=(1, 2))
        darker = np.minimum(brightness[1:], brightness[:-1])
        changes.append(np.concatenate([[0], change / darker]))
    structure = coarse.reshape(n, -1).std(axis=1)
    return brightness, structure, np.stack(largest, 1), np.stack(changes, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(("height", "width"), [(75, 61), (120, 131)])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_survey_is_the_plain_formulas(dtype, height, width, n_threads):
    rng = np.random.default_rng(3)
    frames = rng.integers(20, 250, (530, height, width)).astype(dtype)  # more than a block
    found = survey(ArrayMovie(frames), Resources(None, n_threads=n_threads))
    brightness, structure, largest, changes = _plain(frames.astype(np.float64))
    np.testing.assert_allclose(found.brightness, brightness, rtol=1e-6)
    np.testing.assert_allclose(found.structure, structure, rtol=1e-4)
    np.testing.assert_allclose(found.row_steps, largest, rtol=1e-4)
    np.testing.assert_allclose(found.changes, changes, rtol=1e-4)
    assert (found.lowest, found.highest) == (frames.min(), frames.max())
