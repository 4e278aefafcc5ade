"""ONIX recordings: official and ACE's names, whole, several in a folder, beside other files."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from builders.onix import SENSOR_ROWS, make_onix, readout_ticks, write_avi
from onix_reading import HZ, READER, read, values_of
from told import codes, message, source_file

from miniscope_nwb.convert.readers.base import Reader
from miniscope_nwb.convert.readers.onix_clock import READOUT
from miniscope_nwb.convert.reconcile import reconcile_recording
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import ReadOptions
from miniscope_nwb.video.decode import read_frames


def test_is_a_reader():
    assert isinstance(READER, Reader)


@pytest.mark.parametrize("words_per_frame", [1, SENSOR_ROWS])
@pytest.mark.parametrize("is_lab", [False, True])
def test_whole_recording(tmp_path, words_per_frame, is_lab):
    truth = make_onix(
        tmp_path, words_per_frame=words_per_frame, is_lab=is_lab, has_header=not is_lab
    )
    match = READER.sniff(tmp_path)
    assert [source.key for source in match.sources] == ["0"]
    recording = read(tmp_path)
    assert recording.problems == ()
    assert recording.label == ""
    assert recording.start.value == datetime(2026, 3, 2, 14, 5, 7, 123456, tzinfo=UTC)
    (scope,) = recording.scopes
    assert (scope.name, scope.folder, scope.device_type) == ("Miniscope", ".", "Miniscope_V4")
    assert (scope.parts[0].width, scope.parts[0].height, scope.parts[0].n_frames) == (64, 48, 20)
    stamps = scope.stamps
    assert stamps.unit == "ticks"
    assert stamps.tail_slack == 1
    np.testing.assert_array_equal(stamps.recorded, truth.ticks.astype(float))
    np.testing.assert_array_equal(stamps.time_s, truth.ticks.astype(float) / HZ)
    assert stamps.time_s[0] > 12  # counted from the start of the context, and left so
    timeline = reconcile_recording(recording)["Miniscope"]
    assert (timeline.problems, timeline.repairs, timeline.lost) == ((), (), ())
    np.testing.assert_array_equal(timeline.time_s, stamps.time_s)
    assert all(file.converted for file in recording.source_files)
    assert all(file.device == "Miniscope" for file in recording.source_files)


def test_frames_are_those_recorded(tmp_path):
    truth = make_onix(tmp_path, fourcc="Y16 ")
    (part,) = read(tmp_path).devices[0].parts
    assert (part.fourcc, part.pixel_format) == ("Y16 ", "gray16")
    frames = np.stack(list(read_frames(part)))
    assert frames.dtype == np.uint16
    np.testing.assert_array_equal(frames, truth.frames)


def test_settings(tmp_path):
    truth = make_onix(tmp_path)
    values = values_of(read(tmp_path))
    assert values["Timestamp"] == truth.options.start
    assert values["AcquisitionClockHz"] == HZ
    assert values["BlockReadSize"] == values["BlockWriteSize"] == 2048
    assert values[READOUT] == readout_ticks(truth.options) / HZ


@pytest.mark.parametrize(
    ("kind", "code"),
    [("video", "no_video"), ("clock", "no_stamps"), ("start", "no_start_time")],
)
def test_missing_file_stops(tmp_path, kind, code):
    truth = make_onix(tmp_path)
    getattr(truth, kind).unlink()
    assert READER.sniff(tmp_path).sources
    recording = read(tmp_path)
    assert codes(recording, "error") == [code]
    assert "_0." in message(recording, code)


def test_several_recordings(tmp_path):
    truths = {key: make_onix(tmp_path, key=key, seed=int(key)) for key in ("10", "2")}
    match = READER.sniff(tmp_path)
    assert [source.key for source in match.sources] == ["2", "10"]
    for key, truth in truths.items():
        recording = read(tmp_path, key)
        assert recording.label == key
        assert recording.devices[0].parts[0].path == truth.video
        assert {file.path for file in recording.source_files} == {
            truth.video, truth.clock, truth.start, truth.bno055, truth.port_status
        }  # fmt: skip
        np.testing.assert_array_equal(recording.devices[0].stamps.recorded, truth.ticks)
    with pytest.raises(RecordingError, match="no single ONIX recording"):
        read(tmp_path, "")


def test_times_as_suffix_may_differ_by_a_second(tmp_path):
    truth = make_onix(tmp_path, key="2026-03-02T14_05_07")
    truth.clock.rename(tmp_path / "ucla-miniscope-v4-clock_2026-03-02T14_05_08.raw")
    truth.start.rename(tmp_path / "start-time_2026-03-02T14_05_06.csv")
    (source,) = READER.sniff(tmp_path).sources
    recording = READER.read(source, ReadOptions())
    assert recording.problems == ()
    assert recording.devices[0].stamps.n_rows == 20


def test_miniscope_start_time_is_preferred(tmp_path):
    truth = make_onix(tmp_path, is_lab=True)
    other = tmp_path / "start-time_0.csv"
    other.write_text("2020-01-01T00:00:00Z,1000,1,1\n", encoding="utf-8")
    recording = read(tmp_path)
    assert values_of(recording)["AcquisitionClockHz"] == HZ
    assert not source_file(recording, other).converted
    assert truth.start.name in source_file(recording, other).note


def test_other_files_are_listed(tmp_path):
    make_onix(tmp_path)
    ephys = tmp_path / "rhs2116pair-ac_0.raw"
    ephys.write_bytes(bytes(64))
    derived = tmp_path / "ucla-miniscope-v4-video_0_mc.avi"
    derived.write_bytes(bytes(64))
    recording = read(tmp_path)
    assert recording.problems == ()
    assert not source_file(recording, ephys).converted
    assert "another stream" in source_file(recording, ephys).note
    assert "analysis software" in source_file(recording, derived).note


def test_lossy_codec_is_a_warning(tmp_path):
    truth = make_onix(tmp_path)
    write_avi(truth.video, truth.frames, "MJPG")
    assert codes(read(tmp_path)) == ["lossy_codec"]


def test_role_by_the_user(tmp_path):
    make_onix(tmp_path)
    assert read(tmp_path, roles={"Miniscope": "camera"}).cameras


@pytest.mark.parametrize("name", ["start-time_0.csv", "0.avi", "timeStamps.csv"])
def test_says_no(tmp_path, name):
    (tmp_path / name).write_bytes(b"2026-03-02T14:05:07Z,250000000,1,1\n")
    match = READER.sniff(tmp_path)
    assert not match.is_match
    assert match.reasons
