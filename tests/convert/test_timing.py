"""Lost frames are found exactly, and the time report is true."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_devices import make_device, make_recording, regular

from miniscope_nwb.convert.reconcile import reconcile, reconcile_recording
from miniscope_nwb.convert.timing import report_segments, time_report
from miniscope_nwb.recording import LostSpan
from miniscope_nwb.session import Segment


def report(*devices, **options):
    recording = make_recording(*devices)
    return time_report(recording.devices, reconcile_recording(recording, **options))


def n_lost(timeline, evidence: str) -> list[int]:
    return [span.n_lost for span in timeline.lost if span.evidence == evidence]


def saved_numbers(rng, n: int, losses: dict[int, int]) -> np.ndarray:
    """Number of each saved frame among all taken, with `losses` after the saved frames named."""
    steps = np.ones(n, dtype=np.int64)
    for after, number in losses.items():
        steps[after + 1] += number
    return np.cumsum(steps) - 1


planted = st.dictionaries(
    st.integers(0, 17).map(lambda k: 16 * k + 5),
    st.one_of(st.integers(1, 3), st.integers(4, 80)),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(losses=planted, seed=st.integers(0, 2**32 - 1), rate=st.sampled_from([10, 20, 29.8, 60]))
def test_planted_losses_are_found_by_interval(losses, seed, rate):
    """Jitter of up to 20 % of an interval, stamps in whole ms, gaps of any length."""
    rng = np.random.default_rng(seed)
    n = 300
    taken = saved_numbers(rng, n, losses)
    interval = 1000 / rate
    time_s = np.round((taken + rng.uniform(-0.2, 0.2, n)) * interval) / 1000
    timeline = reconcile(make_device([n], time_s))
    expected = [
        LostSpan("My V4 Miniscope", time_s[at], time_s[at + 1], losses[at], "interval")
        for at in sorted(losses)
    ]
    assert list(timeline.lost) == expected


@settings(max_examples=150, deadline=None)
@given(
    losses=planted,
    seed=st.integers(0, 2**32 - 1),
    start=st.integers(-32768, 65535),
    failed=st.sets(st.integers(0, 17).map(lambda k: 16 * k + 12), max_size=4),
    is_signed=st.booleans(),
)
def test_planted_losses_are_found_by_counter(losses, seed, start, failed, is_signed):
    """The counter wraps, may be negative after it, and fails now and then."""
    rng = np.random.default_rng(seed)
    n = 300
    taken = saved_numbers(rng, n, losses)
    time_s = np.round((taken + rng.uniform(-0.2, 0.2, n)) * 50) / 1000
    counter = (start + taken) % 65536
    if is_signed:
        counter = np.where(counter >= 32768, counter - 65536, counter)
    counter[sorted(failed)] = -1
    timeline = reconcile(make_device([n], time_s, counter=counter))
    assert [span.n_lost for span in timeline.lost] == [losses[at] for at in sorted(losses)]
    unsure = {at for at in losses if counter[at] == -1 or counter[at + 1] == -1}
    if start > 10 and not is_signed and start + taken[-1] < 65535:
        assert len(n_lost(timeline, "interval")) == len(unsure)


@settings(max_examples=100, deadline=None)
@given(raw=st.integers(-32768, 65535), away=st.integers(2, 60), n_after=st.integers(0, 3))
def test_reconnect_resets_the_counter(raw, away, n_after):
    """The first frame of a connection holds any number; the time without link is an interval."""
    n, at = 120, 60
    taken = np.arange(n)
    taken[at:] += away - 1
    taken[at + 20 :] += n_after
    counter = 500 + np.arange(n)
    counter[at:] = 1 + np.arange(n - at)
    counter[at + 20 :] += n_after
    counter[at] = raw
    timeline = reconcile(make_device([n], taken * 0.05, counter=counter))
    assert [span.n_lost for span in timeline.lost] == [away - 1] + ([n_after] if n_after else [])


@pytest.mark.parametrize("raw", [0, 1, 2, 3, 4711, 65535, -7])
def test_recording_that_begins_with_the_connection(raw):
    counter = 1 + np.arange(100)
    counter[0] = raw
    counter[50:] += 3
    time_s = np.arange(100) * 0.05
    time_s[50:] += 3 * 0.05
    timeline = reconcile(make_device([100], time_s, counter=counter))
    assert [(span.n_lost, span.evidence) for span in timeline.lost] == [(3, "counter")]


def test_counter_tells_stalls_from_losses():
    """A host that stalls stamps queued frames late and close together: nothing is lost."""
    time_s = regular(100)
    time_s[40:60] = 3.0 + np.arange(20) * 1e-3
    time_s[60:] = regular(100)[60:] + 0.1
    device = make_device([100], time_s, counter=2 + np.arange(100))
    assert reconcile(device).lost == ()
    counter = 2 + np.arange(100)
    counter[55:] += 7
    lossy = make_device([100], time_s, counter=counter)
    assert n_lost(reconcile(lossy), "counter") == [7]


def test_counter_that_does_not_wrap():
    frame_number = np.delete(np.arange(100), [30, 31, 70])
    device = make_device([97], frame_number * 0.05, counter=frame_number, bits=None)
    assert n_lost(reconcile(device), "counter") == [2, 1]
    restarted = np.concatenate((np.arange(50), np.arange(47)))
    device = make_device([97], regular(97), counter=restarted, bits=None)
    assert reconcile(device).lost == ()


@pytest.mark.parametrize("counter", [np.zeros(100), 3 * np.arange(100), np.full(100, -1)])
def test_counter_that_counts_no_frames_is_not_believed(counter):
    time_s = np.delete(regular(102), [40, 41])
    timeline = reconcile(make_device([100], time_s, counter=counter))
    assert [(span.n_lost, span.evidence) for span in timeline.lost] == [(2, "interval")]


def test_counter_through_a_gap_longer_than_its_period():
    taken = np.arange(100)
    taken[50:] += 70_000
    device = make_device([100], taken * 0.05, counter=(2 + taken) % 65536)
    assert n_lost(reconcile(device), "counter") == [70_000]


def test_late_frame_that_is_made_up_is_no_loss():
    time_s = regular(100)
    time_s[40:45] += np.array([120, 90, 60, 40, 10]) / 1000
    assert reconcile(make_device([100], time_s)).lost == ()


def test_delay_that_lasts_is_a_loss_and_not_counted_twice():
    taken = np.arange(100)
    taken[40:] += 2
    taken[43:] += 1
    timeline = reconcile(make_device([100], taken * 0.05))
    assert n_lost(timeline, "interval") == [2, 1]
    late = taken * 0.05
    late[43:48] += 0.04
    assert n_lost(reconcile(make_device([100], late)), "interval") == [2, 1]


def test_report_of_a_plain_recording():
    rng = np.random.default_rng(7)
    time_s = np.delete(regular(1000, first_ms=-20), [100, 101, 500])
    time_s[1:] += rng.integers(-5, 6, 996) / 1000
    (timing,) = report(make_device([997], time_s, rate=20.0))
    intervals = np.diff(time_s) * 1e3
    jitter = np.abs(intervals - np.median(intervals))
    assert timing.n_frames == 997
    assert timing.n_lost == 3
    assert timing.n_gaps == 2
    assert timing.longest_gap_s == pytest.approx(intervals.max() / 1e3)
    assert timing.duration_s == time_s[-1] - time_s[0]
    assert timing.measured_rate_hz == pytest.approx(999 / timing.duration_s)
    assert timing.nominal_rate_hz == 20
    assert timing.median_interval_ms == pytest.approx(np.median(intervals))
    assert timing.jitter_median_ms == pytest.approx(np.median(jitter))
    assert timing.jitter_p99_ms == pytest.approx(np.percentile(jitter, 99))
    assert (timing.offset_s, timing.drift_ppm) == (0.0, 0.0)
    assert (timing.n_duplicated, timing.n_backward, timing.n_repaired) == (0, 0, 0)


def test_damaged_files_do_not_change_the_rates():
    rng = np.random.default_rng(3)
    taken = saved_numbers(rng, 600, {150: 4, 320: 2})
    time_s = np.round(taken * 33.57 + rng.uniform(0, 3, 600)) / 1000
    time_s[0] = 4000.0
    (whole,) = report(make_device([100] * 6, time_s, per_file=100))
    damaged = make_device(
        [100, 30, 100, 100, 100],
        time_s,
        indices=[1, 2, 3, 4, 5],
        states=["whole", "truncated", "whole", "whole", "whole"],
        per_file=100,
    )
    (cut,) = report(damaged)
    for figure in (
        "measured_rate_hz",
        "median_interval_ms",
        "jitter_median_ms",
        "jitter_p99_ms",
        "n_gaps",
        "longest_gap_s",
        "n_repaired",
    ):
        assert getattr(cut, figure) == pytest.approx(getattr(whole, figure)), figure
    assert (whole.n_lost, cut.n_lost) == (6, 6 + 100 + 70)
    assert cut.n_frames == 430


def test_offset_and_drift_against_the_first_scope():
    camera = make_device(
        [100], np.arange(100) * 0.0400004 + 0.5, name="Cam", role="camera", rate=25
    )
    scope = make_device([200], regular(200), name="Scope", rate=20.0)
    slow = make_device([200], regular(200, first_ms=-30), name="No rate")
    cam, first, unknown = report(camera, scope, slow)
    assert cam.offset_s == pytest.approx(0.5)
    assert cam.drift_ppm == pytest.approx(-10, rel=1e-3)
    assert first.drift_ppm == 0
    assert unknown.offset_s == pytest.approx(-0.03)
    assert math.isnan(unknown.drift_ppm)
    assert math.isnan(unknown.nominal_rate_hz)


def test_counts_of_repairs():
    time_s = regular(100)
    time_s[0] = 4711.0
    time_s[10] = time_s[9]
    time_s[50] = 0.3
    (kept,) = report(make_device([100], time_s), stamps="keep")
    assert (kept.n_duplicated, kept.n_backward, kept.n_repaired) == (1, 1, 1)
    (mended,) = report(make_device([104], time_s), stamps="interpolate", on_mismatch="pad")
    assert (mended.n_duplicated, mended.n_backward, mended.n_repaired) == (1, 1, 6)


def test_device_without_frames_has_no_figures():
    device = replace(make_device([10]), stamps=None)
    (timing,) = report(device, collect=True)
    assert timing.n_frames == 0
    assert math.isnan(timing.measured_rate_hz)
    assert math.isnan(timing.jitter_p99_ms)
    (single,) = report(make_device([1], [0.1]))
    assert single.duration_s == 0
    assert math.isnan(single.median_interval_ms)
    assert math.isnan(single.longest_gap_s)
    assert time_report([device], {}) == ()


def test_gap_between_joined_recordings_is_not_lost():
    first = make_recording(make_device([100], regular(100), rate=20.0))
    taken = np.delete(np.arange(101), 30)
    device = make_device(
        [60, 20], taken[:100] * 0.05, states=["truncated", "whole"], per_file=80, rate=20.0
    )
    second = make_recording(device)
    timelines = reconcile_recording(second)
    moved = {
        name: replace(
            timeline,
            time_s=timeline.time_s + 3600,
            lost=tuple(
                replace(span, start_s=span.start_s + 3600, stop_s=span.stop_s + 3600)
                for span in timeline.lost
            ),
        )
        for name, timeline in timelines.items()
    }
    (timing,) = report_segments(
        [Segment(first, reconcile_recording(first)), Segment(second, moved, offset_s=3600.0)]
    )
    assert timing.n_frames == 180
    assert timing.n_lost == 1 + 20
    assert timing.n_gaps == 1
    assert timing.measured_rate_hz == pytest.approx(20.0)
    assert timing.median_interval_ms == pytest.approx(50.0)
    assert timing.duration_s == pytest.approx(3600 + taken[99] * 0.05)


def test_ten_hours_take_less_than_a_second():
    rng = np.random.default_rng(0)
    n = 36_000 * 30
    taken = np.cumsum(1 + (rng.random(n) < 1e-4))
    time_s = np.round(taken * 33.57 + rng.uniform(0, 5, n)) / 1000
    lengths = [1000] * (n // 1000)
    device = make_device(lengths, time_s, per_file=1000, counter=taken % 65536)
    begin = time.process_time()
    (timing,) = report(device)
    assert time.process_time() - begin < 2.0  # 1 s on a desktop; a busy runner may be slower
    assert timing.n_lost == taken[-1] - taken[0] - (n - 1)


def read_real_stamps(path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.int64)


def test_real_recordings_of_miniscopes(real_data):
    """Real V4 scopes are even to a few ms: 29.79, 19.76 or 9.93 frames/s, at most one loss."""
    paths = sorted((real_data / "qt_text").rglob("*iniscope_*/timeStamps.csv"))
    assert len(paths) >= 15
    for path in paths:
        rows = read_real_stamps(path)
        device = make_device([len(rows)], rows[:, 1] / 1000.0, frame_index=rows[:, 0])
        timeline = reconcile(device)
        np.testing.assert_array_equal(timeline.time_s, rows[:, 1] / 1000.0)
        (timing,) = time_report([device], {device.name: timeline})
        nearest = min((29.79, 19.76, 9.93), key=lambda rate: abs(rate - timing.measured_rate_hz))
        if "cnifer" not in str(path):  # recorded while the ring buffer ran full
            assert timing.measured_rate_hz == pytest.approx(nearest, rel=2e-3), path
        assert timing.n_duplicated == timing.n_backward == 0
        assert timing.jitter_p99_ms < 25


def test_real_camera_with_gaps_of_two_seconds(real_data):
    (path,) = (real_data / "qt_text").rglob("16_19_18/behavcam/timeStamps.csv")
    rows = read_real_stamps(path)
    device = make_device([len(rows)], rows[:, 1] / 1000.0, frame_index=rows[:, 0], role="camera")
    timeline = reconcile(device)
    (timing,) = time_report([device], {device.name: timeline})
    assert timing.longest_gap_s == pytest.approx(2.007)
    assert timing.n_lost > 100
    # What is left after the gaps is as even as the camera's 30 frames/s.
    assert timing.measured_rate_hz == pytest.approx(30, rel=0.02)
