"""The tables of ONIX recordings: start time, motion sensor and port status, whole and damaged."""

from __future__ import annotations

import numpy as np
import pytest
from builders.onix import make_onix
from hypothesis import given, settings
from hypothesis import strategies as st
from onix_reading import HZ, read
from told import codes, message, source_file

from miniscope_nwb.convert.readers.onix_motion import read_motion
from miniscope_nwb.convert.readers.onix_port import read_port_status
from miniscope_nwb.convert.readers.onix_start import read_start
from miniscope_nwb.errors import RecordingError


def samples_of(recording):
    return {s.kind: s for s in recording.samples}


def check_message(error, path):
    assert path.name in str(error)
    assert "\n" not in str(error)


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
