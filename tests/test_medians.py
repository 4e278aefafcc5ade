"""Medians of many rows against numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.medians import row_medians


@pytest.mark.parametrize("n_samples", [0, 1, 2, 7, 8, 401])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_medians_are_those_of_numpy_row_by_row(n_samples, dtype):
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(6, n_samples)).astype(dtype)
    rows[rng.random(rows.shape) < 0.3] = np.nan
    rows[0], rows[1] = np.nan, np.arange(n_samples)
    expected = [np.nanmedian(row) if np.isfinite(row).any() else np.nan for row in rows]
    found = row_medians(rows)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.array(expected, dtype))
