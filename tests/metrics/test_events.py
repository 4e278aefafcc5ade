"""Every rule of the event detector, on traces made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.metrics.events import false_positive_rate, find_events
from miniscope_nwb.movie import FrameClock, regular_clock
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.simulate.activity import Activity

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


def transients(*at, n=60, height=20.0, decay=10.0):
    """A trace with transients of `height` that begin at the frames `at`, without noise."""
    after = np.arange(n)[None] - np.array(at)[:, None]
    return (height * np.exp(-np.maximum(after, 0) / decay) * (after >= 0)).sum(axis=0)


def test_a_bright_cell_that_fires_again_has_two_events():
    """The trace is far above both thresholds when the second one begins."""
    trace = transients(5, 15)
    assert trace[14] > 2 * PARAMS.event_enter
    first, second = events_of(trace)
    assert first[:3] == (5, 5, 14)
    assert second[:2] == (15, 15)
    assert second[3] == pytest.approx(trace[15])
    whole = events_of(trace, from_rest=True)
    assert [event[:3] for event in whole] == [(5, 15, second[2])]


def test_a_new_event_must_rise_as_one_from_a_noisy_baseline():
    """By sqrt(2) times the upper threshold, and by 0.3 of what it rises from; for two frames."""
    base = [0, 0, 9, 8, 7, 6, 5, 5, 5]
    assert len(events_of([*base, 10.7, 10, 5, 0])) == 2
    assert len(events_of([*base, 10.6, 10, 5, 0])) == 1  # 4 * sqrt(2) = 5.66
    assert len(events_of([*base, 10.7, 7, 5, 0])) == 1  # one frame
    high = [0, 40, 39, 38, 37, 36, 36]
    assert len(events_of([*high, 46, 46, 10, 0])) == 1
    assert len(events_of([*high, 47, 47, 10, 0])) == 2


def test_a_burst_is_one_event():
    """What follows a peak within the refractory time belongs to it."""
    assert len(events_of(transients(5, 8))) == 1
    assert len(events_of(transients(5, 9))) == 2


def test_noise_below_the_upper_threshold_is_no_event_before_one():
    assert events_of([0, 3, 2.5, 2.1, 2.1, 2.1, 9, 9, 0]) == [(1, 6, 7, 9)]


@pytest.mark.parametrize("height", [10, 100])
def test_noise_on_a_slow_decay_makes_no_event(height):
    """Neither noise nor 3 % of flicker: 60 transients that decay in 0.5 s stay 60."""
    rng = np.random.default_rng(4)
    trace = transients(*range(50, 6050, 100), n=6100, height=height)
    trace = trace * (1 + 0.03 * rng.normal(size=len(trace))) + rng.normal(size=len(trace))
    assert len(events_of(trace)) == len(events_of(trace, from_rest=True))


@pytest.mark.parametrize("snr", [15, 80])
def test_bright_cells_are_counted_as_dim_ones_are(snr):
    """Simulated bursts, one in 2.5 s and cell: nearly all that lie 0.3 s apart are counted."""
    activity = Activity(8, rate_hz=RATE, burst_rate_hz=0.4, seed=1, device=0)
    blocks = [activity.next_block() for _ in range(4)]
    spikes, calcium = (np.concatenate([block[k] for block in blocks]).T for k in (0, 1))
    noise = np.random.default_rng(1).normal(size=calcium.shape)
    trace = (snr * calcium + noise).astype(np.float32)
    clock = regular_clock(trace.shape[1], rate_hz=RATE)
    frames = [np.flatnonzero(row) for row in spikes]
    n_true = sum(int((np.diff(row, prepend=-100) > 0.3 * RATE).sum()) for row in frames)
    n_found = len(find_events(trace, clock, PARAMS).cell)
    n_joined = len(find_events(trace, clock, PARAMS, from_rest=True).cell)
    assert 0.75 * n_true < n_found < 1.05 * n_true
    assert n_joined < 0.6 * n_true  # what an event that ends at rest misses


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
