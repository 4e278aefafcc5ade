"""Correlations, outliers, residual motion and blur tell how well frames lie on the template."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from simulated_motion import DIAMETER_PX, estimate, estimated, prepared, resources, simulated

from miniscope_nwb.correct.likeness import OUTLIER_DEVIATIONS
from miniscope_nwb.correct.quality import motion_quality
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.params.models import MotionParams


def judge(frames, motion, *, is_left_out=None, n_threads=1, **choices):
    return motion_quality(
        ArrayMovie(frames),
        motion,
        prepared(frames, is_left_out),
        resources(n_threads),
        DIAMETER_PX,
        **choices,
    )


def unmoved(motion):
    shifts = np.zeros_like(motion.shifts_px)
    return dataclasses.replace(motion, shifts_px=shifts, blocks=None, block_shifts_px=None)


@pytest.mark.parametrize("level", ["easy", "moderate", "hard", "nonrigid", "noise"])
def test_an_ordinary_movie_is_corrected_and_has_no_outliers(level):
    movie = simulated(level)
    motion = estimated(level)
    quality = judge(movie.frames, motion)
    assert quality.correlation_before.shape == quality.correlation_after.shape == (300,)
    assert not quality.is_outlier.any()
    assert np.median(quality.correlation_after) > np.median(quality.correlation_before)
    assert np.median(quality.correlation_after) > 0.85
    assert quality.residual_px < 0.15
    assert quality.blur < 0.1


def test_motion_that_was_not_corrected_is_measured():
    movie = simulated("moderate")
    motion = estimated("moderate")
    true = np.sqrt(movie.rigid_px.var(axis=0).sum())
    quality = judge(movie.frames, unmoved(motion))
    assert quality.residual_px == pytest.approx(true, rel=0.1)
    assert quality.blur > judge(movie.frames, motion).blur + 0.05
    np.testing.assert_allclose(quality.correlation_before, quality.correlation_after, atol=1e-6)


def test_half_of_the_shift_leaves_half_of_the_motion():
    movie = simulated("moderate")
    motion = estimated("moderate")
    half = dataclasses.replace(motion, shifts_px=motion.shifts_px / 2)
    true = np.sqrt(movie.rigid_px.var(axis=0).sum())
    assert judge(movie.frames, half).residual_px == pytest.approx(true / 2, rel=0.15)


def test_every_frame_that_shows_something_else_is_an_outlier_and_no_other():
    movie = simulated("moderate")
    frames = movie.frames.copy()
    rng = np.random.default_rng(1)
    left = np.zeros(300, bool)
    left[200] = True
    frames[10] = np.clip(rng.normal(105, 4, frames.shape[1:]), 0, 255)
    frames[90] = 255
    frames[91, :80] = 0
    frames[200] = 0
    motion = estimate(frames, is_left_out=left)
    quality = judge(frames, motion, is_left_out=left)
    np.testing.assert_array_equal(np.flatnonzero(quality.is_outlier), [10, 90, 91, 200])
    trusting = dataclasses.replace(motion, is_registered=np.ones(300, bool))  # another engine
    again = judge(frames, trusting, is_left_out=left)
    np.testing.assert_array_equal(again.is_outlier, quality.is_outlier)


def test_share_of_frames_that_moved_more_than_half_a_cell():
    movie = simulated("moderate")
    motion = estimated("moderate")
    away = np.hypot(*(movie.rigid_px - np.median(movie.rigid_px, axis=0)).T)
    expected = (away > DIAMETER_PX / 2).mean()
    assert judge(movie.frames, motion).share_moved == pytest.approx(expected, abs=0.02)


def test_threads_judge_as_one():
    movie = simulated("nonrigid")
    motion = estimated("nonrigid")
    one, two = (judge(movie.frames, motion, n_threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one.correlation_after, two.correlation_after)
    assert (one.residual_px, one.blur) == (two.residual_px, two.blur)


def test_a_frame_that_left_the_field_has_no_correlation():
    movie = simulated("moderate")
    motion = estimated("moderate")
    shifts = motion.shifts_px.copy()
    shifts[5] = (500, 0)
    quality = judge(movie.frames, dataclasses.replace(motion, shifts_px=shifts))
    assert np.isnan(quality.correlation_after[5])
    assert quality.is_outlier[5]
    assert quality.is_outlier.sum() == 1


SMALL = {"width": 120, "height": 96}


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_bright_cells_of_a_small_field_make_no_outliers(seed):
    """A flashing cell takes the correlation of a whole frame to two thirds of the median."""
    movie, motion = simulated("easy", seed=seed, **SMALL), estimated("easy", seed=seed, **SMALL)
    quality = judge(movie.frames, motion)
    assert quality.correlation_after.min() < 0.8 * np.median(quality.correlation_after)
    assert motion.is_registered.all()
    assert not quality.is_outlier.any()


def test_on_a_small_field_torn_and_misplaced_frames_are_outliers():
    movie, motion = simulated("easy", seed=1, **SMALL), estimated("easy", seed=1, **SMALL)
    frames, shifts = movie.frames.copy(), motion.shifts_px.copy()
    frames[20, 60:] = np.roll(frames[20, 60:], 9, axis=1)
    frames[40, 80:] = 3
    frames[60, :32] = frames[200, 30:62]
    shifts[80] += (1.8, 2.4)
    shifts[142] += (-3.0, 1.0)  # a bright cell is in this one
    wrong = dataclasses.replace(motion, shifts_px=shifts)
    quality = judge(frames, wrong)
    np.testing.assert_array_equal(np.flatnonzero(quality.is_outlier), [20, 40, 60, 80, 142])


def test_the_deviation_of_outliers_is_the_one_given():
    movie, motion = simulated("moderate"), estimated("moderate")
    shifts = motion.shifts_px.copy()
    shifts[[50, 100]] += ((0.9, 1.2), (1.8, 2.4))
    wrong = dataclasses.replace(motion, shifts_px=shifts)
    found = [
        np.flatnonzero(judge(movie.frames, wrong, outlier_deviation=deviation).is_outlier).tolist()
        for deviation in (2.5, 6.0, 20.0)
    ]
    assert found == [[50, 100], [100], []]
    default = judge(movie.frames, wrong)
    assert np.flatnonzero(default.is_outlier).tolist() == [100]
    assert MotionParams().outlier_deviation == OUTLIER_DEVIATIONS
