"""The size of this run's cells in focus, in populations of which it is known."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.metrics.cell_size import cell_size


def spread(center: float, n: int, seed: int) -> np.ndarray:
    return center * np.random.default_rng(seed).lognormal(0, 0.07, n)


def test_cells_of_one_kind_have_their_own_size():
    diameters = spread(9.0, 60, 0)
    found = cell_size(diameters, np.full(len(diameters), 0.4), weights=np.ones(60), prior_px=14.0)
    assert found.diameter_px == pytest.approx(9.0, rel=0.04)
    assert found.area_px2 == pytest.approx(np.pi * found.diameter_px**2 / 4)
    assert found.n_components == 60
    assert found.is_own


def test_cells_in_focus_are_the_smaller_kind_even_in_the_minority():
    diameters = np.concatenate([spread(7.0, 20, 1), spread(13.0, 40, 2)])
    found = cell_size(diameters, np.full(len(diameters), 0.4), weights=np.ones(60), prior_px=10.0)
    assert found.diameter_px == pytest.approx(7.0, rel=0.06)


def test_a_few_fragments_are_no_kind_of_their_own():
    diameters = np.concatenate([spread(3.0, 3, 3), spread(8.0, 40, 4)])
    found = cell_size(diameters, np.full(len(diameters), 0.4), weights=np.ones(43), prior_px=8.0)
    assert found.diameter_px == pytest.approx(8.0, rel=0.05)


def test_three_components_lean_on_the_summary_images():
    found = cell_size(
        np.array([7.2, 12.5, 13.0]), np.full(3, 0.4), weights=np.ones(3), prior_px=7.5
    )
    assert found.diameter_px == pytest.approx(7.4, rel=0.05)


def test_components_without_evidence_do_not_count():
    diameters = np.array([4.0, np.nan, 0.0, 9.0])
    found = cell_size(
        diameters, np.full(len(diameters), 0.4), weights=np.array([0.0, 1, 1, 1]), prior_px=9.0
    )
    assert found.n_components == 1
    assert found.diameter_px == pytest.approx(9.0, rel=0.01)
    nothing = cell_size(np.empty(0), np.empty(0), weights=np.empty(0), prior_px=6.5)
    assert (nothing.diameter_px, nothing.is_own) == (6.5, False)


def test_the_edge_is_that_of_components_of_the_size_of_cells():
    diameters = np.concatenate([spread(7.0, 20, 1), spread(13.0, 40, 2)])
    edges = np.where(diameters < 9, 0.5, 0.8)
    found = cell_size(diameters, edges, weights=np.ones(60), prior_px=10.0)
    assert found.edge_width == pytest.approx(0.5)
    # One component alone does not say how sharp cells are here: a sphere's edge is assumed.
    alone = cell_size(np.array([7.0]), np.array([0.8]), weights=np.ones(1), prior_px=7.0)
    assert alone.edge_width == pytest.approx(0.36)
