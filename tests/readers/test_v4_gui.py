"""Recordings of the Open Ephys Miniscope V4 GUI, whole and damaged."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from builders.gui import HEADER, SETTINGS, START, make_gui
from hypothesis import given, settings
from hypothesis import strategies as st
from told import codes, message, source_file

from miniscope_nwb.convert.readers.base import Reader, RecordingSource
from miniscope_nwb.convert.readers.miniscope_v4_gui import MiniscopeV4GuiReader
from miniscope_nwb.convert.readers.v4_gui_settings import find_rate, read_settings
from miniscope_nwb.convert.readers.v4_gui_table import read_table
from miniscope_nwb.convert.reconcile import reconcile_recording
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import ReadOptions, Setting

READER = MiniscopeV4GuiReader()


def read(folder, key="mouse7_0", **options):
    return READER.read(RecordingSource(folder, key=key), ReadOptions(**options))


def edit(path, change):
    path.write_bytes(change(path.read_bytes().decode()).encode())


def check_message(error, path):
    assert path.name in str(error)
    assert "\n" not in str(error)


def test_is_a_reader():
    assert isinstance(READER, Reader)


@pytest.mark.parametrize("fourcc", ["Y800", "GREY"])
def test_whole_recording(tmp_path, fourcc):
    truth = make_gui(tmp_path, fourcc=fourcc)
    match = READER.sniff(tmp_path)
    assert [source.key for source in match.sources] == ["mouse7_0"]
    recording = read(tmp_path)
    assert recording.problems == ()
    assert recording.start.value == START
    assert recording.start.value.utcoffset() == timedelta(hours=2)
    (scope,) = recording.scopes
    assert (scope.name, scope.device_type) == ("Miniscope", "Miniscope_V4")
    assert scope.nominal_rate_hz == 30
    assert (scope.parts[0].width, scope.parts[0].height) == (64, 48)
    stamps = scope.stamps
    assert stamps.unit == "ms"
    np.testing.assert_array_equal(stamps.recorded, truth.hardware_ms)
    elapsed_ms = truth.hardware_ms - truth.hardware_ms[0]
    np.testing.assert_array_equal(stamps.time_s, elapsed_ms / 1000.0)
    np.testing.assert_array_equal(stamps.frame_number, truth.numbers)
    np.testing.assert_array_equal(stamps.frame_index, np.arange(20))
    timeline = reconcile_recording(recording)["Miniscope"]
    assert (timeline.problems, timeline.repairs, timeline.lost) == ((), (), ())
    assert timeline.time_s[0] == 0.0
    np.testing.assert_array_equal(timeline.time_s, stamps.time_s)


def test_what_stands_beside_the_frames(tmp_path):
    truth = make_gui(tmp_path)
    recording = read(tmp_path)
    (orientation,) = recording.samples
    assert orientation.columns == ("qw", "qx", "qy", "qz")
    np.testing.assert_array_equal(orientation.data, truth.quaternions[:, [3, 0, 1, 2]])
    (high,) = recording.intervals
    assert high.kind == "DigitalIn0"
    time_s = recording.devices[0].stamps.time_s
    np.testing.assert_array_equal(high.start_s, time_s[[3, 15]])
    np.testing.assert_array_equal(high.stop_s, time_s[[6, 19]])
    values = {s.key: s.value for s in recording.settings}
    assert values == {
        "Hardware.Miniscope.LedBrightness": 12.5, "Hardware.Miniscope.Focus": -30,
        "Hardware.Miniscope.SensorGain": "Low", "Hardware.Miniscope.FrameRate": "Fps30",
        "Hardware.Commutator.PortName": "", "Hardware.Commutator.Enable": True,
        "Hardware.Commutator.Axes": "(empty object)",
        "File.FileName": "C:\\data\\mouse 7.avi", "File.Color": [0, 0, 255],
        "File.Comment": None, "DigitalIn1": "low throughout",
    }  # fmt: skip
    converted = {f.path.suffix: f.converted for f in recording.source_files}
    assert converted == {".avi": True, ".csv": True, ".log": False, ".yml": True}
    assert "only the first row" in source_file(recording, truth.path("csv")).note


def test_lost_frames_are_counted(tmp_path):
    make_gui(tmp_path, lost={7: 3, 12: 1})
    recording = read(tmp_path)
    assert recording.problems == ()
    timeline = reconcile_recording(recording)["Miniscope"]
    assert [(span.n_lost, span.evidence) for span in timeline.lost] == [
        (3, "counter"), (1, "counter")
    ]  # fmt: skip
    assert timeline.n_frames == 20


def test_several_recordings(tmp_path):
    truths = [make_gui(tmp_path, stem=stem, seed=n) for n, stem in enumerate(["a_10", "a_2"])]
    assert [source.key for source in READER.sniff(tmp_path).sources] == ["a_2", "a_10"]
    for truth in truths:
        recording = read(tmp_path, truth.options.stem)
        assert recording.label == truth.options.stem
        assert recording.devices[0].parts[0].path == truth.path("avi")
        assert len(recording.source_files) == 4
    with pytest.raises(RecordingError, match="no single recording"):
        read(tmp_path, "")


def test_columns_by_name(tmp_path):
    truth = make_gui(tmp_path)

    def change(text):
        rows = [line.split(",") for line in text.splitlines()]
        rows = [[row[8], *row[:8], "x" if n else "Extra"] for n, row in enumerate(rows)]
        return "".join(",".join(row) + "\r\n" for row in rows)

    edit(truth.path("csv"), change)
    recording = read(tmp_path)
    assert codes(recording) == ["unread_columns"]
    assert "Extra" in message(recording, "unread_columns")
    assert "Extra" in source_file(recording, truth.path("csv")).note
    np.testing.assert_array_equal(recording.devices[0].stamps.recorded, truth.hardware_ms)


def test_without_some_columns(tmp_path):
    truth = make_gui(tmp_path)
    edit(truth.path("csv"), lambda text: "".join(
        line.split(",")[1] + "\n" for line in text.splitlines()
    ))  # fmt: skip
    recording = read(tmp_path)
    assert codes(recording) == ["no_frame_number", "bad_start_time"]
    assert recording.start.value is None
    assert (recording.samples, recording.intervals) == ((), ())
    assert reconcile_recording(recording)["Miniscope"].n_frames == 20


def test_half_written_last_row_and_cut_video(tmp_path):
    truth = make_gui(tmp_path)
    edit(truth.path("csv"), lambda text: text[:-40])
    data = truth.path("avi").read_bytes()
    truth.path("avi").write_bytes(data[: len(data) // 2])
    recording = read(tmp_path)
    assert codes(recording) == ["mended_text"]
    timeline = reconcile_recording(recording)["Miniscope"]
    assert 5 < timeline.n_frames < 15
    assert timeline.problems[0].code == "truncated_part"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (",81234.7,", ",x,", "expected a number"),
        (",81234.7,", ",nan,", "no finite number"),
        ("\r\n43,", "\r\n42,", "two recordings"),
        ("HardwareTime", "Hardware", "expected a column HardwareTime"),
    ],
)
def test_stamps_that_stop(tmp_path, old, new, expected):
    truth = make_gui(tmp_path)
    edit(truth.path("csv"), lambda text: text.replace(old, new, 1))
    recording = read(tmp_path) if "column" not in expected else None
    if recording is None:  # known by its settings; the table has no clock
        assert READER.sniff(tmp_path).sources == ()
        with pytest.raises(RecordingError, match=expected):
            read_table(truth.path("csv"), relative_path="mouse7_0.csv", device="Miniscope")
        return
    assert codes(recording, "error") == ["bad_stamps"]
    assert expected in message(recording, "bad_stamps")
    assert not source_file(recording, truth.path("csv")).converted


def test_header_only(tmp_path):
    truth = make_gui(tmp_path)
    truth.path("csv").write_text(HEADER + "\n", encoding="utf-8")
    assert codes(read(tmp_path), "error") == ["bad_stamps"]


@pytest.mark.parametrize(
    ("suffix", "code", "severity"),
    [
        ("avi", "no_video", "error"),
        ("csv", "no_stamps", "error"),
        ("yml", "missing_metadata", "warning"),
    ],
)
def test_missing_file(tmp_path, suffix, code, severity):
    truth = make_gui(tmp_path)
    truth.path(suffix).unlink()
    assert READER.sniff(tmp_path).sources
    assert codes(read(tmp_path), severity) == [code]


def test_unclear_column_is_left_out(tmp_path):
    truth = make_gui(tmp_path)
    edit(truth.path("csv"), lambda text: text.replace("False", "perhaps", 1).replace(
        ",0.0,0.0,", ",0.0,bad,", 1
    ))  # fmt: skip
    recording = read(tmp_path)
    assert codes(recording) == ["bad_orientation", "bad_digital_input", "unread_columns"]
    assert recording.samples == ()
    assert "DigitalIn0" in source_file(recording, truth.path("csv")).note


@pytest.mark.parametrize(
    "text",
    ["a: [1, 2", "- 1\n- 2\n", "", "!!python/object:os.system x", "a: 2026-13-45", "a: &x [*x]"],
)
def test_damaged_settings_are_left_out(tmp_path, text):
    truth = make_gui(tmp_path, settings=text)
    recording = read(tmp_path)
    assert codes(recording) == ["damaged_metadata"]
    file = source_file(recording, truth.path("yml"))
    assert not file.converted
    assert file.note
    assert reconcile_recording(recording)["Miniscope"].n_frames == 20


def test_settings_that_explode_are_refused(tmp_path):
    path = tmp_path / "x.yml"
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 9)]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(RecordingError, match="damaged"):
        read_settings(path, relative_path="x.yml", device="Miniscope")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("Fps30", 30.0), ("fps_15", 15.0), (20, 20.0), ("25 FPS", 25.0), ("fast", None), (None, None)],
)
def test_frame_rate(value, expected):
    assert find_rate((Setting("", "Camera.FrameRate", value, ""),)) == expected


@pytest.mark.parametrize("name", ["timeStamps.csv", "x.yml", "0.avi"])
def test_says_no(tmp_path, name):
    (tmp_path / name).write_bytes(b"Frame Number,Time Stamp (ms),Buffer Index\n0,1,0\n")
    match = READER.sniff(tmp_path)
    assert not match.is_match
    assert match.reasons


FIELDS = ["1", "2", "81.5", "True", "False", "nan", "inf", "", "x", "1e400", "999999999999999999",
          "2026-03-02T14:05:07.1234567+02:00"]  # fmt: skip
ROWS = st.lists(st.lists(st.sampled_from(FIELDS), min_size=8, max_size=10).map(",".join))


@settings(max_examples=150, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=100).map(lambda tail: HEADER.encode() + b"\n" + tail),
        ROWS.map(lambda rows: "\n".join([HEADER, *rows]).encode()),
    )
)
def test_nothing_but_our_errors_escapes(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "gui_fuzz.csv"
    path.write_bytes(data)
    try:
        read_table(path, relative_path=path.name, device="Miniscope")
    except RecordingError as error:
        check_message(error, path)


@settings(max_examples=150, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.text("abc:-[]{}&*!<|>'\"#\n \t019.eE~?%@", max_size=80).map(str.encode),
        st.integers(0, len(SETTINGS)).map(lambda stop: SETTINGS[:stop].encode()),
    )
)
def test_settings_of_any_kind(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "gui_fuzz.yml"
    path.write_bytes(data)
    try:
        found, _ = read_settings(path, relative_path=path.name, device="Miniscope")
    except RecordingError as error:
        check_message(error, path)
    else:
        assert all(isinstance(setting.key, str) for setting in found)
