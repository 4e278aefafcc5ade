"""Every rule of the event detector, on traces made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.metrics.events import false_positive_rate, find_events
from miniscope_nwb.movie import FrameClock, regular_clock
from miniscope_nwb.params.models import QualityParams

RATE = 20.0
PARAMS = QualityParams(event_enter=4.0, event_confirm=2.0, event_min_s=0.1, event_refractory_s=0.2)


def clock_of(n, *, lost=(), joints=()):
    """Frames at 20 Hz with (frame, n_lost) before a frame and new segments at `joints`."""
    steps = np.ones(n, np.int64)
    for frame, n_lost in lost:
        steps[frame] += n_lost
    segment = np.zeros(n, np.int64)
    for joint in joints:
        segment[joint:] += 1
    return FrameClock(np.cumsum(steps) / RATE, steps, segment, RATE)


def events_of(values, clock=None, params=PARAMS, **options):
    trace = np.asarray(values, np.float32)
    found = find_events(
        trace[None], clock or regular_clock(len(trace), rate_hz=RATE), params, **options
    )
    assert not found.cell.any()
    return list(zip(found.onset.tolist(), found.peak.tolist(), found.end.tolist(), found.size))


def test_onset_peak_end_and_size():
    """From the first to the last sample above the lower threshold."""
    assert events_of([0, 1, 2.5, 3, 6, 5, 3, 2.1, 1.9, 0]) == [(2, 4, 7, 6)]


def test_must_reach_the_upper_threshold():
    assert events_of([0, 3, 3.9, 3, 0]) == []
    assert events_of([0, 3, 4.0, 3, 0]) == [(1, 2, 3, 4)]


def test_the_lower_threshold_itself_is_not_above():
    assert events_of([2.0, 2.0, 5, 5, 2.0]) == [(2, 2, 3, 5)]


def test_shortest_duration():
    """0.1 s are two frames at 20 Hz, at 19.9 and at 20.1."""
    assert events_of([0, 9, 0, 0, 0, 0, 0, 0]) == []
    assert events_of([0, 9, 3, 0, 0, 0, 0, 0]) == [(1, 1, 2, 9)]
    for rate in (19.9, 20.1):
        assert events_of([0, 9, 3, 0], regular_clock(4, rate_hz=rate)) == [(1, 1, 2, 9)]
        assert events_of([0, 9, 0, 0], regular_clock(4, rate_hz=rate)) == []


def test_refractory_time_joins_events():
    """0.2 s from the end of one to the onset of the next are two events, less is one."""
    joined = [0, 5, 5, 0, 0, 6, 7, 0]  # 0.15 s
    apart = [0, 5, 5, 0, 0, 0, 0, 7, 6, 0]  # 0.25 s
    assert events_of(joined) == [(1, 6, 6, 7)]
    assert events_of(joined[::-1]) == [(1, 1, 6, 7)]
    assert events_of(apart) == [(1, 1, 2, 5), (7, 7, 8, 7)]


def test_noise_before_an_event_does_not_move_its_onset():
    """Only events are joined, not what stays below the upper threshold."""
    assert events_of([0, 3, 3, 1, 5, 5, 0]) == [(4, 4, 5, 5)]


def test_samples_not_measured_do_not_cut_an_event():
    nan = np.nan
    assert events_of([0, 3, nan, nan, 5, 3, 0]) == [(1, 4, 5, 5)]
    assert events_of([nan, 5, nan, nan, 0, 0]) == []  # one sample was measured above
    assert events_of([nan, nan, nan]) == []


def test_a_long_hole_cuts_an_event():
    """After 0.25 s nobody knows what was between; what remains is no event on its own here."""
    nan = np.nan
    assert events_of([0, 5, 5, nan, nan, nan, nan, 3, 3, 0]) == [(1, 1, 2, 5)]
    assert events_of([0, 5, 5, nan, nan, nan, nan, 6, 3, 0]) == [(1, 1, 2, 5), (7, 7, 8, 6)]


@pytest.mark.parametrize(("n_lost", "expected"), [(2, [(1, 1, 4, 5)]), (9, [(1, 1, 2, 5)])])
def test_lost_frames_count_in_true_time(n_lost, expected):
    clock = clock_of(6, lost=[(3, n_lost)])
    assert events_of([0, 5, 5, 3, 3, 0], clock) == expected


def test_a_new_recording_ends_an_event():
    clock = clock_of(8, joints=[4])
    assert events_of([0, 0, 5, 5, 6, 6, 0, 0], clock) == [(2, 2, 3, 5), (4, 4, 5, 6)]
    single = clock_of(6, joints=[3])
    assert events_of([0, 0, 9, 9, 0, 0], single) == []  # a frame on either side


def test_events_at_the_ends_count():
    assert events_of([5, 5, 0, 0, 0, 0, 0, 0, 6, 7]) == [(0, 0, 1, 5), (8, 9, 9, 7)]


def test_the_order_is_that_of_the_onsets():
    traces = np.zeros((3, 40), np.float32)
    traces[2, 5:8] = 6
    traces[0, 5:8] = 5
    traces[0, 30:33] = 7
    traces[1, 12:15] = 8
    found = find_events(traces, regular_clock(40, rate_hz=RATE), PARAMS)
    assert found.cell.tolist() == [0, 2, 1, 0]
    assert found.onset.tolist() == [5, 5, 12, 30]
    assert found.size.dtype == np.float32


def test_inverted_traces_tell_the_false_positives():
    values = np.zeros((2, 1200), np.float32)  # one minute
    values[0, 100:110] = 9
    values[0, 500:503] = -5
    values[0, 600:604] = -6
    values[1] = np.nan
    clock = regular_clock(1200, rate_hz=RATE)
    inverted = find_events(values, clock, PARAMS, inverted=True)
    assert inverted.onset.tolist() == [500, 600]
    assert inverted.size.tolist() == [5, 6]
    rate = false_positive_rate(values, clock, PARAMS)
    assert rate[0] == pytest.approx(2.0)
    assert np.isnan(rate[1])


def test_noise_alone_gives_few_events_and_the_same_inverted():
    """White noise at 4 sigma with two neighbours above 2: about none in ten minutes a cell."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (20, 12000)).astype(np.float32)
    clock = regular_clock(12000, rate_hz=RATE)
    upright = find_events(noise, clock, PARAMS)
    assert len(upright.cell) < 10
    assert false_positive_rate(noise, clock, PARAMS).mean() < 0.05


def test_no_cells_no_events():
    found = find_events(np.empty((0, 50), np.float32), regular_clock(50, rate_hz=RATE), PARAMS)
    assert len(found.cell) == len(found.size) == 0
