"""Parts of a frame tell a bright cell from a wrong place and from torn rows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from miniscope_nwb.correct.parts import Parts

HEIGHT, WIDTH, HIGHPASS_PX = 96, 120, 3.65
WHOLE = np.array([0, HEIGHT, 0, WIDTH])


def noise(seed, sigma):
    rng = np.random.default_rng(seed)
    picture = cv2.GaussianBlur(rng.normal(size=(HEIGHT, WIDTH)), (0, 0), sigma)
    return (picture / picture.std()).astype(np.float32)


TISSUE = noise(0, 2.5)


def frame(seed=1):
    return TISSUE + 0.3 * noise(seed, 1.1)


@pytest.fixture(scope="module")
def parts():
    return Parts(TISSUE, [(frame(10 + k), WHOLE) for k in range(5)], highpass_px=HIGHPASS_PX)


def with_cell(picture, x=60, y=50, brightness=25.0):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    spot = np.exp(-0.5 * ((rows - y) ** 2 + (columns - x) ** 2) / 3.0**2)
    return (picture + brightness * spot).astype(np.float32)


def test_an_ordinary_frame_lies_well(parts):
    assert parts.lie_well(frame(), WHOLE)


def test_a_bright_cell_spoils_the_whole_but_few_parts(parts):
    bright = with_cell(frame())
    assert np.corrcoef(bright.ravel(), TISSUE.ravel())[0, 1] < 0.6
    assert parts.lie_well(bright, WHOLE)


@pytest.mark.parametrize("shift", [(0, 2), (2, 0), (-5, 3)])
def test_a_frame_beside_its_place_does_not(parts, shift):
    assert not parts.lie_well(np.roll(frame(), shift, (0, 1)), WHOLE)


@pytest.mark.parametrize("n_rows", [14, 24, 48])
def test_torn_rows_are_told_though_most_parts_lie_well(parts, n_rows):
    torn = frame()
    torn[-n_rows:] = np.roll(torn[-n_rows:], 9, axis=1)
    assert not parts.lie_well(torn, WHOLE)


def test_what_was_not_seen_is_not_judged(parts):
    seen = np.array([30, HEIGHT, 25, WIDTH])
    partly = np.full((HEIGHT, WIDTH), np.nan, np.float32)
    partly[30:, 25:] = frame()[30:, 25:]
    assert parts.lie_well(partly, seen)
    moved = np.roll(frame(), 3, axis=1)
    partly[30:, 25:] = moved[30:, 25:]
    assert not parts.lie_well(partly, seen)


def test_too_little_seen_or_nothing_to_recognise_leaves_doubt(parts):
    assert not parts.lie_well(frame(), np.array([0, 30, 0, 40]))
    assert not parts.lie_well(frame(), np.zeros(4, int))
    blind = Parts(TISSUE, [(noise(k, 2.5), WHOLE) for k in range(5)], highpass_px=HIGHPASS_PX)
    assert not blind.lie_well(frame(), WHOLE)


def test_without_an_ordinary_frame_nothing_is_recognised():
    nothing = Parts(TISSUE, [], highpass_px=HIGHPASS_PX)
    assert not nothing.lie_well(frame(), WHOLE)
    assert not nothing.lie_well(TISSUE, WHOLE)
