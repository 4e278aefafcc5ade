"""Garbage first stamps, bad origins, repeated and backward stamps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_devices import codes, frames_with, make_device, make_recording, regular

from miniscope_nwb.convert.reconcile import reconcile, reconcile_recording, session_clock_shift
from miniscope_nwb.errors import MismatchError


def with_first(value: float, n: int = 30) -> np.ndarray:
    time_s = regular(n, first_ms=40)
    time_s[0] = value
    return time_s


@pytest.mark.parametrize("garbage", [935703.178, -4294967.296, 12.0, -1.5, 0.091])
def test_garbage_first_stamp_is_replaced(garbage):
    timeline = reconcile(make_device([30], with_first(garbage)))
    np.testing.assert_allclose(timeline.time_s, regular(30, first_ms=40), rtol=0, atol=1e-12)
    (repair,) = timeline.repairs
    assert (repair.rule, repair.frame, repair.recorded_s) == ("first_stamp", 0, garbage)
    assert repair.used_s == timeline.time_s[0]
    assert codes(timeline) == ["first_stamp"]
    assert timeline.clock_shift_s == 0


@pytest.mark.parametrize("fine", [-1.0, -0.05, 0.0, 0.04, 0.09])
def test_first_stamp_inside_the_limits_stays(fine):
    timeline = reconcile(make_device([30], with_first(fine)))
    assert timeline.time_s[0] == fine
    assert "first_stamp" not in codes(timeline)


def test_clock_that_begins_early_but_regularly_is_no_garbage():
    time_s = regular(30, first_ms=-1200)
    np.testing.assert_array_equal(reconcile(make_device([30], time_s)).time_s, time_s)


def test_lone_stamps_do_not_crash():
    assert reconcile(make_device([1], [0.1])).time_s.tolist() == [0.1]
    assert reconcile(make_device([1], [935703.0])).clock_shift_s == -935703.0
    assert reconcile(make_device([2], [900.0, 0.05], rate=20.0)).time_s.tolist() == [0.0, 0.05]
    with pytest.raises(MismatchError, match="backward"):
        reconcile(make_device([2], [900.0, 0.05]))


@pytest.mark.parametrize("origin_ms", [935703178, -935703178])
def test_bad_origin_moves_every_stamp(origin_ms):
    recorded = regular(30, first_ms=origin_ms)
    timeline = reconcile(make_device([30], recorded))
    assert timeline.clock_shift_s == -recorded[0]
    np.testing.assert_array_equal(timeline.time_s, recorded - recorded[0])
    (repair,) = timeline.repairs
    assert (repair.rule, repair.recorded_s, repair.used_s) == ("origin", recorded[0], 0.0)
    assert codes(timeline) == ["bad_origin"]


def test_bad_origin_with_garbage_first_stamp():
    recorded = regular(30, first_ms=935703178)
    recorded[0] = -3.0
    timeline = reconcile(make_device([30], recorded))
    np.testing.assert_allclose(timeline.time_s, regular(30), rtol=0, atol=1e-6)
    assert sorted(repair.rule for repair in timeline.repairs) == ["first_stamp", "origin"]
    (origin,) = [repair for repair in timeline.repairs if repair.rule == "origin"]
    assert origin.used_s - origin.recorded_s == pytest.approx(timeline.clock_shift_s)


def test_hardware_clocks_begin_where_they_like():
    late = regular(30, first_ms=7_200_000)
    onix = make_device([30], late, unit="ticks")
    np.testing.assert_array_equal(reconcile(onix).time_s, late)
    gui = make_recording(make_device([30], late), format="v4gui")
    np.testing.assert_array_equal(reconcile_recording(gui)["My V4 Miniscope"].time_s, late)


def test_devices_with_one_bad_origin_stay_in_step():
    camera = make_device([30], regular(30, first_ms=935703100), name="BehavCam", role="camera")
    scope = make_device([30], regular(30, first_ms=935703178), name="Scope")
    other = make_device([30], regular(30, first_ms=40), name="Scope 2")
    recording = make_recording(camera, scope, other)
    timelines = reconcile_recording(recording)
    assert timelines["Scope"].time_s[0] == 0
    assert timelines["BehavCam"].time_s[0] == pytest.approx(-0.078, abs=1e-6)
    assert timelines["Scope 2"].time_s[0] == 0.04
    assert session_clock_shift(recording, timelines) == -935703.178
    assert session_clock_shift(recording, {}) == 0.0


def test_origins_far_apart_are_moved_one_by_one_and_near_ones_together():
    far = make_device([30], regular(30, first_ms=5_000_000), name="Far", role="camera")
    near = make_device([30], regular(30, first_ms=3_599_000), name="Near", role="camera")
    scope = make_device([30], regular(30, first_ms=3_601_000), name="Scope")
    lone = make_device([30], regular(30, first_ms=935703178), name="Lone", role="camera")
    timelines = reconcile_recording(make_recording(scope, far, near, lone))
    assert timelines["Scope"].time_s[0] == 0
    assert timelines["Near"].time_s[0] == pytest.approx(-2.0)
    assert timelines["Far"].time_s[0] == pytest.approx(1399.0)
    assert timelines["Lone"].time_s[0] == 0


def test_repeated_stamps_are_kept_and_counted():
    time_s = regular(30)
    time_s[[5, 6, 20]] = time_s[[4, 4, 19]]
    timeline = reconcile(make_device([30], time_s))
    np.testing.assert_array_equal(timeline.time_s, time_s)
    assert frames_with(timeline, "duplicate") == [5, 6, 20]
    assert codes(timeline) == ["duplicate_stamps"]
    assert "3 stamps" in timeline.problems[0].message


def test_backward_stamps_stop_unless_kept():
    time_s = regular(30)
    time_s[12] = 0.2
    device = make_device([30], time_s)
    with pytest.raises(MismatchError) as caught:
        reconcile(device)
    for word in ("My V4 Miniscope", "frame 12", "0.350 s", "--stamps interpolate", "--stamps keep"):
        assert word in str(caught.value)
    kept = reconcile(device, stamps="keep")
    np.testing.assert_array_equal(kept.time_s, time_s)
    assert frames_with(kept, "backward") == [12]
    assert "NWB Inspector" in kept.problems[0].message
    collected = reconcile(device, collect=True)
    assert codes(collected, "error") == ["backward_stamps"]
    np.testing.assert_array_equal(collected.time_s, time_s)


@pytest.mark.parametrize("wrong", [0.2, 0.54, 0.66, 5.0])
def test_isolated_bad_stamp_is_interpolated(wrong):
    time_s = regular(30)
    time_s[12] = wrong
    timeline = reconcile(make_device([30], time_s), stamps="interpolate")
    np.testing.assert_allclose(timeline.time_s, regular(30), rtol=0, atol=1e-12)
    (repair,) = timeline.repairs
    assert (repair.rule, repair.frame, repair.recorded_s) == ("interpolated", 12, wrong)
    assert repair.used_s == timeline.time_s[12]
    assert timeline.lost == ()


def test_interpolation_counts_frames_that_have_no_stamp():
    index = np.delete(np.arange(30), 13)
    time_s = regular(30)
    time_s[12] = 0.1
    device = make_device([30], time_s[index], frame_index=index)
    timeline = reconcile(device, on_mismatch="trim", stamps="interpolate")
    assert timeline.time_s[12] == pytest.approx(0.6)


@pytest.mark.parametrize("step_s", [0.055, 0.08, 2.0])
def test_step_of_the_clock_cannot_be_interpolated(step_s):
    time_s = regular(30, first_ms=3000)
    time_s[12:] -= step_s
    device = make_device([30], time_s)
    with pytest.raises(MismatchError, match=r"steps back.*frame 12.*--stamps keep"):
        reconcile(device, stamps="interpolate")
    collected = reconcile(device, stamps="interpolate", collect=True)
    assert codes(collected, "error") == ["clock_step"]
    np.testing.assert_array_equal(collected.time_s, time_s)
    assert frames_with(collected, "backward") == [12]


def test_two_bad_stamps_in_a_row_are_not_isolated():
    time_s = regular(30)
    time_s[12:14] = 0.3, 0.1
    with pytest.raises(MismatchError, match="steps back"):
        reconcile(make_device([30], time_s), stamps="interpolate")


def test_bad_last_stamp_has_no_neighbour():
    time_s = regular(30)
    time_s[-1] = 0.3
    with pytest.raises(MismatchError, match="--stamps keep"):
        reconcile(make_device([30], time_s), stamps="interpolate")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_isolated_stamps_are_found_under_jitter(data):
    """Bad stamps five frames apart are found exactly; no other stamp is touched."""
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    n = 60
    truth = np.round(np.arange(n) * 100 + rng.uniform(-10, 10, n)) / 1000
    bad = 5 * np.array(sorted(data.draw(st.sets(st.integers(1, 11), min_size=1, max_size=6))))
    bad = bad[bad < n - 2]
    far = rng.choice([-1, 1], len(bad)) * rng.uniform(0.35, 50, len(bad))
    recorded = truth.copy()
    recorded[bad] += far
    timeline = reconcile(make_device([n], recorded), stamps="interpolate")
    assert frames_with(timeline, "interpolated") == bad.tolist()
    others = np.setdiff1d(np.arange(n), bad)
    np.testing.assert_array_equal(timeline.time_s[others], recorded[others])
    np.testing.assert_allclose(timeline.time_s[bad], truth[bad], rtol=0, atol=0.021)
    assert (np.diff(timeline.time_s) > 0).all()
