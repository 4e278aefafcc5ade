"""Frames keep their own stamps where files are cut, empty, missing or too short."""

from __future__ import annotations

import numpy as np
import pytest
from made_devices import assert_own_stamps, codes, frames_with, make_device, regular

from miniscope_nwb.convert.reconcile import reconcile
from miniscope_nwb.errors import MismatchError


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
