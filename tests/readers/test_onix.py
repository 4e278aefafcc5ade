"""ONIX recordings: official and ACE's names, both clock layouts, whole and damaged."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from builders.onix import SENSOR_ROWS, make_onix, readout_ticks, write_avi
from hypothesis import given, settings
from hypothesis import strategies as st
from told import codes, message, source_file

from miniscope_nwb.convert.readers.base import Reader, RecordingSource
from miniscope_nwb.convert.readers.onix import OnixReader
from miniscope_nwb.convert.readers.onix_clock import READOUT
from miniscope_nwb.convert.readers.onix_motion import read_motion
from miniscope_nwb.convert.readers.onix_port import read_port_status
from miniscope_nwb.convert.readers.onix_start import read_start
from miniscope_nwb.convert.reconcile import reconcile_recording
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import ReadOptions
from miniscope_nwb.video.decode import read_frames

READER = OnixReader()
HZ = 250_000_000


def read(folder, key="0", **options):
    return READER.read(RecordingSource(folder, key=key), ReadOptions(**options))


def values_of(recording):
    return {s.key: s.value for s in recording.settings}


def samples_of(recording):
    return {s.kind: s for s in recording.samples}


def check_message(error, path):
    assert path.name in str(error)
    assert "\n" not in str(error)


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


def test_one_word_a_frame_tells_no_readout(tmp_path):
    make_onix(tmp_path, words_per_frame=1)
    assert READOUT not in values_of(read(tmp_path))


def test_motion_sensor(tmp_path):
    truth = make_onix(tmp_path)
    samples = samples_of(read(tmp_path))
    assert list(samples) == [
        "HeadOrientation", "EulerAngles", "Acceleration", "Gravity", "Temperature"
    ]  # fmt: skip
    for item in samples.values():
        np.testing.assert_array_equal(item.time_s, truth.motion[:, 0] / HZ)
    orientation = samples["HeadOrientation"]
    assert orientation.columns == ("qw", "qx", "qy", "qz")
    np.testing.assert_array_equal(orientation.data, truth.motion[:, [7, 4, 5, 6]])
    np.testing.assert_array_equal(samples["EulerAngles"].data, truth.motion[:, 1:4])
    np.testing.assert_array_equal(samples["Acceleration"].data, truth.motion[:, 9:12])
    np.testing.assert_array_equal(samples["Gravity"].data, truth.motion[:, 12:15])
    np.testing.assert_array_equal(samples["Temperature"].data, truth.motion[:, 15])
    assert samples["EulerAngles"].unit == "degrees"
    assert samples["Gravity"].unit == "m/s^2"
    assert samples["Temperature"].unit == "degrees Celsius"


def test_motion_sensor_with_other_fields_is_left_out(tmp_path):
    truth = make_onix(tmp_path)
    lines = truth.bno055.read_text(encoding="utf-8").splitlines()
    text = "".join(",".join(line.split(",")[:8]) + "\n" for line in lines)
    truth.bno055.write_text(text, encoding="utf-8")
    recording = read(tmp_path)
    assert codes(recording) == ["bad_motion"]
    assert "expected 16 fields" in message(recording, "bad_motion")
    assert "found 8" in message(recording, "bad_motion")
    assert not recording.samples
    assert not source_file(recording, truth.bno055).converted


def test_motion_sensor_with_bad_link_and_backward_clock(tmp_path):
    truth = make_onix(tmp_path)
    lines = truth.bno055.read_text(encoding="utf-8").splitlines(keepends=True)
    fields = lines[3].split(",")
    fields[4:8] = ["0", "0", "0", "0"]
    lines[3] = ",".join(fields)
    lines[5], lines[6] = lines[6], lines[5]
    truth.bno055.write_text("".join(lines), encoding="utf-8")
    recording = read(tmp_path)
    assert codes(recording, "warning") == ["backward_samples", "bad_quaternions"]
    assert len(recording.samples[0].time_s) == 30


@pytest.mark.parametrize("has_header", [False, True])
def test_port_status(tmp_path, has_header):
    truth = make_onix(tmp_path, has_header=has_header)
    (intervals,) = read(tmp_path).intervals
    assert intervals.kind == "PortStatus"
    np.testing.assert_array_equal(intervals.start_s, truth.fault_ticks / HZ)
    np.testing.assert_array_equal(intervals.stop_s, intervals.start_s)
    assert intervals.columns["status_code"] == ["SerdesLock", "SerdesLock"]
    assert intervals.columns["clock"] == [str(ticks) for ticks in truth.fault_ticks]
    assert intervals.columns["timestamp"] == [truth.options.start] * 2


def test_older_port_status(tmp_path):
    truth = make_onix(tmp_path, has_header=False)
    row = "2026-03-02T14:05:09.0000000Z,3500000000,3,True,False\n"
    truth.port_status.write_text(row, encoding="utf-8")
    (intervals,) = read(tmp_path).intervals
    assert intervals.columns["serdes_locked"] == ["True"]
    assert intervals.columns["serdes_pass"] == ["False"]
    assert intervals.start_s.tolist() == [14.0]


@pytest.mark.parametrize("text", ["", "Timestamp,Clock,StatusCode\n"])
def test_no_fault_at_all(tmp_path, text):
    truth = make_onix(tmp_path)
    truth.port_status.write_text(text, encoding="utf-8")
    recording = read(tmp_path)
    assert (recording.intervals, recording.problems) == ((), ())
    assert source_file(recording, truth.port_status).converted


def test_damaged_port_status_is_left_out(tmp_path):
    truth = make_onix(tmp_path)
    row = "2026-03-02T14:05:09.0000000Z,soon,3\n"
    truth.port_status.write_text(row, encoding="utf-8")
    recording = read(tmp_path)
    assert codes(recording) == ["bad_port_status"]
    assert not source_file(recording, truth.port_status).converted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T14:05:07.1234567+02:00", "2026-03-02T14:05:07.123456+02:00"),
        ("2026-03-02T14:05:07.1234567", "2026-03-02T14:05:07.123456"),
        ("2026-03-02T14:05:07Z", "2026-03-02T14:05:07+00:00"),
    ],
)
def test_start_keeps_its_zone(tmp_path, text, expected):
    make_onix(tmp_path, start=text)
    assert read(tmp_path).start.value.isoformat() == expected


def test_unclear_start_is_a_warning(tmp_path):
    make_onix(tmp_path, start="02/03/2026 14:05")
    recording = read(tmp_path)
    assert recording.start.value is None
    assert codes(recording) == ["bad_start_time"]
    assert recording.devices[0].stamps is not None


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


@pytest.mark.parametrize("clock_hz", ["0", "-5", "nan", "inf", "fast", ""])
def test_impossible_rate_stops(tmp_path, clock_hz):
    truth = make_onix(tmp_path)
    text = f"Timestamp,AcquisitionClockHz\n2026-03-02T14:05:07Z,{clock_hz}\n"
    truth.start.write_text(text, encoding="utf-8")
    recording = read(tmp_path)
    assert codes(recording, "error") == ["bad_start_time"]
    assert recording.devices[0].stamps is None
    assert not source_file(recording, truth.clock).converted


def test_two_start_times_stop(tmp_path):
    truth = make_onix(tmp_path)
    truth.start.write_bytes(truth.start.read_bytes() * 2)
    assert codes(read(tmp_path), "error") == ["bad_start_time"]


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


TABLE_TEXT = st.one_of(
    st.binary(max_size=200),
    st.text("0123456789.,;\t\n\r\"'-+eETZ:naifru\0 ", max_size=200).map(str.encode),
    st.lists(
        st.lists(
            st.sampled_from(
                ["1", "250000000", "2026-03-02T14:05:07Z", "2026-02-30T00:00:00Z", "True", "nan",
                 "", "1e400", "99999999999999999999", "Clock", "Timestamp", "AcquisitionClockHz"]
            ),
            min_size=1, max_size=17,
        ).map(",".join),
        max_size=5,
    ).map(lambda rows: "\n".join(rows).encode()),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(data=TABLE_TEXT)
def test_nothing_but_our_errors_escapes(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "onix_fuzz.csv"
    path.write_bytes(data)
    for call in (
        lambda: read_start(path, relative_path=path.name),
        lambda: read_motion(path, relative_path=path.name, device="Miniscope", clock_hz=1.0),
        lambda: read_port_status(path, relative_path=path.name, device="Miniscope", clock_hz=1.0),
    ):
        try:
            call()
        except RecordingError as error:
            check_message(error, path)
