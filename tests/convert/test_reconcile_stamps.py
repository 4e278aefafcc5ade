"""Frames keep their own stamps where stamps are missing or too many; or it stops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_devices import (
    assert_own_stamps,
    codes,
    frames_with,
    make_device,
    make_part,
    make_recording,
    make_stamps,
    regular,
)

from miniscope_nwb.convert.findings import spell_frames
from miniscope_nwb.convert.reconcile import reconcile, reconcile_recording
from miniscope_nwb.errors import MismatchError


def test_surplus_stamps_stop_with_count_file_and_option():
    device = make_device([10, 10], regular(23), per_file=10)
    with pytest.raises(MismatchError) as caught:
        reconcile(device)
    for word in ("My V4 Miniscope", "timeStamps.csv", "3 more", "1.avi", "--on-mismatch trim"):
        assert word in str(caught.value)
    with pytest.raises(MismatchError, match="never frames"):
        reconcile(device, on_mismatch="pad")
    timeline = reconcile(device, on_mismatch="trim")
    assert timeline.n_frames == 20
    assert frames_with(timeline, "trimmed_stamp") == [20, 21, 22]
    collected = reconcile(device, collect=True)
    assert codes(collected, "error") == ["surplus_stamps"]
    assert collected.n_frames == 20


def test_onix_may_lack_one_frame_at_the_end():
    device = make_device([20], regular(21, first_ms=90_000), unit="ticks", tail_slack=1)
    timeline = reconcile(device)
    assert frames_with(timeline, "trimmed_stamp") == [20]
    with pytest.raises(MismatchError):
        reconcile(make_device([20], regular(22), unit="ticks", tail_slack=1))


def test_frames_of_one_ring_without_stamp_are_left_out():
    device = make_device([200, 150], regular(222), per_file=200)
    timeline = reconcile(device)
    assert_own_stamps(timeline, device)
    assert frames_with(timeline, "trimmed_frame") == list(range(222, 350))
    assert codes(timeline) == ["lone_frames"]
    short = make_device([200, 150], regular(221), per_file=200)
    with pytest.raises(MismatchError, match=r"129 frames at the end.*1\.avi.*trim.*pad"):
        reconcile(short)
    assert reconcile(short, on_mismatch="trim").n_frames == 221


def test_pad_extrapolates_with_the_median_interval():
    device = make_device([200, 150], regular(221), per_file=200)
    timeline = reconcile(device, on_mismatch="pad")
    assert timeline.n_frames == 350
    np.testing.assert_allclose(timeline.time_s, regular(350), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(timeline.time_s[:221], regular(221))
    assert (timeline.row[221:] == -1).all()
    assert (timeline.row[:221] == np.arange(221)).all()
    assert frames_with(timeline, "padded") == list(range(221, 350))
    assert np.isnan([r.recorded_s for r in timeline.repairs]).all()
    assert codes(timeline) == ["padded_stamps"]
    assert timeline.lost == ()


def test_rows_missing_in_the_middle():
    index = np.delete(np.arange(30), [12, 13])
    device = make_device([10, 10, 10], regular(30)[index], frame_index=index, per_file=10)
    with pytest.raises(MismatchError, match="frames 12 to 13"):
        reconcile(device)
    trimmed = reconcile(device, on_mismatch="trim")
    assert_own_stamps(trimmed, device)
    assert frames_with(trimmed, "trimmed_frame") == [12, 13]
    assert trimmed.lost == ()
    padded = reconcile(device, on_mismatch="pad")
    np.testing.assert_allclose(padded.time_s, regular(30), rtol=0, atol=1e-12)
    assert frames_with(padded, "padded") == [12, 13]
    assert codes(reconcile(device, collect=True), "error") == ["lone_frames"]


def test_rows_without_a_time_count_as_missing():
    time_s = regular(20)
    time_s[[5, 9]] = np.nan, np.inf
    device = make_device([20], time_s)
    with pytest.raises(MismatchError, match="frames 5 and 9"):
        reconcile(device)
    np.testing.assert_allclose(reconcile(device, on_mismatch="pad").time_s, regular(20))
    with pytest.raises(MismatchError, match="holds a time"):
        reconcile(make_device([3], np.full(3, np.nan)))
    collected = reconcile(make_device([3], np.full(3, np.nan)), collect=True)
    assert codes(collected, "error") == ["no_stamps"]


@pytest.mark.parametrize(("at", "jump"), [(23, 99_999_380.0), (10, 61.0)])
def test_a_stamp_that_is_far_from_all_others_is_told(at, jump):
    time_s = regular(24)
    time_s[at:] += jump
    timeline = reconcile(make_device([24], time_s, counter=np.arange(24)))
    (told,) = [problem for problem in timeline.problems if problem.code == "long_gap"]
    assert told.severity == "warning"
    assert f"frame {at} is stamped {jump + 0.05:.10g} s after" in told.message
    assert "Miniscope/timeStamps.csv" in told.message
    np.testing.assert_array_equal(timeline.time_s, time_s)  # told, not altered


@pytest.mark.parametrize("jump", [50.0, 200.0])
def test_a_pause_within_a_longer_recording_is_not(jump):
    time_s = regular(5000)  # 250 s
    time_s[900:] += jump
    assert "long_gap" not in codes(reconcile(make_device([5000], time_s)), "warning")


def test_restarting_counter_stops():
    index = np.concatenate((np.arange(20), np.arange(10)))
    device = make_device([30], regular(30), frame_index=index)
    with pytest.raises(MismatchError, match="restart at data row 21"):
        reconcile(device)
    assert reconcile(device, collect=True).n_frames == 20


@pytest.mark.parametrize("lack", ["stamps file", "rows", "frames", "files"])
def test_device_without_frames_or_stamps(lack):
    device = make_device([20])
    if lack == "stamps file":
        device = replace(device, stamps=None)
    elif lack == "rows":
        device = replace(device, stamps=make_stamps([]))
    elif lack == "frames":
        device = replace(device, parts=(make_part(0, 0, "empty"),))
    else:
        device = replace(device, parts=())
    with pytest.raises(MismatchError, match=r"My V4 Miniscope: .*--on-mismatch trim"):
        reconcile(device)
    empty = reconcile(device, collect=True)
    assert empty.n_frames == 0
    assert len(codes(empty, "error")) == 1
    other = make_device([10], name="BehavCam 0", role="camera")
    timelines = reconcile_recording(make_recording(device, other), on_mismatch="trim")
    assert list(timelines) == ["BehavCam 0"]
    assert timelines["BehavCam 0"].problems[0].device == "My V4 Miniscope"
    with pytest.raises(MismatchError, match="No device has a frame"):
        reconcile_recording(make_recording(device), on_mismatch="trim")


def test_no_frame_has_a_stamp():
    device = make_device([10], regular(10), frame_index=np.arange(500, 510))
    with pytest.raises(MismatchError, match="no frame"):
        reconcile(device)
    assert reconcile(device, collect=True).n_frames == 0


def test_pad_needs_an_interval():
    device = make_device([10], [0.0])
    with pytest.raises(MismatchError, match="too few stamps"):
        reconcile(device, on_mismatch="pad")
    assert reconcile(device, on_mismatch="pad", collect=True).n_frames == 1
    timeline = reconcile(make_device([10], [0.0], rate=20.0), on_mismatch="pad")
    np.testing.assert_allclose(timeline.time_s, regular(10))


def test_spell_frames():
    assert spell_frames([7]) == "frame 7"
    assert spell_frames([7, 8, 9]) == "frames 7 to 9"
    assert spell_frames([1, 3, 4, 9]) == "frames 1, 3 to 4 and 9"
    assert spell_frames([1, 3, 5, 7, 9]) == "frames 1, 3, 5 and 2 more runs"
