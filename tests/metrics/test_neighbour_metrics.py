"""Overlap, correlation with neighbours, background and motion, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_array

from miniscope_nwb.metrics import context
from miniscope_nwb.metrics.neighbours import find_neighbours, largest
from miniscope_nwb.results import MotionBlocks, MotionResult

HEIGHT, WIDTH = 12, 30


def footprints(*boxes: tuple[int, int]) -> csc_array:
    """Rows of four pixels in a line, from column x of row y on."""
    out = np.zeros((HEIGHT, WIDTH, len(boxes)), np.float32)
    for k, (x, y) in enumerate(boxes):
        out[y, x : x + 4, k] = 1
    return csc_array(out.reshape(HEIGHT * WIDTH, -1))


def test_neighbours_share_pixels_or_are_near():
    matrix = footprints((2, 3), (5, 3), (5, 6), (25, 9))
    centers = np.array([[3.5, 3], [6.5, 3], [6.5, 6], [26.5, 9]])
    rng = np.random.default_rng(0)
    common = rng.normal(size=500)
    traces = np.stack([common, common, rng.normal(size=500), rng.normal(size=500)])
    found = find_neighbours(matrix, centers, traces.astype(np.float32), reach_px=3.2)
    pairs = list(zip(found.cell.tolist(), found.other.tolist(), strict=True))
    assert pairs == [(0, 1), (1, 0), (1, 2), (2, 1)]
    assert found.cosine == pytest.approx([0.25, 0.25, 0, 0])  # one pixel of four
    assert found.share == pytest.approx([0.25, 0.25, 0, 0])
    assert found.correlation[:2] == pytest.approx([1, 1])
    assert abs(found.correlation[2]) < 0.2
    assert largest(found, found.cosine, n_cells=4) == pytest.approx([0.25, 0.25, 0, 0])
    assert found.of(1).tolist() == [1, 2]


def test_share_is_what_one_cell_sees_of_the_other():
    large = np.zeros((HEIGHT, WIDTH), np.float32)
    large[2:6, 2:6] = 1
    small = np.zeros((HEIGHT, WIDTH), np.float32)
    small[3, 3:5] = 1
    matrix = csc_array(np.stack([large.ravel(), small.ravel()], 1))
    found = find_neighbours(
        matrix, np.array([[3.5, 3.5], [3.5, 3.0]]), np.zeros((2, 20), np.float32), reach_px=1
    )
    assert found.share == pytest.approx([2 / 16, 1.0])
    assert np.isnan(found.correlation).all()  # constant traces


def test_no_component_has_no_neighbour():
    found = find_neighbours(
        footprints(), np.empty((0, 2)), np.empty((0, 20), np.float32), reach_px=5
    )
    assert len(found.cell) == 0
    assert largest(found, found.cosine, n_cells=0).shape == (0,)


def test_correlation_counts_common_frames_only():
    a = np.arange(30, dtype=np.float32)
    b = -2 * a + 5
    b[:7] = np.nan
    a[-3:] = np.nan
    assert context.correlation(a, b) == pytest.approx(-1)
    assert context.background_correlation(a, b) == pytest.approx(-1)
    b[:22] = np.nan  # five common frames are left
    assert np.isnan(context.correlation(a, b))


def moved(shifts: np.ndarray, blocks=None, block_shifts=None) -> MotionResult:
    image = np.zeros((HEIGHT, WIDTH), np.float32)
    seen = np.ones(len(shifts), bool)
    return MotionResult(image, shifts.astype(np.float32), blocks, block_shifts, seen, 0.0)


def test_motion_in_either_direction_or_any_is_seen():
    rng = np.random.default_rng(2)
    shifts = rng.normal(size=(400, 2))
    signals = context.motion_signals(moved(shifts), (5.0, 5.0))
    assert signals.shape == (3, 400)
    for trace in (-shifts[:, 0], shifts[:, 1], np.hypot(*(shifts - np.median(shifts, 0)).T)):
        assert context.motion_correlation(trace, signals) == pytest.approx(1, abs=1e-5)
    assert context.motion_correlation(rng.normal(size=400), signals) < 0.2
    assert context.motion_correlation(np.full(400, np.nan), signals) == 0


def test_piecewise_motion_is_that_of_the_nearest_block():
    rng = np.random.default_rng(3)
    blocks = MotionBlocks(
        1, 2, np.array([0, 15]), np.array([15, 30]), np.array([0, 0]), np.array([12, 12])
    )
    each = rng.normal(size=(400, 2, 2)).astype(np.float32)
    motion = moved(each.mean(axis=1), blocks, each)
    right = context.motion_signals(motion, (24.0, 3.0))
    assert right[0] == pytest.approx(each[:, 1, 0])
    assert context.motion_correlation(each[:, 1, 1], right) == pytest.approx(1)
    assert context.motion_correlation(each[:, 0, 1], right) < 0.2
