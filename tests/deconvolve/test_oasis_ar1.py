"""AR(1) deconvolution is exact: it equals a convex solver, whatever gaps the recording has."""

from __future__ import annotations

import numpy as np
import pytest
from deconvolution_reference import (
    first_seen,
    full_events,
    kernel_matrix,
    make_trace,
    solve,
    uneven_clock,
)

from miniscope_nwb.deconvolve import decay_kernel, deconvolve
from miniscope_nwb.movie import regular_clock

RATE = 20.0
N = 300
KERNEL = decay_kernel(0.5, rate_hz=RATE)
CLOCKS = {
    "regular": regular_clock(N, rate_hz=RATE),
    "lost frames": uneven_clock(N, RATE, lost=[(50, 3), (51, 1), (200, 400)]),
    "joined": uneven_clock(N, RATE, lost=[(40, 2)], joints=[1, 130, 131]),
}


def some_missing(rng, n=N):
    is_missing = rng.random(n) < 0.1
    is_missing[[0, 1, 2, n - 1, n - 2]] = True
    is_missing[125:133] = True  # across the joints
    return is_missing


@pytest.mark.parametrize("with_missing", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 4.0, 40.0])
@pytest.mark.parametrize("name", CLOCKS)
def test_equals_the_convex_solver(name, penalty, with_missing):
    rng = np.random.default_rng(len(name))
    clock = CLOCKS[name]
    y, _, _ = make_trace(rng, KERNEL, clock)
    is_missing = some_missing(rng) if with_missing else np.zeros(N, bool)
    y[is_missing] = np.where(np.arange(is_missing.sum()) % 2, np.nan, 1e6)
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
    assert calcium.max() > 10
    np.testing.assert_allclose(found.denoised, calcium, atol=1e-5)
    first = first_seen(clock, is_missing)
    np.testing.assert_allclose(found.deconvolved[~first], events[~first], atol=1e-5)
    assert not found.deconvolved[first].any()


@pytest.mark.parametrize("name", CLOCKS)
def test_smallest_events_equal_the_convex_solver_with_the_same_bounds(name):
    """With a smallest event the kept ones are the optimum among all of at least that size."""
    rng = np.random.default_rng(5)
    clock = CLOCKS[name]
    y, _, _ = make_trace(rng, KERNEL, clock)
    is_missing = np.zeros(N, bool)
    found = deconvolve(
        y, kernel=KERNEL, clock=clock, noise=3.0, baseline=100.0, penalty=2.0, s_min=1.5
    )
    first = np.r_[True, np.diff(clock.segment) != 0]
    kept = found.deconvolved > 0
    assert kept.sum() > 5
    assert found.deconvolved[kept].min() >= 1.5 * 3.0 - 1e-9
    matrix = kernel_matrix(KERNEL, clock, kept | first)
    calcium, _ = solve(
        y,
        matrix,
        baseline=100.0,
        penalty=2.0,
        is_missing=is_missing,
        smallest=np.where(kept & ~first, 1.5 * 3.0, 0.0),
    )
    np.testing.assert_allclose(found.denoised, calcium, atol=1e-5)


@pytest.mark.parametrize("free_baseline", [False, True])
@pytest.mark.parametrize("name", CLOCKS)
def test_residual_equals_the_noise(name, free_baseline):
    """The chosen penalty spends the noise exactly; baseline and calcium are optimal for it."""
    rng = np.random.default_rng(7)
    clock = CLOCKS[name]
    y, _, _ = make_trace(rng, KERNEL, clock)
    is_missing = some_missing(rng)
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
    assert np.mean(rest**2) == pytest.approx(9.0, rel=1e-3)
    if free_baseline:
        assert abs(rest.mean()) < 1e-3
        assert found.baseline == pytest.approx(100.0, abs=1.5)
    matrix = kernel_matrix(KERNEL, clock, ~is_missing)
    calcium, _ = solve(
        y, matrix, baseline=found.baseline, penalty=found.penalty, is_missing=is_missing
    )
    np.testing.assert_allclose(found.denoised, calcium, atol=1e-5)


def test_calcium_decays_in_true_time_through_lost_frames():
    """Nine frames after nine lost ones the calcium is where 19 frames bring it."""
    clock = uneven_clock(40, RATE, lost=[(20, 9)])
    events = np.zeros(40)
    events[15] = 100.0
    y = kernel_matrix(KERNEL, clock) @ events
    found = deconvolve(y, kernel=KERNEL, clock=clock, noise=1.0, baseline=0.0, penalty=0.0)
    assert found.denoised[20] == pytest.approx(100 * KERNEL[0] ** 14)
    np.testing.assert_allclose(found.deconvolved, events, atol=1e-9)


def test_events_of_the_calcium_are_those_reported():
    rng = np.random.default_rng(2)
    clock = CLOCKS["lost frames"]
    y, _, _ = make_trace(rng, KERNEL, clock)
    found = deconvolve(y, kernel=KERNEL, clock=clock)
    events = full_events(found.denoised, KERNEL, clock)
    np.testing.assert_allclose(found.deconvolved[1:], events[1:], atol=1e-8)


def test_nothing_seen_gives_nothing():
    clock = CLOCKS["regular"]
    found = deconvolve(np.full(N, np.nan), kernel=KERNEL, clock=clock)
    assert not found.denoised.any()
    assert not found.deconvolved.any()
    assert np.isnan([found.baseline, found.penalty, found.noise]).all()


def test_a_constant_trace_has_no_events():
    found = deconvolve(np.full(N, 7.0), kernel=KERNEL, clock=CLOCKS["regular"])
    assert found.baseline == 7.0
    assert not found.denoised.any()
