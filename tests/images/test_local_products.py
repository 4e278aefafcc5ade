"""The sums that the local correlation is made of, against plain formulas."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.images.correlation_kernels import add_products

NEIGHBOURS = ((0, 0), (0, 1), (1, -1), (1, 0), (1, 1))  # (down, right), as the sums have them


def plain_sums(frames, bounds, baseline, cut):
    """Sum values above the threshold, and their products, pixel by pixel of whole pictures."""
    _, height, width = frames.shape
    sums = np.zeros((6, height, width))
    for frame, (top, bottom, left, right) in zip(frames, bounds, strict=True):
        is_seen = np.zeros((height, width), bool)
        is_seen[top:bottom, left:right] = True
        values = np.where(is_seen & (frame > cut), (frame - baseline).astype(float), 0.0)
        framed = np.pad(values, 1)
        sums[0] += values
        for number, (down, right_by) in enumerate(NEIGHBOURS, 1):
            rows = slice(1 + down, 1 + down + height)
            sums[number] += values * framed[rows, 1 + right_by : 1 + right_by + width]
    return sums


@pytest.mark.parametrize("width", [1, 63, 64, 65, 150])
@pytest.mark.parametrize("level", [-np.inf, 0.0, 2.0, 9.0])
def test_products_of_values_above_the_threshold(width, level):
    rng = np.random.default_rng(width)
    frames = rng.normal(size=(20, 12, width)).astype(np.float32)
    baseline = rng.normal(size=(12, width)).astype(np.float32)
    cut = (baseline + np.float32(level)).astype(np.float32)
    bounds = np.tile([0, 12, 0, width], (20, 1))
    bounds[3:9] += [2, -1, min(width - 1, 5), 0]
    bounds[9:12] += [0, 0, 0, -min(width - 1, 7)]
    bounds[12] = 0  # a frame that shows nothing
    sums = np.zeros((6, 12, width))
    add_products(frames, bounds, baseline, cut, sums)
    np.testing.assert_allclose(
        sums, plain_sums(frames, bounds, baseline, cut), rtol=1e-6, atol=1e-9
    )
    assert (sums[0] != 0).any() == (level < 9)


def test_values_at_the_ends_of_a_row_meet_their_neighbours():
    frames = np.zeros((1, 3, 200), np.float32)
    frames[0, 1, [0, 63, 64, 127, 128, 199]] = 2
    frames[0, 2, [62, 65, 198]] = 3
    sums = np.zeros((6, 3, 200))
    nothing = np.zeros((3, 200), np.float32)
    add_products(frames, np.array([[0, 3, 0, 200]]), nothing, nothing + 1, sums)
    beside, below_left, below, below_right = sums[2:, 1]
    assert np.flatnonzero(beside).tolist() == [63, 127]
    assert np.flatnonzero(below_left).tolist() == [63, 199]
    assert not below.any()
    assert np.flatnonzero(below_right).tolist() == [64]
