"""Noise and decay are found in traces with gaps, missing samples and bursts."""

from __future__ import annotations

import numpy as np
import pytest
from deconvolution_reference import uneven_clock

from miniscope_nwb.deconvolve import (
    INDICATOR_DECAY_S,
    decay_kernel,
    estimate_kernels,
    estimate_noise,
    estimate_noises,
    indicator_decay_s,
    kernel_times,
)
from miniscope_nwb.movie import regular_clock

RATE = 20.0


def filtered(events, kernel):
    calcium = np.zeros(len(events))
    for t in range(len(events)):
        calcium[t] = events[t] + sum(
            kernel[lag] * calcium[t - lag - 1] for lag in range(len(kernel)) if t > lag
        )
    return calcium


def cell(rng, n, decay_s=0.5, noise=4.0, size=12.0, order=1):
    kernel = decay_kernel(decay_s, rate_hz=RATE, order=order)
    events = size * rng.poisson(0.4 / RATE, n)
    return filtered(events, kernel) + rng.normal(0, noise, n)


@pytest.mark.parametrize("slow", [0.0, 30.0])
def test_noise_beside_calcium_and_drift(slow):
    rng = np.random.default_rng(0)
    n = 6000
    trace = cell(rng, n) + slow * np.sin(np.arange(n) / 300)
    clock = regular_clock(n, rate_hz=RATE)
    assert estimate_noise(trace, clock, np.zeros(n, bool)) == pytest.approx(4.0, rel=0.05)


def test_noise_ignores_what_is_missing_and_steps_at_gaps():
    """A jump of the baseline across lost frames, and wild missing samples, are no noise."""
    rng = np.random.default_rng(1)
    n = 3000
    clock = uneven_clock(n, RATE, lost=[(i, 1) for i in range(100, n, 100)])
    trace = rng.normal(0, 2.0, n) + 500.0 * (np.arange(n) // 100 % 2)
    is_missing = rng.random(n) < 0.02
    trace[is_missing] = 1e5
    trace[7] = np.nan
    assert estimate_noise(trace, clock, is_missing) == pytest.approx(2.0, rel=0.08)


def test_noise_of_short_stretches_comes_from_differences():
    rng = np.random.default_rng(2)
    n = 2000
    clock = uneven_clock(n, RATE, lost=[(i, 1) for i in range(5, n, 5)])
    trace = rng.normal(0, 3.0, n)
    assert estimate_noise(trace, clock, np.zeros(n, bool)) == pytest.approx(3.0, rel=0.1)


def test_noise_of_hardly_any_samples_is_not_known():
    clock = regular_clock(8, rate_hz=RATE)
    assert np.isnan(estimate_noise(np.arange(8.0), clock, np.zeros(8, bool)))


@pytest.mark.parametrize("order", [1, 2])
def test_coefficients_and_times_belong_together(order):
    kernel = decay_kernel(0.7, rate_hz=RATE, order=order, rise_s=0.1)
    decay, rise = kernel_times(kernel, rate_hz=RATE)
    assert decay == pytest.approx(0.7)
    assert rise == pytest.approx(0.1 if order == 2 else 0.0)
    step = filtered(np.r_[1.0, np.zeros(60)], kernel)
    assert step[41] / step[40] == pytest.approx(np.exp(-1 / (0.7 * RATE)), rel=1e-3)


def test_times_of_a_swinging_kernel_are_not_known():
    assert np.isnan(kernel_times(np.array([0.5, -0.9]), rate_hz=RATE)).all()


@pytest.mark.parametrize(
    ("name", "decay"),
    [("GCaMP6f", 0.5), ("jGCaMP8f", 0.3), ("AAV1-hSyn-gcamp 6s", 1.8), ("", 0.6), (None, 0.6)],
)
def test_indicators_by_name(name, decay):
    assert indicator_decay_s(name) == decay
    assert min(INDICATOR_DECAY_S.values()) > 0.25


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("decay_s", [0.3, 0.8])
def test_decay_is_found_in_long_recordings(decay_s, order):
    rng = np.random.default_rng(3)
    n = 20000
    raw = np.array([cell(rng, n, decay_s, order=order) for _ in range(6)])
    raw[:, 4000:4100] = np.nan
    clock = uneven_clock(n, RATE, lost=[(9000, 50)], joints=[12000])
    kernels = estimate_kernels(raw, clock=clock, noise=np.full(6, 4.0), decay_s=0.5, order=order)
    assert kernels.coefficients.shape == (6, order)
    assert np.median(kernels.decay_s) == pytest.approx(decay_s, rel=0.15)
    assert kernels.warning == ""
    times = [kernel_times(k, rate_hz=RATE)[0] for k in kernels.coefficients]
    np.testing.assert_allclose(times, kernels.decay_s)


def test_unsure_estimates_stay_near_the_indicator():
    """In 50 s of a quiet cell the indicator's time is the better guess."""
    rng = np.random.default_rng(4)
    n = 1000
    raw = np.array([cell(rng, n, 0.5, size=6.0) for _ in range(20)])
    kernels = estimate_kernels(
        raw, clock=regular_clock(n, rate_hz=RATE), noise=np.full(20, 4.0), decay_s=0.5
    )
    error = np.log(kernels.decay_s / 0.5)
    alone = np.log(kernels.estimate_s[np.isfinite(kernels.estimate_s)] / 0.5)
    assert np.sqrt(np.mean(error**2)) < 0.5 * np.sqrt(np.mean(alone**2))


def test_noise_and_nothing_tell_no_decay():
    rng = np.random.default_rng(5)
    raw = np.array([rng.normal(0, 4, 2000), np.full(2000, np.nan), np.zeros(2000)])
    kernels = estimate_kernels(
        raw, clock=regular_clock(2000, rate_hz=RATE), noise=np.array([4.0, np.nan, 0.0])
    )
    np.testing.assert_allclose(kernels.decay_s, 0.6)
    assert np.isnan(kernels.estimate_s).all()
    assert kernels.warning == ""


def test_a_wrong_indicator_is_told():
    rng = np.random.default_rng(6)
    n = 20000
    raw = np.array([cell(rng, n, 1.8) for _ in range(4)])
    kernels = estimate_kernels(
        raw, clock=regular_clock(n, rate_hz=RATE), noise=np.full(4, 4.0), decay_s=0.6
    )
    assert "0.60 s were expected" in kernels.warning


def test_no_cells():
    clock = regular_clock(200, rate_hz=RATE)
    kernels = estimate_kernels(np.empty((0, 200)), clock=clock, noise=np.empty(0), order=2)
    assert kernels.coefficients.shape == (0, 2)


def test_noises_of_many_traces_are_those_of_each():
    rng = np.random.default_rng(8)
    traces = rng.normal(0, 1, (40, 700)) * np.arange(1, 41)[:, None]  # some lots of them
    traces[1, 100:130], traces[3] = np.nan, np.nan
    traces = traces.astype(np.float32)
    clock, is_missing = regular_clock(700, rate_hz=20.0), np.arange(700) % 300 == 7
    found = estimate_noises(traces, clock, is_missing)
    np.testing.assert_array_equal(found, estimate_noises(traces, clock, is_missing, n_threads=2))
    for trace, noise in zip(traces.astype(np.float64), found, strict=True):
        np.testing.assert_equal(noise, estimate_noise(trace, clock, is_missing))
    assert np.isnan(found[3])
    assert found[4] == pytest.approx(5.0, rel=0.1)
