"""Torn, black and flashed frames are found, and ordinary ones never are."""

from __future__ import annotations

import numpy as np
import pytest
from prepared_fields import prepared, simulated

from miniscope_nwb.movie import ArrayMovie, FrameClock

LEVELS = ["easy", "moderate", "hard", "nonrigid", "sparse", "noise"]
AT = np.arange(15, 285, 30)  # frames that are damaged


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("level", LEVELS)
def test_ordinary_movies_lose_no_frame(level, seed, tmp_path):
    found = prepared(simulated(level, seed=seed), tmp_path)
    assert not found.is_left_out.any()
    assert set(found.reason_left_out) == {""}
    assert len(found.brightness_steps) == 0
    assert len(found.defective_pixels) == 0


def displaced(frame, row, rng):
    frame[row:] = np.roll(frame[row:], 20, axis=1)


def band_displaced(frame, row, rng):
    frame[row : row + 30] = np.roll(frame[row : row + 30], 25, axis=1)


def rolled(frame, row, rng):
    frame[:] = np.roll(frame, row, axis=0)


def black_band(frame, row, rng):
    frame[row : row + 20] = 0


def cut_off(frame, row, rng):
    frame[row:] = 0


def noise_band(frame, row, rng):
    frame[row : row + 20] = rng.integers(0, 256, frame[row : row + 20].shape)


def noise_frame(frame, row, rng):
    frame[:] = rng.integers(0, 256, frame.shape)


@pytest.mark.parametrize(
    "damage",
    [displaced, band_displaced, rolled, black_band, cut_off, noise_band, noise_frame],
    ids=lambda item: item.__name__,
)
@pytest.mark.parametrize("level", ["moderate", "hard"])
def test_torn_frames_are_found(level, damage, tmp_path):
    frames, rng = simulated(level), np.random.default_rng(4)
    for number in AT:
        damage(frames[number], int(rng.integers(30, 80)), rng)
    found = prepared(frames, tmp_path)
    np.testing.assert_array_equal(np.flatnonzero(found.is_left_out), AT)
    reasons = {found.reason_left_out[number] for number in AT}
    assert reasons <= {"torn", "flash"}  # a cut frame is darker at once, too
    assert "torn" in reasons


def test_several_torn_frames_in_a_row(tmp_path):
    frames, rng = simulated("moderate"), np.random.default_rng(4)
    for number in range(100, 104):
        displaced(frames[number], 60, rng)
    found = prepared(frames, tmp_path)
    np.testing.assert_array_equal(np.flatnonzero(found.is_left_out), np.arange(100, 104))


def test_black_and_flashed_frames_are_found(tmp_path):
    frames, rng = simulated("moderate"), np.random.default_rng(2)
    frames[50:54] = rng.normal(12, 1.5, frames[50:54].shape).round().clip(0)  # level of the sensor
    frames[120] = 0
    frames[180] = np.minimum(frames[180] * 1.6, 255).astype(np.uint8)
    frames[220:222] = (frames[220:222] * 0.7).astype(np.uint8)
    found = prepared(frames, tmp_path)
    expected = dict.fromkeys([50, 51, 52, 53, 120], "black") | dict.fromkeys(
        [180, 220, 221], "flash"
    )
    assert {k: reason for k, reason in enumerate(found.reason_left_out) if reason} == expected
    assert found.figures["n_black"] == 5
    assert found.figures["n_flash"] == 3
    assert len(found.brightness_steps) == 0
    everything = prepared(frames, tmp_path, leave_out_frames=False)
    assert not everything.is_left_out.any()


def test_a_long_time_without_light_is_black_throughout(tmp_path):
    frames = simulated("moderate")
    frames[100:200] = np.random.default_rng(0).normal(12, 1.5, frames[100:200].shape).round()
    found = prepared(frames, tmp_path)
    np.testing.assert_array_equal(np.flatnonzero(found.is_left_out), np.arange(100, 200))


def test_activity_of_the_whole_field_is_no_flash(tmp_path):
    """A wave that brightens everything by 40 % within a quarter of a second, and decays."""
    frames = simulated("moderate").astype(float)
    wave = np.zeros(300)
    wave[100:160] = np.minimum(np.arange(60) / 5, 1) * np.exp(-np.arange(60) / 15)
    frames *= 1 + 0.4 * wave[:, None, None]
    found = prepared(frames.clip(0, 255).astype(np.uint8), tmp_path)
    assert not found.is_left_out.any()


def test_brightness_steps_are_marked_and_left_in(tmp_path):
    frames = simulated("moderate").astype(float)
    frames[90:] *= 0.8
    frames[200:] *= 1.15
    found = prepared(frames.clip(0, 255).astype(np.uint8), tmp_path)
    np.testing.assert_array_equal(found.brightness_steps, [90, 200])
    assert not found.is_left_out.any()


def test_a_new_recording_is_neither_step_nor_tear(tmp_path):
    first, second = simulated("moderate", frames=150), simulated("hard", frames=150, seed=5)
    frames = np.concatenate([first, (second * 0.7).astype(np.uint8)])
    segment = np.repeat([0, 1], 150)
    clock = FrameClock(np.arange(300) / 20, np.ones(300, np.int64), segment, 20.0)
    found = prepared(ArrayMovie(frames, clock), tmp_path)
    assert not found.is_left_out.any()
    assert len(found.brightness_steps) == 0


def test_brightness_is_the_exact_mean(tmp_path):
    frames = simulated("easy")
    found = prepared(frames, tmp_path, crop=(5, 100, 140, 9))
    expected = frames[:, 9:100, 5:140].mean(axis=(1, 2), dtype=np.float64)
    np.testing.assert_array_equal(found.brightness, expected.astype(np.float32))


def test_threads_do_not_change_what_is_found(tmp_path):
    frames, rng = simulated("hard"), np.random.default_rng(1)
    for number in AT:
        displaced(frames[number], 50, rng)
    one, three = (prepared(frames, tmp_path, n_threads=n) for n in (1, 3))
    assert one.reason_left_out == three.reason_left_out
    np.testing.assert_array_equal(one.brightness, three.brightness)
    assert one.figures == three.figures
