"""AR(2) deconvolution reaches the optimum of the convex problem."""

from __future__ import annotations

import numpy as np
import pytest
from deconvolution_reference import (
    first_seen,
    kernel_matrix,
    make_trace,
    objective,
    solve,
    uneven_clock,
)

from miniscope_nwb.deconvolve import decay_kernel, deconvolve
from miniscope_nwb.movie import regular_clock

RATE = 20.0
N = 300
KERNEL = decay_kernel(0.5, rate_hz=RATE, order=2, rise_s=0.08)
CLOCKS = {
    "regular": regular_clock(N, rate_hz=RATE),
    "lost frames": uneven_clock(N, RATE, lost=[(50, 3), (51, 1), (200, 400)]),
    "joined": uneven_clock(N, RATE, lost=[(40, 2)], joints=[1, 130, 131]),
}


@pytest.mark.parametrize("with_missing", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 4.0, 40.0])
@pytest.mark.parametrize("name", CLOCKS)
def test_objective_equals_the_convex_solver(name, penalty, with_missing):
    """The demand is 1 %; active sets end at the optimum itself."""
    rng = np.random.default_rng(len(name))
    clock = CLOCKS[name]
    y, _, _ = make_trace(rng, KERNEL, clock, rate=0.1)
    is_missing = (rng.random(N) < 0.1) & with_missing
    is_missing[:3] = with_missing
    found = deconvolve(
        y,
        kernel=KERNEL,
        clock=clock,
        is_missing=is_missing,
        noise=3.0,
        baseline=98.0,
        penalty=penalty,
    )
    matrix = kernel_matrix(KERNEL, clock, ~is_missing)
    calcium, events = solve(y, matrix, baseline=98.0, penalty=penalty, is_missing=is_missing)
    ours, *_ = np.linalg.lstsq(matrix, found.denoised, rcond=None)
    best, reached = (
        objective(y, c, s, baseline=98.0, penalty=penalty, is_missing=is_missing)
        for c, s in ((calcium, events), (found.denoised, ours))
    )
    assert ours.min() > -1e-6
    assert reached == pytest.approx(best, rel=1e-6)
    np.testing.assert_allclose(found.denoised, calcium, atol=1e-3)
    first = first_seen(clock, is_missing)
    np.testing.assert_allclose(found.deconvolved[~first], ours[~first], atol=1e-6)
    assert not found.deconvolved[first | is_missing].any()


@pytest.mark.parametrize("name", CLOCKS)
def test_smallest_events_equal_the_convex_solver_with_the_same_bounds(name):
    rng = np.random.default_rng(3)
    clock = CLOCKS[name]
    y, _, _ = make_trace(rng, KERNEL, clock, rate=0.1)
    is_missing = np.zeros(N, bool)
    found = deconvolve(
        y, kernel=KERNEL, clock=clock, noise=3.0, baseline=100.0, penalty=1.0, s_min=1.0
    )
    kept = found.deconvolved > 0
    assert kept.sum() > 5
    assert found.deconvolved[kept].min() >= 3.0 - 1e-9
    first = first_seen(clock, is_missing)
    matrix = kernel_matrix(KERNEL, clock, kept | first)
    lower = np.where(kept & ~first, 3.0, 0.0)
    calcium, events = solve(
        y, matrix, baseline=100.0, penalty=1.0, is_missing=is_missing, smallest=lower
    )
    ours, *_ = np.linalg.lstsq(matrix, found.denoised, rcond=None)
    best, reached = (
        objective(y, c, s, baseline=100.0, penalty=1.0, is_missing=is_missing)
        for c, s in ((calcium, events), (found.denoised, ours))
    )
    assert reached <= best * 1.01


@pytest.mark.parametrize("free_baseline", [False, True])
@pytest.mark.parametrize("name", CLOCKS)
def test_residual_equals_the_noise(name, free_baseline):
    rng = np.random.default_rng(11)
    clock = CLOCKS[name]
    y, _, _ = make_trace(rng, KERNEL, clock)
    is_missing = rng.random(N) < 0.1
    found = deconvolve(
        y,
        kernel=KERNEL,
        clock=clock,
        is_missing=is_missing,
        noise=3.0,
        baseline=None if free_baseline else 99.0,
    )
    rest = (y - found.baseline - found.denoised)[~is_missing]
    assert found.penalty > 0
    assert np.mean(rest**2) == pytest.approx(9.0, rel=2e-3)
    if free_baseline:
        assert abs(rest.mean()) < 1e-2


def test_calcium_follows_true_time_through_lost_frames():
    clock = uneven_clock(60, RATE, lost=[(20, 9), (40, 100)])
    events = np.zeros(60)
    events[18] = 100.0  # still rising when the frames are lost
    y = kernel_matrix(KERNEL, clock) @ events
    found = deconvolve(y, kernel=KERNEL, clock=clock, noise=1.0, baseline=0.0, penalty=0.0)
    decay, rise = np.exp(-1 / (0.5 * RATE)), np.exp(-1 / (0.08 * RATE))
    expected = 100 * (decay**12 - rise**12) / (decay - rise)  # frame 20 comes 11 frames later
    assert found.denoised[20] == pytest.approx(expected)
    np.testing.assert_allclose(found.deconvolved, events, atol=1e-6)


def test_what_was_there_before_decays_slowly():
    """A cell that was active before the recording gives no events."""
    y = 50.0 * np.exp(-np.arange(N) / (0.5 * RATE))
    found = deconvolve(
        y, kernel=KERNEL, clock=CLOCKS["regular"], noise=1.0, baseline=0.0, penalty=0.0
    )
    np.testing.assert_allclose(found.denoised, y, atol=1e-6)
    assert found.deconvolved.max() < 1e-6
