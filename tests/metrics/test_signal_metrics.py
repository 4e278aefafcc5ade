"""Metrics of traces against traces made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from miniscope_nwb.metrics import signal
from miniscope_nwb.movie import regular_clock

RATE = 20.0
N = 4000
CLOCK = regular_clock(N, rate_hz=RATE)


def noise_trace(seed: int = 0, sigma: float = 1.0, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, n).astype(np.float32)


def add_events(trace: np.ndarray, peaks: list[int], height: float, decay_s: float = 0.5) -> None:
    for peak in peaks:
        after = np.arange(len(trace) - peak)
        trace[peak:] += (height * np.exp(-after / RATE / decay_s)).astype(np.float32)


def test_noise_is_that_of_the_frames_whatever_the_events_and_missing_frames():
    trace = noise_trace(sigma=2.5)
    add_events(trace, [300, 900, 1500], 60)
    trace[100:140] = np.nan
    assert signal.noise(trace) == pytest.approx(2.5, rel=0.05)
    assert np.isnan(signal.noise(np.full(9, np.nan, np.float32)))


def test_half_sample_mode_finds_the_dense_part():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(3, 0.1, 600), rng.uniform(3, 30, 400)])
    assert signal.half_sample_mode(values) == pytest.approx(3, abs=0.15)
    assert signal.half_sample_mode(np.array([1.0, 5.0, 5.2])) == pytest.approx(5.1)
    assert np.isnan(signal.half_sample_mode(np.empty(0)))


def test_event_exceptionality_is_the_height_of_a_plateau_over_the_noise():
    """A plateau of z noise units over the window is as likely as z itself in each sample."""
    trace = noise_trace(seed=3, sigma=0.7)
    trace[2000:2010] = 0.7 * 8.0
    snr = signal.event_exceptionality(trace, CLOCK, n_samples=10)
    assert snr == pytest.approx(8.0, rel=0.12)  # the mode and the spread below it are estimates
    assert signal.event_exceptionality(noise_trace(4), CLOCK, n_samples=10) < 2.0


def test_event_exceptionality_takes_no_window_across_a_gap():
    trace = noise_trace(seed=3)
    trace[1995:2005] = 8.0
    steps = CLOCK.steps.copy()
    steps[2000] = 40  # the plateau is two halves of five frames, 39 lost frames apart
    gap = dataclasses.replace(CLOCK, steps=steps)
    whole = signal.event_exceptionality(trace, CLOCK, n_samples=10)
    assert signal.event_exceptionality(trace, gap, n_samples=10) < whole - 1.5
    missing = trace.copy()
    missing[2000] = np.nan
    assert signal.event_exceptionality(missing, CLOCK, n_samples=10) < whole - 1.0
    assert np.isnan(
        signal.event_exceptionality(trace[:5], regular_clock(5, rate_hz=20), n_samples=9)
    )


def test_event_exceptionality_ranks_bright_events():
    """No ceiling where the likelihood, as a number, is zero: a plateau has its own height."""
    found = []
    for height in (20, 30, 36, 40, 60, 200, 1e4, 1e6):
        trace = noise_trace(seed=3)
        trace[2000:2010] = height
        found.append(signal.event_exceptionality(trace, CLOCK, n_samples=10))
    heights = np.array([20, 30, 36, 40, 60, 200, 1e4, 1e6])
    np.testing.assert_allclose(found, heights, rtol=0.12)  # mode and noise are estimates
    np.testing.assert_allclose(np.diff(found) / np.diff(heights), found[0] / 20, rtol=0.05)


def test_event_exceptionality_is_that_of_the_direct_formula_where_this_has_numbers():
    from scipy.stats import gmean, norm

    for height in (0.0, 5.0, 12.0, 25.0, 34.0):
        trace = noise_trace(seed=5, sigma=2.0)
        trace[700:720] += 2.0 * height
        values = trace.astype(np.float64)
        mode = signal.half_sample_mode(values)
        sigma = np.sqrt(np.mean((values[values < mode] - mode) ** 2))
        tails = norm.sf((values - mode) / sigma)
        windows = np.lib.stride_tricks.sliding_window_view(tails, 10)
        direct = norm.isf(gmean(windows, axis=1).min())
        snr = signal.event_exceptionality(trace, CLOCK, n_samples=10)
        assert snr == pytest.approx(direct, rel=1e-9)


def test_robust_snr_is_not_lifted_by_one_artefact():
    trace = noise_trace(sigma=2.0)
    peaks = np.array([500, 1000, 1500, 2000, 2500])
    trace[peaks] = [20, 20, 20, 20, 4000]
    assert signal.robust_snr(trace, peaks) == pytest.approx(10, rel=0.06)
    assert signal.robust_snr(trace, peaks[:0]) == 0


def test_skewness_by_hand():
    values = np.array([0, 0, 0, 4, np.nan], np.float32)
    # mean 1, second moment 3, third (−1 −1 −1 + 27) / 4 = 6
    assert signal.skewness(values) == pytest.approx(6 / 3**1.5)
    assert signal.skewness(-values) == pytest.approx(-6 / 3**1.5)
    assert np.isnan(signal.skewness(np.ones(5, np.float32)))
    assert np.isnan(signal.skewness(np.full(5, np.nan, np.float32)))


def test_rate_counts_measured_time_only():
    assert signal.rate_per_minute(6, n_frames=2400, rate_hz=20) == pytest.approx(3)
    assert np.isnan(signal.rate_per_minute(0, n_frames=0, rate_hz=20))


def test_drift_is_the_step_between_the_thirds():
    trace = np.concatenate([np.zeros(50), np.full(50, 9.0), np.full(50, -2.5)]).astype(np.float32)
    trace[3] = np.nan
    trace[140] = 1e6
    assert signal.drift(trace) == pytest.approx(-2.5)
    trace[:50] = np.nan
    assert np.isnan(signal.drift(trace))


def test_rise_and_decay_of_the_mean_event():
    trace = np.zeros(N, np.float32)
    peaks = np.array([400, 900, 1400])
    add_events(trace, peaks.tolist(), 10, decay_s=0.6)
    for peak in peaks:  # a straight rise over four frames
        trace[peak - 4 : peak] = [0, 2.5, 5, 7.5]
    trace[900] = np.nan
    transient, peak = signal.mean_transient(trace, peaks, CLOCK)
    assert transient[peak] == pytest.approx(10, rel=1e-4)
    assert signal.decay_time(transient, peak, rate_hz=RATE) == pytest.approx(0.6, rel=0.02)
    assert signal.rise_time(transient, peak, rate_hz=RATE) == pytest.approx(2 / RATE, rel=0.02)


def test_transients_stop_at_a_gap():
    trace = np.zeros(N, np.float32)
    trace[1000:] = 7
    steps = CLOCK.steps.copy()
    steps[1000] = 5
    clock = dataclasses.replace(CLOCK, steps=steps)
    transient, peak = signal.mean_transient(trace, np.array([995]), clock)
    assert np.isfinite(transient[: peak + 5]).all()
    assert np.isnan(transient[peak + 5 :]).all()


def test_no_event_has_no_rise_and_no_decay():
    transient, peak = signal.mean_transient(noise_trace(), np.empty(0, np.int64), CLOCK)
    assert np.isnan(transient).all()
    assert np.isnan(signal.rise_time(transient, peak, rate_hz=RATE))
    assert np.isnan(signal.decay_time(transient, peak, rate_hz=RATE))


def test_decay_samples_from_the_kernel():
    first = np.array([[np.exp(-1 / 10)], [np.exp(-1 / 12)], [np.exp(-1 / 11)]], np.float32)
    assert signal.decay_samples(first) == 11
    slow, fast = np.exp(-1 / 8), np.exp(-1 / 1.5)
    second = np.array([[slow + fast, -slow * fast]], np.float32)
    assert signal.decay_samples(second) == 8
    assert signal.decay_samples(np.zeros((2, 1), np.float32)) == 1
    assert signal.decay_samples(np.zeros((0, 1), np.float32)) == 1
