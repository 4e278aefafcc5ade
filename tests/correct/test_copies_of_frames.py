"""The copies on which motion is estimated: binned, halved, tapered."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.correct.filter_kernels import cut_blocks, weigh
from miniscope_nwb.correct.filters import binned, halves
from miniscope_nwb.correct.piecewise import n_test_frames
from miniscope_nwb.correct.template import BinnedFrames
from miniscope_nwb.movie import ArrayMovie, regular_clock


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_binned_frame_holds_the_means_of_squares(dtype, factor):
    frame = np.random.default_rng(0).integers(0, 250, (25, 32)).astype(dtype)
    height, width = 25 // factor, 32 // factor
    whole = frame[: height * factor, : width * factor].astype(float)
    expected = whole.reshape(height, factor, width, factor).mean(axis=(1, 3))
    small = binned(frame, factor)
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, expected, rtol=1e-6)


def test_two_halves_of_a_frame_make_the_binned_one():
    frame = np.random.default_rng(0).integers(0, 250, (25, 32)).astype(np.uint8)
    np.testing.assert_allclose(np.mean(halves(frame), axis=0), binned(frame, 2), rtol=1e-6)


def test_a_tapered_frame_and_its_brightness():
    rng = np.random.default_rng(0)
    frame, window = rng.random((2, 25, 32)).astype(np.float32)
    out = np.empty_like(frame)
    assert weigh(frame, window, out) == pytest.approx((frame * window).sum(), rel=1e-5)
    np.testing.assert_array_equal(out, frame * window)


def test_blocks_are_cut_where_they_lie_and_tapered():
    rng = np.random.default_rng(0)
    picture, window = rng.random((25, 32)).astype(np.float32), rng.random((7, 9)).astype(np.float32)
    top, left = np.array([0, 18, 4]), np.array([23, 0, 11])
    out = np.empty((3, 7, 9), np.float32)
    cut_blocks(picture, top, left, window, out)
    for block, y, x in zip(out, top, left, strict=True):
        np.testing.assert_array_equal(block, picture[y : y + 7, x : x + 9] * window)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_sample_is_binned_frame_by_frame(factor):
    frames = np.random.default_rng(0).integers(0, 250, (4, 25, 32)).astype(np.uint8)
    small = BinnedFrames(frames, factor)
    assert (len(small), small.shape) == (4, (4, 25 // factor, 32 // factor))
    for number in range(4):
        np.testing.assert_array_equal(small[number], binned(frames[number], factor))


@pytest.mark.parametrize(("side", "n"), [(100, 60), (447, 60), (600, 33), (633, 30), (1500, 30)])
def test_a_large_field_tells_from_fewer_frames_whether_it_bends(side, n):
    movie = ArrayMovie(np.zeros((2, side, side), np.uint8), regular_clock(2, rate_hz=20.0))
    assert n_test_frames(movie) == n
