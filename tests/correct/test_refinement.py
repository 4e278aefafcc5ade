"""From the peak to the exact place, with pixels believed by their steadiness."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from miniscope_nwb.correct.filters import sharpen, window_of, without_light
from miniscope_nwb.correct.match_kernels import pull
from miniscope_nwb.correct.matcher import Matcher
from miniscope_nwb.correct.refine import Refinement
from miniscope_nwb.correct.steadiness import steadiness

HEIGHT, WIDTH, HIGHPASS_PX, REACH_PX = 90, 120, 3.5, 8
FLASH = (50, 62)  # y, x of a cell that is dark in the template


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def tissue(rng):
    spots = np.zeros((HEIGHT, WIDTH))
    spots[rng.integers(0, HEIGHT, 60), rng.integers(0, WIDTH, 60)] = rng.uniform(0.5, 2, 60)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (80 + 0.4 * x + 0.2 * y + 700 * gaussian_filter(spots, 2.5)).astype(np.float32)


def flash(height):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    away = (y - FLASH[0]) ** 2 + (x - FLASH[1]) ** 2
    return (height * np.exp(-away / (2 * 3.0**2))).astype(np.float32)


def moved(picture, displacement):
    return shift(picture, displacement[::-1], order=3, mode="nearest").astype(np.float32)


def refinement(template, weights, static=None):
    sharpened = sharpen(template, HIGHPASS_PX, static)
    window = window_of(HEIGHT, WIDTH, 1 / 6)
    matcher = Matcher(
        sharpened, window, highpass_px=HIGHPASS_PX, reach_px=REACH_PX, padding_px=REACH_PX
    )
    return matcher, Refinement(matcher, template, sharpened.once[0], weights, static, HIGHPASS_PX)


@pytest.mark.parametrize("displacement", [(0.0, 0.0), (0.3, -0.4), (-3.2, 5.75), (6.5, -6.1)])
@pytest.mark.parametrize("gain", [0.7, 1.0])
def test_a_moved_picture_is_placed_exactly(rng, displacement, gain):
    template = tissue(rng)
    picture = gain * moved(template, displacement)
    _, exact = refinement(template, np.ones_like(template))
    start = np.add(displacement, (0.6, -0.7))
    np.testing.assert_allclose(exact.refine(picture, start, gain), displacement, atol=0.04)


def test_a_flash_pulls_less_where_the_template_is_unsteady(rng):
    template, displacement = tissue(rng), (1.3, -0.8)
    picture = moved(template + flash(90), displacement)
    weights = 1 / (1 + flash(90) ** 2 / 4)
    found = {}
    for name, believed in {"alike": np.ones_like(template), "steady": weights}.items():
        matcher, exact = refinement(template, believed.astype(np.float32))
        peak = matcher.match(picture[None]).displacement_px[0]
        found[name] = np.abs(exact.refine(picture, peak, 1.0) - displacement).max()
    assert found["alike"] > 0.1
    assert found["steady"] < 0.25 * found["alike"]


def test_what_stays_with_the_camera_does_not_hold_the_picture(rng):
    template, displacement = tissue(rng), (2.4, 1.7)
    dust = gaussian_filter(rng.normal(0, 12, template.shape), 2).astype(np.float32)
    picture = moved(template, displacement) + dust
    _, exact = refinement(template, np.ones_like(template), dust)
    np.testing.assert_allclose(
        exact.refine(picture, np.array([2.0, 2.0]), 1.0), displacement, atol=0.05
    )


def test_a_picture_of_nothing_stays_where_it_was_put():
    nothing = np.full((HEIGHT, WIDTH), 80, np.float32)
    _, exact = refinement(nothing, np.ones_like(nothing))
    place = np.array([1.0, -2.5])
    np.testing.assert_array_equal(exact.refine(nothing, place, 1.0), place)


def test_no_place_is_beyond_the_reach(rng):
    template = tissue(rng)
    _, exact = refinement(template, np.ones_like(template))
    picture = moved(template, (REACH_PX + 1.0, 0.0))
    assert exact.refine(picture, np.array([REACH_PX - 0.2, 0.0]), 1.0)[0] == REACH_PX


@pytest.mark.parametrize("place", [(0, 0), (5, -3), (-7, 6), (200, 0)])
def test_sums_over_moved_pictures(rng, place):
    picture, first, second = rng.normal(size=(3, 30, 41)).astype(np.float32)
    x, y = place
    expected = np.zeros(2)
    for row, column in np.ndindex(30, 41):
        if 0 <= row - y < 30 and 0 <= column - x < 41:
            value = picture[row, column]
            expected += value * first[row - y, column - x], value * second[row - y, column - x]
    np.testing.assert_allclose(pull(picture, first, second, x, y), expected, rtol=1e-4, atol=1e-4)


def test_a_frame_without_its_light_keeps_its_cells():
    y, x = np.mgrid[:90, :120]
    light = (100 + 0.5 * x + 0.3 * y).astype(np.float32)
    cell = flash(50)
    left = without_light((light + cell).astype(np.float32), HIGHPASS_PX)
    inside = np.s_[25:-25, 25:-25]
    assert left.dtype == np.float32
    assert left[FLASH] == pytest.approx(50, rel=0.15)
    assert np.abs(left[inside] - cell[inside]).max() < 0.15 * 50
    assert np.abs(without_light(light, HIGHPASS_PX)[inside]).max() < 0.5


def test_pixels_that_flash_are_believed_less(rng):
    template = tissue(rng)
    shifts = rng.integers(-3, 4, (60, 2)).astype(float)
    frames = np.stack(
        [
            np.roll(template + (flash(60) if k % 6 == 0 else 0), (-down, -across), (0, 1))
            for k, (across, down) in enumerate(shifts.astype(int))
        ]
    )
    frames = (frames + rng.normal(0, 2, frames.shape)).astype(np.float32)
    keep = np.ones(60, bool)
    found = [
        steadiness(frames, template, 0 * template, shifts, keep, HIGHPASS_PX, n_threads=n)
        for n in (1, 2)
    ]
    np.testing.assert_array_equal(*found)
    inner = found[0][20:-20, 20:-20]
    assert np.median(inner) == pytest.approx(1, abs=0.15)
    assert found[0][FLASH] < 0.1
    assert found[0].max() <= 20


def test_where_no_frame_was_placed_nothing_is_said_of_steadiness(rng):
    template = tissue(rng)
    frames, shifts = template[None], np.zeros((1, 2))
    assert (
        steadiness(frames, template, 0 * template, shifts, np.zeros(1, bool), HIGHPASS_PX) is None
    )
