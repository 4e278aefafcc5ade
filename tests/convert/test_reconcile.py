"""Frames keep their own stamps, whatever is cut, missing or too many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_devices import (
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


def assert_own_stamps(timeline, device) -> None:
    """Every stored frame has the time of the row of its own frame index."""
    stamps = device.stamps
    np.testing.assert_array_equal(stamps.frame_index[timeline.row], timeline.frame_index)
    np.testing.assert_array_equal(stamps.time_s[timeline.row], timeline.time_s)


def test_whole_recording_is_joined_frame_by_frame():
    device = make_device([10, 10, 4], per_file=10)
    timeline = reconcile(device)
    np.testing.assert_array_equal(timeline.part, [0] * 10 + [1] * 10 + [2] * 4)
    np.testing.assert_array_equal(timeline.frame_in_part, [*range(10), *range(10), *range(4)])
    np.testing.assert_array_equal(timeline.frame_index, np.arange(24))
    assert_own_stamps(timeline, device)
    assert (timeline.repairs, timeline.lost, timeline.problems) == ((), (), ())
    assert timeline.clock_shift_s == 0


def test_negative_first_stamp_stays():
    time_s = regular(5, first_ms=-24)
    assert reconcile(make_device([5], time_s)).time_s[0] == -0.024


def test_counting_is_believed_against_wrong_frames_per_file():
    device = make_device([5, 5], per_file=1000)
    timeline = reconcile(device)
    np.testing.assert_array_equal(timeline.frame_index, np.arange(10))
    assert codes(timeline) == ["frames_per_file"]
    assert "1000" in timeline.problems[0].message


def test_single_short_part_agrees_with_any_frames_per_file():
    assert reconcile(make_device([5], per_file=1000)).problems == ()


@pytest.mark.parametrize("per_file", [10, None])
def test_truncated_middle_part_moves_nothing(per_file):
    device = make_device(
        [10, 6, 10, 3],
        regular(33),
        states=["whole", "truncated", "whole", "whole"],
        per_file=per_file,
    )
    timeline = reconcile(device)
    assert_own_stamps(timeline, device)
    assert 16 not in timeline.frame_index
    assert frames_with(timeline, "missing_frame") == [16, 17, 18, 19]
    assert all(np.isnan(repair.used_s) for repair in timeline.repairs)
    assert [repair.recorded_s for repair in timeline.repairs] == [0.8, 0.85, 0.9, 0.95]
    (span,) = timeline.lost
    assert (span.start_s, span.stop_s, span.n_lost, span.evidence) == (0.75, 1.0, 4, "file")
    assert codes(timeline) == ["truncated_part"]
    assert "frames 16 to 19" in timeline.problems[0].message
    assert timeline.problems[0].file == "Miniscope/1.avi"


def test_unfinalised_parts_that_are_complete_lose_nothing():
    device = make_device([10, 10, 3], states=["unfinalised"] * 3, per_file=10)
    timeline = reconcile(device)
    assert timeline.n_frames == 23
    assert (timeline.repairs, timeline.lost) == ((), ())
    assert codes(timeline) == ["damaged_part"] * 3
    assert "2.avi is unfinalised; the 3 frames" in timeline.problems[2].message


@pytest.mark.parametrize(
    ("lengths", "indices", "states"),
    [
        ([10, 10, 3], [0, 2, 3], ["whole", "whole", "whole"]),
        ([10, 0, 10, 3], [0, 1, 2, 3], ["whole", "empty", "whole", "whole"]),
    ],
    ids=["missing", "zero bytes"],
)
def test_hole_in_the_middle_is_listed(lengths, indices, states):
    device = make_device(lengths, regular(33), indices=indices, states=states, per_file=10)
    timeline = reconcile(device)
    assert_own_stamps(timeline, device)
    assert timeline.n_frames == 23
    assert frames_with(timeline, "missing_frame") == list(range(10, 20))
    (span,) = timeline.lost
    assert (span.start_s, span.stop_s, span.n_lost) == (0.45, 1.0, 10)
    assert codes(timeline) == ["missing_part" if len(lengths) == 3 else "empty_part"]


def test_missing_first_part_and_neighbouring_holes_make_one_span_each():
    device = make_device(
        [10, 4, 10],
        regular(50),
        indices=[1, 2, 4],
        states=["whole", "truncated", "whole"],
        per_file=10,
    )
    timeline = reconcile(device)
    assert_own_stamps(timeline, device)
    assert [(s.start_s, s.stop_s, s.n_lost) for s in timeline.lost] == [
        (0.0, 0.5, 10),
        (1.15, 2.0, 16),
    ]


def test_truncated_last_part_drops_its_stamps_only():
    device = make_device([10, 6], regular(18), states=["whole", "truncated"], per_file=10)
    timeline = reconcile(device)
    assert_own_stamps(timeline, device)
    assert frames_with(timeline, "trimmed_stamp") == [16, 17]
    assert codes(timeline) == ["truncated_part"]
    assert "frames 16 to 17" in timeline.problems[0].message
    assert timeline.lost == ()


def test_empty_last_part_is_skipped():
    device = make_device([10, 10, 0], regular(23), states=["whole", "whole", "empty"], per_file=10)
    timeline = reconcile(device)
    assert timeline.n_frames == 20
    assert frames_with(timeline, "trimmed_stamp") == [20, 21, 22]
    assert codes(timeline) == ["empty_part"]


def test_v3_roll_over_ends_with_an_empty_file_without_a_word():
    device = make_device([10, 10, 0], states=["whole", "whole", "empty"], per_file=10)
    assert reconcile(device).problems == ()
    device = make_device([10, 10, 0], per_file=10)
    assert reconcile(device).problems == ()


def test_damaged_last_part_cannot_have_held_more_than_a_file():
    device = make_device([10, 6], regular(45), states=["whole", "truncated"], per_file=10)
    with pytest.raises(MismatchError, match="29 more"):
        reconcile(device)


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


def test_undamaged_short_middle_part_is_the_users_decision():
    device = make_device([10, 8, 10], regular(30), per_file=10)
    with pytest.raises(MismatchError, match=r"1\.avi holds 8 of 10 frames.*2 frames less.*trim"):
        reconcile(device)
    timeline = reconcile(device, on_mismatch="trim")
    assert_own_stamps(timeline, device)
    assert frames_with(timeline, "missing_frame") == [18, 19]
    assert codes(timeline) == ["short_part"]


def test_overfull_part_stops():
    device = make_device([10, 12, 10], regular(33), per_file=10)
    for choice in ("stop", "trim", "pad"):
        with pytest.raises(MismatchError, match=r"1\.avi holds 12 frames, 2 more than the 10"):
            reconcile(device, on_mismatch=choice)
    assert codes(reconcile(device, collect=True), "error")[0] == "overfull_part"


def test_stale_frames_per_file_is_outvoted_by_full_files():
    device = make_device(
        [5, 5, 3], regular(15), states=["whole", "whole", "truncated"], per_file=1000
    )
    timeline = reconcile(device)
    assert_own_stamps(timeline, device)
    assert timeline.n_frames == 13
    assert codes(timeline) == ["frames_per_file", "truncated_part"]


def test_one_short_file_does_not_outvote_the_metadata():
    device = make_device([8, 3], regular(13), states=["whole", "truncated"], per_file=10)
    with pytest.raises(MismatchError, match=r"0\.avi holds 8 of 10"):
        reconcile(device)


def test_unknown_frames_per_file_with_nothing_to_infer_from():
    device = make_device([7, 3], regular(20), states=["truncated", "whole"])
    with pytest.raises(MismatchError, match="framesPerFile"):
        reconcile(device)
    assert reconcile(device, collect=True).n_frames == 10
    confirmed = make_device([700, 3], regular(1003), states=["truncated", "whole"])
    assert reconcile(confirmed).frame_index[-1] == 1002


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


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_ever_shifts_a_frame(data):
    """Cut, empty or remove any files: what remains keeps the stamp of its own frame."""
    per_file = data.draw(st.integers(2, 8))
    n_parts = data.draw(st.integers(1, 6))
    n_last = data.draw(st.integers(1, per_file))
    n_saved = (n_parts - 1) * per_file + n_last
    jitter_ms = data.draw(st.lists(st.integers(0, 9), min_size=n_saved, max_size=n_saved))
    time_s = (np.arange(n_saved) * 33 + np.array(jitter_ms)) / 1000.0
    indices, lengths, states, kept = [], [], [], []
    for index in range(n_parts):
        full = per_file if index < n_parts - 1 else n_last
        fate = data.draw(st.sampled_from(["whole", "unfinalised", "truncated", "empty", "gone"]))
        if fate == "gone" and index < n_parts - 1:
            continue
        fate = "whole" if fate == "gone" else fate
        n = {"truncated": data.draw(st.integers(0, full)), "empty": 0}.get(fate, full)
        indices.append(index)
        lengths.append(n)
        states.append(fate)
        kept.extend(range(index * per_file, index * per_file + n))
    device = make_device(lengths, time_s, indices=indices, states=states, per_file=per_file)
    if not kept:
        with pytest.raises(MismatchError):
            reconcile(device)
        return
    timeline = reconcile(device)
    np.testing.assert_array_equal(timeline.frame_index, kept)
    assert_own_stamps(timeline, device)
    part_index = np.array([part.index for part in device.parts])
    np.testing.assert_array_equal(
        part_index[timeline.part] * per_file + timeline.frame_in_part, timeline.frame_index
    )
    listed = frames_with(timeline, "missing_frame") + frames_with(timeline, "trimmed_stamp")
    assert sorted([*kept, *listed]) == list(range(n_saved))
    n_from_files = sum(span.n_lost for span in timeline.lost if span.evidence == "file")
    assert n_from_files == len(frames_with(timeline, "missing_frame"))


@settings(max_examples=100, deadline=None)
@given(
    gone=st.sets(st.integers(0, 39), max_size=20),
    n_extra=st.integers(0, 5),
    choice=st.sampled_from(["trim", "pad"]),
)
def test_lost_rows_never_shift_a_frame(gone, n_extra, choice):
    index = np.array(sorted(set(range(40)) - gone))
    device = make_device([15, 15, 10 + n_extra], regular(40)[index], frame_index=index, per_file=15)
    timeline = reconcile(device, on_mismatch=choice)
    own = timeline.row >= 0
    np.testing.assert_array_equal(timeline.frame_index[own], index)
    np.testing.assert_array_equal(timeline.time_s[own], regular(40)[index])
    if choice == "pad":
        np.testing.assert_allclose(np.diff(timeline.time_s).min(), 0.05, atol=1e-9)
        assert timeline.n_frames == 40 + n_extra
    assert timeline.lost == ()
