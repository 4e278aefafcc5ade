"""Shifted frames hold what the sensor saw, exactly for whole pixels, and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from miniscope_nwb.correct.bend import block_axis
from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.correct.shift import cubic_weights
from miniscope_nwb.errors import MiniscopeError
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.results import MotionBlocks, MotionResult

HEIGHT, WIDTH = 31, 44
DTYPES = [np.uint8, np.uint16, np.float32]
few_px = st.floats(-6, 6, width=32)
whole_px = st.integers(-50, 50)


def noise_frames(n=1, dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(1, 250, (n, HEIGHT, WIDTH)).astype(dtype)


def grid_blocks(n_down=2, n_across=3):
    y = np.linspace(0, HEIGHT, n_down + 1).astype(int)
    x = np.linspace(0, WIDTH, n_across + 1).astype(int)
    return MotionBlocks(
        n_down,
        n_across,
        np.tile(x[:-1], n_down),
        np.tile(x[1:], n_down),
        np.repeat(y[:-1], n_across),
        np.repeat(y[1:], n_across),
    )


def corrected(frames, shifts, *, block_shifts=None):
    shifts = np.asarray(shifts, np.float32)
    motion = MotionResult(
        template=np.zeros((HEIGHT, WIDTH), np.float32),
        shifts_px=shifts,
        blocks=None if block_shifts is None else grid_blocks(),
        block_shifts_px=None if block_shifts is None else np.asarray(block_shifts, np.float32),
        is_registered=np.ones(len(shifts), bool),
        block_residual_px=0.0,
    )
    return CorrectedMovie(ArrayMovie(frames), motion)


def assert_bounds_tell_what_is_nan(movie):
    frames, bounds = movie.read(0, movie.n_frames), movie.seen(0, movie.n_frames)
    for frame, (top, bottom, left, right) in zip(frames, bounds, strict=True):
        inside = np.zeros(frame.shape, bool)
        inside[top:bottom, left:right] = True
        np.testing.assert_array_equal(np.isfinite(frame), inside)


@given(x=whole_px, y=whole_px, dtype=st.sampled_from(DTYPES))
@settings(max_examples=60, deadline=None)
def test_whole_pixels_are_moved_exactly(x, y, dtype):
    frames = noise_frames(dtype=dtype)
    expected = np.full((HEIGHT, WIDTH), np.nan, np.float32)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            if 0 <= row - y < HEIGHT and 0 <= column - x < WIDTH:
                expected[row, column] = frames[0, row - y, column - x]
    movie = corrected(frames, [(x, y)])
    assert movie.read(0, 1).dtype == np.float32
    np.testing.assert_array_equal(movie.read(0, 1)[0], expected)
    assert_bounds_tell_what_is_nan(movie)


@given(x=few_px, y=few_px)
@settings(max_examples=60, deadline=None)
def test_the_bounds_are_the_pixels_that_are_not_nan(x, y):
    movie = corrected(noise_frames(), [(x, y)])
    assert_bounds_tell_what_is_nan(movie)
    bent = np.array([x, y]) + np.linspace(-1, 1, 6)[None, :, None] * np.array([1, -1])
    assert_bounds_tell_what_is_nan(corrected(noise_frames(), [(x, y)], block_shifts=bent))


@given(x=few_px, y=few_px)
@settings(max_examples=60, deadline=None)
def test_what_is_seen_is_read_from_pixels_that_the_sensor_saw(x, y):
    """A frame in a larger one, moved: where it is seen, what lies around it has no weight."""
    assume(np.all(np.abs(np.array([x, y]) - np.rint([x, y])) > 1e-5))  # those are tested above
    frames = noise_frames(dtype=np.float32)
    moved = corrected(frames, [(x, y)]).read(0, 1)[0]
    inside = np.isfinite(moved)
    kernel_x, kernel_y = (cubic_weights(float(-s - np.floor(-s))) for s in np.float32([x, y]))
    rows = np.arange(HEIGHT) + int(np.floor(-np.float32(y)))
    columns = np.arange(WIDTH) + int(np.floor(-np.float32(x)))
    around = np.pad(frames[0], 60, constant_values=np.nan)
    expected = sum(
        wy * wx * around[np.ix_(rows + 59 + j, columns + 59 + i)]
        for j, wy in enumerate(kernel_y)
        for i, wx in enumerate(kernel_x)
    )
    np.testing.assert_allclose(moved[inside], expected[inside], atol=1e-2)  # of 250
    complete = np.isfinite(expected)
    np.testing.assert_array_equal(inside, complete)  # and nothing else is thrown away


@given(x=few_px, y=few_px)
@settings(max_examples=40, deadline=None)
def test_there_and_back_leaves_a_smooth_image_as_it_was(x, y):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    smooth = 100 + 30 * np.sin(rows / 4) * np.cos(columns / 5 + 1)
    there = corrected(smooth[None].astype(np.float32), [(x, y)]).read(0, 1)
    filled = np.where(np.isfinite(there), there, 0)
    back = corrected(filled, [(-x, -y)]).read(0, 1)[0]
    edge = 16  # what the first shift lost and the cubic's neighbours
    inner = np.s_[edge : HEIGHT - edge + 2, edge:-edge]
    if abs(y) < 6:
        np.testing.assert_allclose(back[inner], smooth[inner], atol=0.6)  # of 60 grey levels


@given(x=few_px, y=few_px)
@settings(max_examples=40, deadline=None)
def test_blocks_that_move_together_move_the_frame_as_a_whole(x, y):
    frames = noise_frames()
    rigid = corrected(frames, [(x, y)]).read(0, 1)[0]
    bent = corrected(frames, [(x, y)], block_shifts=np.tile([x, y], (1, 6, 1))).read(0, 1)[0]
    both = np.isfinite(bent)
    assert both.sum() > 0.5 * np.isfinite(rigid).sum()
    # the ways are float32 sums of four weights here: 1e-6 px, times a slope of 250 a pixel
    np.testing.assert_allclose(bent[both], rigid[both], atol=5e-3)


def test_bent_frames_are_read_where_the_blocks_say():
    def picture(rows, columns):
        return 100 + 30 * np.sin(rows / 4) * np.cos(columns / 5 + 1)

    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    shifts = np.random.default_rng(1).uniform(-1.5, 1.5, (6, 2)).astype(np.float32)
    frame = picture(rows, columns).astype(np.float32)[None]
    bent = corrected(frame, [(0, 0)], block_shifts=shifts[None]).read(0, 1)[0]
    blocks = grid_blocks()
    y = block_axis(blocks.y_start[::3], blocks.y_stop[::3], HEIGHT)
    x = block_axis(blocks.x_start[:3], blocks.x_stop[:3], WIDTH)
    grid = shifts.reshape(2, 3, 2)
    way = np.einsum("ya,xb,yaxbc->yxc", y.weights, x.weights, grid[y.index][:, :, x.index])
    inside = np.isfinite(bent)
    assert inside.mean() > 0.7
    expected = picture(rows - way[..., 1], columns - way[..., 0])
    np.testing.assert_allclose(bent[inside], expected[inside], atol=0.1)  # the cubic's own error


@pytest.mark.parametrize("steepness", [0.02, 0.3, 2.5])
def test_every_pixel_of_a_bent_frame_is_the_cubic_of_its_own_place(steepness):
    """However often the whole pixels of the ways change along a row."""
    shifts = steepness * np.random.default_rng(4).normal(size=(6, 2)).astype(np.float32)
    frame = noise_frames(seed=5)[0].astype(np.float32)
    bent = corrected(frame[None], [(0, 0)], block_shifts=shifts[None]).read(0, 1)[0]
    blocks, grid = grid_blocks(), shifts.reshape(2, 3, 2).astype(np.float64)
    y = block_axis(blocks.y_start[::3], blocks.y_stop[::3], HEIGHT)
    x = block_axis(blocks.x_start[:3], blocks.x_stop[:3], WIDTH)
    way = -np.einsum("ya,xb,yaxbc->yxc", y.weights, x.weights, grid[y.index][:, :, x.index])
    inside = np.argwhere(np.isfinite(bent))
    assert len(inside) > 0.5 * bent.size
    for row, column in inside:
        whole = np.floor(way[row, column]).astype(int)
        rest = way[row, column] - whole
        top, left = row + whole[1] - 1, column + whole[0] - 1
        around = frame[top : top + 4, left : left + 4]
        expected = cubic_weights(rest[1]) @ around @ cubic_weights(rest[0])
        assert bent[row, column] == pytest.approx(expected, abs=5e-3)  # of 250


def test_the_displacement_goes_through_the_middles_of_the_blocks():
    starts, stops = np.array([0, 16, 40]), np.array([21, 45, 61])
    axis = block_axis(starts, stops, 61)
    values = np.array([1.0, -2.0, 0.5])
    field = (axis.weights * values[axis.index]).sum(axis=1)
    np.testing.assert_allclose(field[[10, 30, 50]], values, atol=1e-6)
    np.testing.assert_allclose(axis.weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(field[:10], 1.0, atol=1e-6)
    assert np.abs(np.diff(field)).max() < 0.35  # no jump between the blocks


def test_a_straight_line_stays_straight_under_any_rest():
    for rest in np.linspace(0, 0.99, 12):
        assert cubic_weights(rest) @ np.arange(-1, 3) == pytest.approx(rest, abs=1e-6)


def test_a_frame_that_left_the_field_is_all_nan():
    movie = corrected(noise_frames(2), [(60, 0.5), (0, 0)])
    assert np.isnan(movie.read(0, 1)).all()
    np.testing.assert_array_equal(movie.seen(0, 2), [[0, 0, 0, 0], [0, HEIGHT, 0, WIDTH]])


def test_threads_read_the_same_frames_as_one():
    rng = np.random.default_rng(3)
    shifts = rng.normal(0, 2, (40, 2))
    bent = shifts[:, None] + rng.normal(0, 0.5, (40, 6, 2))
    for movie in (
        corrected(noise_frames(40), shifts),
        corrected(noise_frames(40), shifts, block_shifts=bent),
    ):
        whole = movie.read(0, 40)
        with ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(lambda k, m=movie: m.read(k, k + 5), range(0, 40, 5)))
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_shifts_of_another_recording_are_refused():
    with pytest.raises(MiniscopeError, match=r"3 frames but .* 2"):
        corrected(noise_frames(3), [(0, 0), (1, 1)])
