"""Frames that lie far off, or were left out: found where there is no doubt, never guessed."""

from __future__ import annotations

from functools import cache

import numpy as np
from simulated_motion import estimate, rms_error, simulated

MARGIN = 40  # px of real tissue beside the field
HEIGHT, WIDTH, N = 150, 190, 200
JERKS = {20: (-30, 12), 75: (9, 33), 140: (31, -4), 141: (-22, -26)}  # of the content, px


@cache
def field():
    movie = simulated("moderate", WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN, N, motion=1.0)
    return movie.frames, movie.rigid_px


def seen_from(frame, x=0, y=0):
    """Return what the sensor sees of a frame whose tissue is displaced."""
    top, left = MARGIN - y, MARGIN - x
    return frame[top : top + HEIGHT, left : left + WIDTH]


def jerking():
    large, truth = field()
    frames = np.stack([seen_from(frame, *JERKS.get(k, (0, 0))) for k, frame in enumerate(large)])
    corrections = np.zeros((N, 2))
    for number, shift in JERKS.items():
        corrections[number] = shift
    return frames, truth - corrections


def test_a_jerk_of_a_fifth_of_the_field_is_found():
    frames, truth = jerking()
    motion = estimate(frames)
    assert motion.is_registered.all()
    assert rms_error(motion.shifts_px, truth) < 0.1
    error = motion.shifts_px - truth
    assert np.abs((error - np.median(error, axis=0))[list(JERKS)]).max() < 0.3


def torn(frame, displaced_px, share):
    """Displace the lowest rows of a frame."""
    first = round(HEIGHT * (1 - share))
    return np.concatenate([frame[:first], np.roll(frame[first:], displaced_px, axis=1)])


def test_what_shows_something_else_is_not_found_far_off():
    frames, truth = jerking()
    rng = np.random.default_rng(3)
    spoilt = {
        30: np.full((HEIGHT, WIDTH), 3),
        45: np.full((HEIGHT, WIDTH), 255),
        60: rng.normal(105, 4, (HEIGHT, WIDTH)),
        90: frames[90][::-1, ::-1],
        105: 255 - frames[105],
        160: torn(frames[160], 30, 0.5),
        175: torn(seen_from(field()[0][175], 32, 0), -32, 0.4),  # most rows lie far off
    }
    for number, picture in spoilt.items():
        frames[number] = np.clip(picture, 0, 255)
    motion = estimate(frames)
    np.testing.assert_array_equal(np.flatnonzero(~motion.is_registered), list(spoilt))
    for number in spoilt:
        between = (motion.shifts_px[number - 1] + motion.shifts_px[number + 1]) / 2
        np.testing.assert_allclose(motion.shifts_px[number], between, atol=1e-5)
    good = motion.is_registered
    assert rms_error(motion.shifts_px[good], truth[good]) < 0.1


def test_a_frame_left_out_has_its_own_shift_where_it_is_recognised():
    frames, truth = jerking()
    frames[100] = torn(frames[100], 12, 0.4)
    left = np.zeros(N, bool)
    left[[50, 75, 100]] = True  # a sound one, a jerk, one that is torn indeed
    motion = estimate(frames, is_left_out=left)
    np.testing.assert_array_equal(motion.is_registered, ~left)
    assert np.isnan(motion.scores["match"][left]).all()
    error = motion.shifts_px - truth
    error -= np.median(error, axis=0)
    assert np.abs(error[[50, 75]]).max() < 0.3
    between = (motion.shifts_px[99] + motion.shifts_px[101]) / 2
    np.testing.assert_allclose(motion.shifts_px[100], between, atol=1e-5)
