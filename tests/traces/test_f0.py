"""F0 follows the baseline in true time, and starts from scratch in a joined recording."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.movie import FrameClock, regular_clock
from miniscope_nwb.traces.f0 import running_percentile

RATE = 20.0


def running(values, clock=None, percentile=10.0, window_s=20.0):
    values = np.atleast_2d(np.asarray(values, np.float32))
    clock = clock or regular_clock(values.shape[1], rate_hz=RATE)
    return running_percentile(values, clock, percentile=percentile, window_s=window_s)


def test_the_percentile_of_a_short_recording():
    """Shorter than a window: one value, numpy's percentile."""
    values = np.random.default_rng(0).normal(50, 5, 300)
    np.testing.assert_allclose(running(values)[0], np.percentile(values, 10), rtol=1e-6)


def test_follows_a_slow_fall_and_not_the_transients():
    n = 6000
    baseline = 100 - 20 * np.arange(n) / n
    values = baseline + 30 * (np.arange(n) % 200 < 60)
    found = running(values)[0]
    np.testing.assert_allclose(found[200:-200], baseline[200:-200], atol=0.8)


@pytest.mark.parametrize("percentile", [1.0, 10.0, 50.0])
def test_missing_samples_do_not_count(percentile):
    rng = np.random.default_rng(1)
    values = rng.normal(50, 5, (2, 400)).astype(np.float32)
    values[0, rng.random(400) < 0.3] = np.nan
    values[1, :385] = np.nan
    found = running(values, percentile=percentile)
    np.testing.assert_allclose(found[0], np.nanpercentile(values[0], percentile), rtol=1e-5)
    assert np.isnan(found[1]).all()  # 15 samples are too few


def test_a_hole_is_bridged():
    values = np.full(4000, 10.0)
    values[2000:] = 20.0
    values[1200:2800] = np.nan
    found = running(values)[0]
    assert np.isfinite(found).all()
    assert 10 < found[2000] < 20
    assert found[500] == 10
    assert found[3500] == 20


def test_segments_know_nothing_of_each_other():
    n = 2000
    segment = (np.arange(n) >= 1100).astype(np.int64)
    clock = FrameClock(np.arange(n) / RATE, np.ones(n, np.int64), segment, RATE)
    values = np.where(segment == 0, 100.0, 10.0)
    found = running(values, clock)[0]
    np.testing.assert_array_equal(found, values)


def test_windows_are_of_seconds_whatever_was_lost():
    """After 1000 s without frames nothing of before counts."""
    n = 1000
    steps = np.ones(n, np.int64)
    steps[500] = 20001
    times = np.cumsum(steps) / RATE
    clock = FrameClock(times, steps, np.zeros(n, np.int64), RATE)
    values = np.where(np.arange(n) < 500, 100.0, 10.0)
    found = running(values, clock)[0]
    np.testing.assert_allclose(found[:490], 100, atol=1.0)
    np.testing.assert_allclose(found[510:], 10, atol=1.0)
