"""The peak of a surface is found between its pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniscope_nwb.correct.match_kernels import find_peaks

SIDE = 21
between = st.floats(-0.5, 0.5, exclude_min=True)


def peaks_of(*surfaces):
    stack = np.stack(surfaces).astype(np.float32)
    place, rest = np.empty((len(stack), 2), np.int64), np.empty((len(stack), 2))
    is_at_border = np.empty(len(stack), bool)
    height = find_peaks(stack, place, is_at_border, rest)
    return place + rest, height, is_at_border


def hill(x, y, *, sigma_px=3.0, tilt=0.0):
    rows, columns = np.mgrid[:SIDE, :SIDE]
    across, down = columns - x, rows - y
    return np.exp(-0.5 * (across**2 + down**2 + tilt * across * down) / sigma_px**2)


@given(x=between, y=between, tilt=st.floats(-1, 1))
@settings(max_examples=60, deadline=None)
def test_a_hill_is_found_where_its_top_is(x, y, tilt):
    where, height, is_at_border = peaks_of(hill(10 + x, 8 + y, tilt=tilt))
    np.testing.assert_allclose(where[0], [10 + x, 8 + y], atol=0.01)
    assert height[0] == pytest.approx(1, abs=2e-3)
    assert not is_at_border[0]


def test_surfaces_are_told_apart_and_a_top_beyond_the_window_is_at_the_border():
    where, _, is_at_border = peaks_of(hill(9.3, 11.6), hill(20, 10), hill(10, 0))
    np.testing.assert_allclose(where[0], [9.3, 11.6], atol=0.01)
    assert is_at_border.tolist() == [False, True, True]


def test_where_there_is_no_peak_the_highest_value_stands():
    where, height, _ = peaks_of(np.full((SIDE, SIDE), 2.0))
    assert where[0].tolist() == [3, 3]
    assert height[0] == pytest.approx(2)
