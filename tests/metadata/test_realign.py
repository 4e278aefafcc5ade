"""A recording on the clock of another instrument."""

from __future__ import annotations

import math

import numpy as np
import pytest

from miniscope_nwb.convert.realign import clock_through, realign
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import (
    Intervals,
    LostSpan,
    Note,
    Repair,
    Samples,
    SettingChange,
    Timeline,
)
from miniscope_nwb.session import Segment

FRAMES_S = np.array([0.0, 1.0, 2.0, 4.0])


def test_a_constant_shift_moves_everything_by_it():
    clock = clock_through(FRAMES_S, FRAMES_S + 10)
    np.testing.assert_array_equal(
        clock(np.array([-3.0, 0.5, 4.0, 100.0])), [7.0, 10.5, 14.0, 110.0]
    )


def test_between_the_frames_it_is_linear_and_beyond_them_constant():
    clock = clock_through(FRAMES_S, 2 * FRAMES_S)
    np.testing.assert_allclose(clock(np.array([0.5, 3.0])), [1.0, 6.0])
    np.testing.assert_allclose(clock(np.array([-1.0, 5.0])), [-1.0, 9.0])


def test_repeated_and_backward_stamps_do_not_break_it():
    clock = clock_through(np.array([0.0, 1.0, 1.0, 0.5]), np.array([5.0, 6.0, 6.5, 5.5]))
    np.testing.assert_allclose(clock(np.array([0.0, 0.5, 1.0])), [5.0, 5.5, 6.0])


@pytest.mark.parametrize(
    ("original", "aligned"),
    [(FRAMES_S, FRAMES_S[:-1]), (FRAMES_S[:0], FRAMES_S[:0]), (FRAMES_S, FRAMES_S * np.nan)],
)
def test_what_is_no_alignment_is_refused(original, aligned):
    with pytest.raises(RecordingError, match="align"):
        clock_through(original, aligned)


def test_all_of_a_recording_moves(make_recording):
    time_s = np.array([0.5])
    recording = make_recording(
        samples=(
            Samples("HeadOrientation", "Miniscope", "", "n.a.", ("qw",), time_s, time_s, "x"),
        ),
        notes=(Note(1.0, "hello"),),
        setting_changes=(SettingChange(2.0, "Miniscope", "gain", "2"),),
        intervals=(Intervals("PortStatus", "", "", time_s, time_s + 1, {}, "x"),),
    )
    index = np.arange(4)
    timeline = Timeline(
        "Miniscope", index * 0, index, index, index, FRAMES_S,
        repairs=(Repair("Miniscope", 0, 1.0, math.nan, "trimmed_stamp"),
                 Repair("Miniscope", 1, 99.0, 1.0, "interpolated")),
        lost=(LostSpan("Miniscope", 2.0, 4.0, 1, "interval"),),
    )  # fmt: skip
    moved = realign(
        Segment(recording, {"Miniscope": timeline}), clock_through(FRAMES_S, FRAMES_S + 10)
    )
    new = moved.timelines["Miniscope"]
    np.testing.assert_array_equal(new.time_s, FRAMES_S + 10)
    np.testing.assert_array_equal(new.frame_index, index)
    assert math.isnan(new.repairs[0].used_s)
    assert (new.repairs[1].recorded_s, new.repairs[1].used_s) == (99.0, 11.0)
    assert (new.lost[0].start_s, new.lost[0].stop_s) == (12.0, 14.0)
    assert moved.recording.samples[0].time_s.tolist() == [10.5]
    assert moved.recording.samples[0].data.tolist() == [0.5]
    assert moved.recording.notes[0].time_s == 11.0
    assert moved.recording.setting_changes[0].time_s == 12.0
    assert moved.recording.intervals[0].start_s.tolist() == [10.5]
    assert moved.recording.intervals[0].stop_s.tolist() == [11.5]
