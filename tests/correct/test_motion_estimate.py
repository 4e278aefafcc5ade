"""The estimated correction is the true one: rigid, of blocks, and which of them is taken."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from simulated_motion import estimate, estimated, rms_error, simulated

from miniscope_nwb.correct.blocks import make_blocks
from miniscope_nwb.correct.field import SMOOTHNESS_PX, Field, measure_bending
from miniscope_nwb.errors import MiniscopeError
from miniscope_nwb.movie import regular_clock

# Floors of the accuracy. The simulator's own interpolation leaves 0.03 px, noise and flashing
# cells the rest.
RIGID_PX = {"easy": 0.12, "moderate": 0.08, "hard": 0.1, "sparse": 0.08, "noise": 0.08}


@pytest.mark.parametrize("level", RIGID_PX)
def test_rigid_shifts_are_the_true_ones(level):
    movie = simulated(level)
    motion = estimated(level)
    assert (motion.blocks is not None) == (level == "hard")  # which bends by half a pixel
    assert motion.block_residual_px < 0.8
    assert (motion.bending_px < 0.2) == (level != "hard")
    assert motion.is_registered.all()
    assert motion.shifts_px.dtype == np.float32
    assert rms_error(motion.shifts_px, movie.rigid_px) < RIGID_PX[level]


def test_the_template_is_the_tissue_at_rest():
    movie = simulated("moderate")
    template = estimated("moderate").template
    inner = np.s_[20:-20, 20:-20]

    def likeness(image):
        return np.corrcoef(image[inner].ravel(), movie.template[inner].ravel())[0, 1]

    # The template lies beside the tissue's own place by a constant: to whole pixels here.
    shifted = [
        likeness(np.roll(template, (y, x), (0, 1))) for y in range(-3, 4) for x in range(-3, 4)
    ]
    assert template.shape == movie.template.shape
    assert max(shifted) > 0.98
    assert 1 - max(shifted) < 0.7 * (1 - likeness(movie.frames.mean(axis=0)))


def test_a_movie_at_rest_stays_at_rest():
    movie = simulated("moderate", motion=0)
    motion = estimate(movie.frames)
    assert motion.blocks is None
    assert rms_error(motion.shifts_px, 0 * movie.rigid_px) < 0.06
    assert np.abs(motion.shifts_px).max() < 0.3
    assert motion.block_residual_px < 0.3


def test_where_the_field_bends_blocks_are_taken():
    movie = simulated("nonrigid", width=280, height=220)
    motion = estimate(movie.frames)
    assert motion.blocks is not None
    assert motion.block_residual_px > 1.0
    n_blocks = motion.blocks.n_down * motion.blocks.n_across
    assert motion.block_shifts_px.shape == (300, n_blocks, 2)
    truth = movie.at(motion.blocks)
    # a block's constant is the template's: the mean of what bends is what it shows
    found = rms_error(motion.block_shifts_px, truth)
    rigid = rms_error(np.repeat(motion.shifts_px[:, None], n_blocks, axis=1), truth)
    assert found < 0.45
    assert found < 0.35 * rigid
    np.testing.assert_allclose(
        motion.block_shifts_px.mean(axis=1), motion.shifts_px, rtol=0, atol=1e-4
    )


BLOCKS = make_blocks(264, 312, block_px=48, overlap_px=24)  # 5 x 6
NOT_AT_BORDER = np.zeros((100, 30), bool)


def stretched(rng, *, rms_px=0.5):
    """Deviations of a field that stretches along both axes, (100, 30, 2), and their two halves."""
    row, column = np.divmod(np.arange(30), 6)
    place = np.stack([column - column.mean(), row - row.mean()], axis=1)
    bend = rng.normal(0, 1, (100, 1, 2)) * place
    bend *= rms_px / np.sqrt((bend**2).sum(axis=2).mean())
    return [bend + rng.normal(0, 0.1, bend.shape) for _ in range(2)]


def test_blocks_that_move_by_themselves_are_no_bending_field():
    rng = np.random.default_rng(3)
    halves = [rng.normal(0, 0.1, (100, 30, 2)) for _ in range(2)]
    for block, flash in ((7, rng.normal(0, 4, (100, 2))), (slice(None), rng.normal(0, 1, (30, 2)))):
        for half in halves:
            half[:, block] += flash
    assert measure_bending(*halves, NOT_AT_BORDER, BLOCKS).bending_px < 0.1
    flashes = rng.normal(0, 1, (100, 30, 2))  # in every block, as in a field full of cells
    full = [half + flashes for half in halves]
    assert measure_bending(*full, NOT_AT_BORDER, BLOCKS).residual_px > 1
    assert measure_bending(*full, NOT_AT_BORDER, BLOCKS).bending_px < 0.3


def test_a_field_that_stretches_bends():
    rng = np.random.default_rng(3)
    bending = measure_bending(*stretched(rng), NOT_AT_BORDER, BLOCKS)
    assert bending.residual_px == pytest.approx(0.5, rel=0.1)
    assert bending.bending_px == pytest.approx(0.5, rel=0.2)


def test_the_border_of_a_field_that_stretches_is_followed():
    # Its blocks deviate much more than those in the middle: that is no flash of cells.
    halves = stretched(np.random.default_rng(3), rms_px=1.5)
    bending = measure_bending(*halves, NOT_AT_BORDER, BLOCKS)
    field = Field(BLOCKS, bending, smoothness_px=SMOOTHNESS_PX, max_deviation_px=9.0)
    measured = np.mean(halves, axis=0)
    followed = np.stack([field.smooth(deviations) for deviations in measured])
    centred = measured - measured.mean(axis=0)
    left = followed - centred
    for across in (0, 5):  # the outermost columns
        size = np.sqrt((centred[:, across::6, 0] ** 2).mean())
        assert size > 1.4
        assert np.sqrt((left[:, across::6, 0] ** 2).mean()) < 0.1 * size


def test_blocks_that_find_nothing_tell_no_bending():
    rng = np.random.default_rng(3)
    halves = stretched(rng)
    is_at_border = NOT_AT_BORDER.copy()
    is_at_border[:, :16] = True
    assert np.isnan(measure_bending(*halves, is_at_border, BLOCKS).bending_px)
    is_at_border[:, 10:] = False
    bending = measure_bending(*halves, is_at_border, BLOCKS)
    assert bending.bending_px == pytest.approx(0.5, rel=0.3)
    assert bending.noise_px2[:10].min() > 20 * bending.signal_px2.max()  # they count for nothing


def test_two_blocks_do_not_tell_whether_a_field_bends():
    rng = np.random.default_rng(3)
    two = make_blocks(60, 120, block_px=48, overlap_px=24)
    assert (two.n_down, two.n_across) == (1, 2)
    halves = [half[:, [0, 5]] for half in stretched(rng)]
    assert np.isnan(measure_bending(*halves, NOT_AT_BORDER[:, :2], two).bending_px)


@pytest.mark.parametrize("method", ["auto", "piecewise"])
def test_a_movie_without_any_structure_stays_where_it_is(method):
    motion = estimate(np.full((90, 200, 220), 60, np.uint8), method=method)
    assert np.isnan(motion.bending_px)
    assert not motion.is_registered.any()
    assert not motion.shifts_px.any()


def test_the_methods_that_are_asked_for_are_taken():
    bending, stiff = simulated("nonrigid"), simulated("moderate")
    assert estimate(bending.frames, method="rigid").blocks is None
    blocks = estimate(stiff.frames, method="piecewise")
    assert blocks.blocks is not None
    assert rms_error(blocks.block_shifts_px, stiff.at(blocks.blocks)) < 0.3
    none = estimate(stiff.frames, method="none")
    assert not none.shifts_px.any()
    assert none.is_registered.all()
    assert none.template.shape == (160, 200)


def test_blocks_do_not_deviate_farther_than_they_may():
    motion = estimate(simulated("nonrigid").frames, max_deviation_px=0.5, method="piecewise")
    deviation = motion.block_shifts_px - motion.shifts_px[:, None]
    assert np.abs(deviation).max() < 1.01  # 0.5 from the rigid shift, whose mean is taken anew


def test_threads_change_nothing():
    for level, method in (("moderate", "rigid"), ("nonrigid", "piecewise")):
        frames = simulated(level).frames[:100]
        one, two = (estimate(frames, method=method, n_threads=n) for n in (1, 2))
        np.testing.assert_array_equal(one.shifts_px, two.shifts_px)
        np.testing.assert_array_equal(one.template, two.template)
        if one.blocks is not None:
            np.testing.assert_array_equal(one.block_shifts_px, two.block_shifts_px)


@pytest.mark.parametrize(("scale", "dtype"), [(200, np.uint16), (0.01, np.float32)])
def test_other_pixel_types_give_the_same_shifts(scale, dtype):
    movie = simulated("moderate")
    motion = estimate(movie.frames.astype(dtype) * dtype(scale))
    expected = estimated("moderate")
    assert rms_error(motion.shifts_px, movie.rigid_px) < 0.08
    np.testing.assert_allclose(motion.shifts_px, expected.shifts_px, atol=0.01)


@pytest.mark.parametrize(("width", "height", "bound"), [(122, 108, 0.12), (200, 32, 0.3)])
def test_small_and_narrow_fields(width, height, bound):
    movie = simulated("moderate", width=width, height=height, frames=100)
    motion = estimate(movie.frames)
    assert rms_error(motion.shifts_px, movie.rigid_px) < bound
    assert motion.is_registered.mean() > 0.95


def test_a_field_too_small_is_refused():
    with pytest.raises(MiniscopeError, match=r"14 x 60 px.*crop"):
        estimate(np.ones((100, 60, 14), np.uint8))


def test_jerks_beyond_the_window_are_found():
    movie = simulated("moderate", width=240)
    frames, truth = movie.frames.copy(), movie.rigid_px.copy()
    for number, (x, y) in {40: (17, -3), 150: (-2, 18), 151: (-14, 15)}.items():
        frames[number] = np.roll(movie.frames[number], (y, x), (0, 1))
        truth[number] -= (x, y)
    motion = estimate(frames)
    assert motion.is_registered.all()
    error = motion.shifts_px - truth
    error -= np.median(error, axis=0)
    assert np.abs(error[[40, 150, 151]]).max() < 0.5


def test_a_window_that_was_given_is_kept():
    movie = simulated("hard")
    motion = estimate(movie.frames, max_shift_px=2.0)
    beyond = np.abs(movie.rigid_px - np.median(movie.rigid_px, axis=0)).max(axis=1) > 3.5
    assert beyond.any()
    assert not motion.is_registered[beyond].any()
    assert "max_shift_px" not in {item.parameter for item in motion.derived}


def test_what_was_derived_is_told():
    values = {item.parameter: item for item in estimated("moderate").derived}
    assert values["max_shift_px"].value == pytest.approx(20 / 1.64, abs=0.01)
    assert values["highpass_px"].value == pytest.approx(3.65)
    assert "7.3 px" in values["highpass_px"].basis
    assert (values["block_px"].value, values["overlap_px"].value) == (48, 24)
    assert "binned by 1" in values["block_px"].basis


def garbage(shape, rng):
    torn = np.full(shape, 100.0)
    torn[: shape[0] // 2] = rng.normal(100, 4, (shape[0] // 2, shape[1]))
    return [
        rng.normal(105, 4, shape),
        rng.integers(0, 255, shape),
        np.full(shape, 3),
        np.full(shape, 255),
        torn,
    ]


def test_frames_that_show_something_else_are_told_and_interpolated():
    movie = simulated("moderate")
    frames = movie.frames.copy()
    numbers = [30, 31, 100, 160, 250]
    spoilt = garbage(frames.shape[1:], np.random.default_rng(0))
    for number, picture in zip(numbers, spoilt, strict=True):
        frames[number] = np.clip(picture, 0, 255)
    motion = estimate(frames)
    np.testing.assert_array_equal(np.flatnonzero(~motion.is_registered), numbers)
    good = motion.is_registered
    assert rms_error(motion.shifts_px[good], movie.rigid_px[good]) < 0.08
    np.testing.assert_allclose(
        motion.shifts_px[100], (motion.shifts_px[99] + motion.shifts_px[101]) / 2, atol=1e-5
    )
    step = motion.shifts_px[32] - motion.shifts_px[29]
    np.testing.assert_allclose(motion.shifts_px[30], motion.shifts_px[29] + step / 3, atol=1e-5)


def test_frames_left_out_take_no_part():
    movie = simulated("moderate")
    frames, left = movie.frames.copy(), np.zeros(300, bool)
    left[::3] = True
    frames[left] = 255 - frames[left]
    motion = estimate(frames, is_left_out=left)
    np.testing.assert_array_equal(motion.is_registered, ~left)
    assert rms_error(motion.shifts_px[~left], movie.rigid_px[~left]) < 0.08
    assert np.isnan(motion.scores["match"][left]).all()
    with pytest.raises(MiniscopeError, match="Every frame was left out"):
        estimate(frames, is_left_out=np.ones(300, bool))


def test_shifts_are_not_interpolated_across_recordings():
    movie = simulated("moderate")
    frames = movie.frames.copy()
    frames[148:152] = 3
    segment = (np.arange(300) >= 150).astype(np.int64)
    clock = dataclasses.replace(regular_clock(300, rate_hz=20.0), segment=segment)
    motion = estimate(frames, clock=clock)
    np.testing.assert_allclose(motion.shifts_px[148:150], motion.shifts_px[[147, 147]])
    np.testing.assert_allclose(motion.shifts_px[150:152], motion.shifts_px[[152, 152]])


def test_a_pattern_of_the_camera_hardly_holds_the_tissue_back():
    """Specks of dust on the sensor, as dark as vessels: they must not pull the shifts to zero."""
    movie = simulated("moderate")
    rng = np.random.default_rng(2)
    frames = movie.frames.astype(np.float32)
    for _ in range(4):
        y, x = rng.integers(20, 140), rng.integers(20, 180)
        frames[:, y : y + 5, x : x + 5] *= 0.7
    motion = estimate(frames.astype(np.uint8))
    assert rms_error(motion.shifts_px, movie.rigid_px) < 0.15
    slopes = [
        np.polyfit(movie.rigid_px[:, axis], motion.shifts_px[:, axis], 1)[0] for axis in (0, 1)
    ]
    assert min(slopes) > 0.93
