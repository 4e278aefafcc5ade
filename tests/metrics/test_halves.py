"""Halves of footprints: the checkerboard, their noise units, their events."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.metrics.halves import events_of_half, is_first_half, normalized
from miniscope_nwb.movie import regular_clock
from miniscope_nwb.params.models import QualityParams

N = 2400
CLOCK = regular_clock(N, rate_hz=20.0)


def test_halves_are_a_checkerboard_that_begins_at_the_first_pixel():
    first = is_first_half(3, 4)
    assert first.astype(int).tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]


def test_a_half_comes_to_noise_units_above_its_slow_baseline():
    rng = np.random.default_rng(0)
    slow = 10 * np.sin(np.arange(N) / N * 2 * np.pi)
    trace = (200 + slow + rng.normal(0, 3, N)).astype(np.float32)
    trace[1000:1010] += 30
    trace[50] = np.nan
    found = normalized(trace[None], CLOCK)[0]
    assert np.isnan(found[50])
    quiet = np.r_[300:900, 1100:2100]
    assert np.std(found[quiet]) == pytest.approx(1, rel=0.12)
    assert abs(np.mean(found[quiet])) < 0.3
    assert np.mean(found[1000:1010]) == pytest.approx(10, rel=0.15)


def test_a_trace_without_noise_or_samples_has_no_units():
    assert np.isnan(normalized(np.full((1, N), np.nan, np.float32), CLOCK)).all()
    assert np.isnan(normalized(np.ones((1, N), np.float32), CLOCK)).all()


def test_events_of_halves_come_cell_by_cell():
    rng = np.random.default_rng(1)
    traces = rng.normal(0, 2, (40, N)).astype(np.float32)
    traces[33, 500:510] += 40
    traces[5, 700:705] += 60
    traces[33, 490:500] = 0
    found = dict(events_of_half(traces, CLOCK, QualityParams(event_enter=7)))
    assert list(found) == list(range(40))
    assert {cell: len(events.peak) for cell, events in found.items() if len(events.peak)} == {
        5: 1,
        33: 1,
    }
    assert found[33].onset[0] == 500
    assert found[5].size[0] == pytest.approx(30, rel=0.15)
