"""The clock of ONIX recordings: both layouts, whole, cut and of another recording."""

from __future__ import annotations

import numpy as np
import pytest
from builders.onix import SENSOR_ROWS, make_onix
from onix_reading import HZ, read, values_of
from told import codes, message, source_file

from miniscope_nwb.convert.readers.onix_clock import READOUT
from miniscope_nwb.convert.reconcile import reconcile_recording


def test_one_word_a_frame_tells_no_readout(tmp_path):
    make_onix(tmp_path, words_per_frame=1)
    assert READOUT not in values_of(read(tmp_path))


@pytest.mark.parametrize("n_surplus", [-2, -1, 1])
@pytest.mark.parametrize("words_per_frame", [1, SENSOR_ROWS])
def test_last_frame_or_stamp_may_be_missing(tmp_path, n_surplus, words_per_frame):
    make_onix(tmp_path, n_stamps=20 + n_surplus, words_per_frame=words_per_frame)
    recording = read(tmp_path)
    assert recording.problems == ()
    timeline = reconcile_recording(recording)["Miniscope"]
    assert timeline.n_frames == 20 + min(n_surplus, 0)
    assert all(problem.severity == "warning" for problem in timeline.problems)


@pytest.mark.parametrize("words_per_frame", [1, SENSOR_ROWS])
@pytest.mark.parametrize("n_stamps", [1, 5, 12, 30, 39])
def test_words_a_frame_are_told_where_counts_differ(tmp_path, words_per_frame, n_stamps):
    make_onix(tmp_path, words_per_frame=words_per_frame, n_stamps=n_stamps)
    recording = read(tmp_path)
    assert codes(recording, "error") == []
    assert recording.devices[0].stamps.n_rows == n_stamps


@pytest.mark.parametrize(("words_per_frame", "n_stamps"), [(1, 40), (2, 20), (48, 20)])
def test_other_numbers_of_clock_words_stop(tmp_path, words_per_frame, n_stamps):
    truth = make_onix(tmp_path, words_per_frame=words_per_frame, n_stamps=n_stamps)
    recording = read(tmp_path)
    assert codes(recording, "error") == ["bad_stamps"]
    text = message(recording, "bad_stamps")
    assert f"found {words_per_frame * n_stamps} words" in text
    assert "20 frames" in text
    assert not source_file(recording, truth.clock).converted


@pytest.mark.parametrize("n_frames", [1, 2, 3])
@pytest.mark.parametrize("words_per_frame", [1, SENSOR_ROWS])
def test_shortest_recordings(tmp_path, n_frames, words_per_frame):
    make_onix(tmp_path, n_frames=n_frames, words_per_frame=words_per_frame)
    assert read(tmp_path).devices[0].stamps.n_rows == n_frames


@pytest.mark.parametrize("words_per_frame", [1, SENSOR_ROWS])
def test_cut_video_keeps_its_stamps(tmp_path, words_per_frame):
    truth = make_onix(tmp_path, words_per_frame=words_per_frame)
    data = truth.video.read_bytes()
    truth.video.write_bytes(data[: len(data) // 2])
    recording = read(tmp_path)
    assert codes(recording, "error") == []
    timeline = reconcile_recording(recording)["Miniscope"]
    assert 5 < timeline.n_frames < 15
    np.testing.assert_array_equal(
        timeline.time_s, truth.ticks[: timeline.n_frames].astype(float) / HZ
    )
    assert {repair.rule for repair in timeline.repairs} == {"trimmed_stamp"}


def test_half_written_clock(tmp_path):
    truth = make_onix(tmp_path)
    truth.clock.write_bytes(truth.clock.read_bytes()[:-11])
    recording = read(tmp_path)
    assert codes(recording) == ["mended_clock", "mended_clock"]
    assert recording.devices[0].stamps.n_rows == 19
    assert reconcile_recording(recording)["Miniscope"].n_frames == 19


def test_clock_ends_in_zeros(tmp_path):
    truth = make_onix(tmp_path, words_per_frame=1)
    truth.clock.write_bytes(truth.clock.read_bytes()[:-16] + bytes(16))
    recording = read(tmp_path)
    assert "2 words are zero" in message(recording, "mended_clock")
    assert recording.devices[0].stamps.n_rows == 18


@pytest.mark.parametrize("data", [b"", b"123", bytes(80)])
def test_clock_without_a_stamp_stops(tmp_path, data):
    truth = make_onix(tmp_path)
    truth.clock.write_bytes(data)
    assert codes(read(tmp_path), "error") == ["bad_stamps"]
