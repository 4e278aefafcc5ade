"""CaImAn with a SciPy that is newer than it knows."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from miniscope_nwb.engines.caiman.worker.scipy_changes import flatten_toeplitz


def of_rows(c, r=None):
    """Make a matrix of each row, as SciPy does since 1.17."""
    c, r = np.atleast_2d(c), np.atleast_2d(c if r is None else r)
    index = np.arange(c.shape[-1])[:, None] - np.arange(r.shape[-1])
    values = np.where(index >= 0, c[:, index.clip(0)], r[:, (-index).clip(0)])
    return values if len(values) > 1 else values[0]


def of_vectors(c, r=None):
    """Flatten what is given, as SciPy did before."""
    return of_rows(np.ravel(c), None if r is None else np.ravel(r))


@pytest.mark.parametrize("toeplitz", [scipy.linalg.toeplitz, of_rows, of_vectors])
def test_columns_are_vectors(monkeypatch, toeplitz):
    monkeypatch.setattr(scipy.linalg, "toeplitz", toeplitz)
    flatten_toeplitz()
    column, row = np.array([3.0, 2.0, 1.0]), np.array([3.0, 5.0])
    expected = [[3.0, 5.0], [2.0, 3.0], [1.0, 2.0]]
    assert np.array_equal(scipy.linalg.toeplitz(column[:, None], row[:, None]), expected)
    assert np.array_equal(scipy.linalg.toeplitz(column, row), expected)
    assert np.array_equal(scipy.linalg.toeplitz(column), toeplitz(column))


def test_a_scipy_that_flattens_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(scipy.linalg, "toeplitz", of_vectors)
    flatten_toeplitz()
    assert scipy.linalg.toeplitz is of_vectors
