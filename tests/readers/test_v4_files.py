"""The files of a V4 session, whole and damaged: stamps, videos, and any content at all."""

from __future__ import annotations

import json
import shutil
from datetime import datetime

import numpy as np
import pytest
from builders.v4 import make_v4, write_avi
from hypothesis import given, settings
from hypothesis import strategies as st
from told import codes, message, source_file
from v4_reading import READER, edit_text, read

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import ReadOptions


class TestStamps:
    def path(self, tmp_path, **options):
        return make_v4(tmp_path / "s", **options).folder / "Miniscope" / "timeStamps.csv"

    def device(self, path):
        recording = read(path.parents[1])
        return recording.devices[0], recording

    def test_counter_restart(self, tmp_path):
        path = self.path(tmp_path)
        edit_text(path, lambda data: data + b"0,-3,0\n1,47,0\n")
        device, recording = self.device(path)
        assert device.stamps is None
        assert codes(recording, "error") == ["bad_stamps"]
        assert "line 27: the frame number goes from 24 back to 0" in message(
            recording, "bad_stamps"
        )

    def test_second_header(self, tmp_path):
        path = self.path(tmp_path)
        edit_text(path, lambda data: data + data)
        assert "line 27: a second header" in message(self.device(path)[1], "bad_stamps")

    def test_missing(self, tmp_path):
        path = self.path(tmp_path)
        path.unlink()
        device, recording = self.device(path)
        assert device.stamps is None
        assert codes(recording, "error") == ["no_stamps"]
        assert "Miniscope" in message(recording, "no_stamps")

    @pytest.mark.parametrize(
        "data", [b"", b"Frame Number,Time Stamp (ms),Buffer Index\n", bytes(9)]
    )
    def test_empty(self, tmp_path, data):
        path = self.path(tmp_path)
        path.write_bytes(data)
        assert "has no time stamps" in message(self.device(path)[1], "bad_stamps")

    @pytest.mark.parametrize("data", [b"0\n50\n", b"a\n7\n"])
    def test_single_column(self, tmp_path, data):
        path = self.path(tmp_path)
        path.write_bytes(data)
        assert codes(self.device(path)[1], "error") == ["bad_stamps"]

    def test_no_number(self, tmp_path):
        path = self.path(tmp_path)
        edit_text(path, lambda data: data.replace(b"\n7,", b"\nseven,"))
        expected = "Miniscope/timeStamps.csv, line 9: expected a whole number, found 'seven'"
        assert expected in message(self.device(path)[1], "bad_stamps")

    def test_half_written_row(self, tmp_path):
        path = self.path(tmp_path)
        edit_text(path, lambda data: data + b"25,12")
        device, recording = self.device(path)
        assert device.stamps.n_rows == 25
        assert codes(recording) == ["mended_text"]
        assert "half written" in message(recording, "mended_text")

    @pytest.mark.parametrize("separator", [b";", b"\t"])
    def test_resaved(self, tmp_path, separator):
        path = self.path(tmp_path)
        expected = self.device(path)[0].stamps
        edit_text(
            path,
            lambda data: b"\xef\xbb\xbf" + data.replace(b",", separator).replace(b"\n", b"\r\n"),
        )
        device, recording = self.device(path)
        assert np.array_equal(device.stamps.recorded, expected.recorded)
        assert "re-saved by a spreadsheet" in message(recording, "mended_text")

    def test_columns_in_another_order(self, tmp_path):
        path = self.path(tmp_path)
        rows = "".join(f"{i * 50},0,{i}\n" for i in range(25))
        path.write_text(f"Time Stamp (ms),Buffer Index,Frame Number\n{rows}")
        device, _ = self.device(path)
        assert device.stamps.recorded[2] == 100
        assert device.stamps.frame_index[2] == 2

    def test_unknown_header(self, tmp_path):
        path = self.path(tmp_path)
        edit_text(path, lambda data: data.replace(b"Frame Number,Time Stamp (ms)", b"frame,when"))
        device, recording = self.device(path)
        assert device.stamps.recorded[0] == -12 or device.stamps.recorded[0] < 0
        assert "taken in order" in message(recording, "mended_text")

    def test_three_names_over_four_columns(self, tmp_path):
        path = self.path(tmp_path, version="v2.0")
        edit_text(path, lambda data: data.replace(b",DAQ Frame Number", b""))
        device, _ = self.device(path)
        assert device.stamps.hardware_frame.tolist() == list(range(1, 26))

    def test_full_buffer(self, tmp_path):
        path = self.path(tmp_path)
        rows = path.read_text().splitlines()
        rows[4:7] = [row.rsplit(",", 1)[0] + ",120" for row in rows[4:7]]
        path.write_text("\n".join(rows) + "\n")
        _, recording = self.device(path)
        assert codes(recording) == ["full_buffer"]
        assert "in 3 rows (lines 5 to 7)" in message(recording, "full_buffer")

    def test_gap_in_frame_numbers_stays(self, tmp_path):
        path = self.path(tmp_path)
        rows = path.read_text().splitlines()
        del rows[6]
        path.write_text("\n".join(rows) + "\n")
        device, _ = self.device(path)
        assert device.stamps.frame_index.tolist() == [0, 1, 2, 3, 4, *range(6, 25)]

    def test_negative_frame_number(self, tmp_path):
        path = self.path(tmp_path)
        edit_text(path, lambda data: data.replace(b"\n0,", b"\n-3,"))
        assert "from 0 on" in message(self.device(path)[1], "bad_stamps")


class TestVideos:
    def test_no_video(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        for path in (truth.folder / "Miniscope").glob("*.avi"):
            path.unlink()
        recording = read(truth.folder)
        assert codes(recording, "error") == ["no_video"]
        assert recording.devices[0].parts == ()

    def test_two_candidates(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        shutil.copy(
            truth.folder / "Miniscope" / "0.avi", truth.folder / "Miniscope" / "0_corrected.avi"
        )
        recording = read(truth.folder)
        assert codes(recording, "error") == ["unclear_video"]
        assert "0_corrected.avi" in message(recording, "unclear_video")

    def test_missing_part_in_the_middle(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        (truth.folder / "Miniscope" / "1.avi").unlink()
        device = read(truth.folder).devices[0]
        assert [part.index for part in device.parts] == [0, 2]

    def test_size_change(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        write_avi(truth.folder / "Miniscope" / "1.avi", np.zeros((10, 40, 64), np.uint8))
        recording = read(truth.folder)
        assert codes(recording, "error") == ["size_change"]
        assert "Miniscope/1.avi: its frames are 64x40" in message(recording, "size_change")

    def test_codec_is_not_what_the_metadata_say(self, tmp_path):
        truth = make_v4(tmp_path / "s", fourcc="GREY", extra_device={"compression": "FFV1"})
        recording = read(truth.folder)
        assert codes(recording) == ["other_codec"]
        assert recording.devices[0].parts[0].fourcc == "GREY"

    def test_lossy_miniscope(self, tmp_path):
        truth = make_v4(tmp_path / "s", fourcc="MJPG", cameras=("Cam",))
        recording = read(truth.folder)
        assert codes(recording) == ["lossy_codec"]
        assert recording.problems[0].device == "Miniscope"

    @pytest.mark.parametrize(
        ("value", "expected"), [(1000, 1000), ("10", 10), (0, None), (2.5, None)]
    )
    def test_frames_per_file_as_recorded(self, tmp_path, value, expected):
        truth = make_v4(tmp_path / "s", extra_device={"framesPerFile": value})
        assert read(truth.folder).devices[0].frames_per_file == expected

    def test_unreadable_video_is_a_part(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        (truth.folder / "Miniscope" / "1.avi").write_bytes(b"")
        recording = read(truth.folder)
        assert [part.n_frames for part in recording.devices[0].parts] == [10, 0, 5]
        assert recording.devices[0].parts[1].state == "empty"
        assert codes(recording, "error") == []


class TestSourceFiles:
    def test_what_is_converted(self, tmp_path):
        truth = make_v4(tmp_path / "s", cameras=("Cam",))
        for name in ("imageCaptures/a.png", "experiment/plan.txt", "Miniscope/0_mc.avi", "x.bin"):
            path = truth.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"12345")
        recording = read(truth.folder)
        not_converted = {f.relative_path: f.note for f in recording.source_files if not f.converted}
        assert not_converted == {
            "imageCaptures/a.png": "screenshot, not converted",
            "experiment/plan.txt": "added by the experimenter, not converted",
            "Miniscope/0_mc.avi": "made by analysis software, not a recording",
            "x.bin": "not a file of the acquisition software",
        }
        video = source_file(recording, "Cam/2.avi")
        assert (video.device, video.n_frames, video.codec) == ("Cam", 5, "MJPG")
        assert video.n_bytes == video.path.stat().st_size
        assert source_file(recording, "Miniscope/headOrientation.csv").device == "Miniscope"
        assert len(recording.source_files) == 17

    def test_nothing_is_written(self, tmp_path):
        truth = make_v4(tmp_path / "s", cameras=("Cam",))
        paths = sorted(truth.folder.rglob("*"))
        before = [(path, path.stat().st_mtime_ns) for path in paths]
        READER.sniff(truth.folder)
        read(truth.folder)
        assert [
            (path, path.stat().st_mtime_ns) for path in sorted(truth.folder.rglob("*"))
        ] == before


class TestRealData:
    def test_complete_sessions(self, real_data):
        for name, start in [("15_03_28", "2021-10-07T15:03:28.635-07:00"),
                            ("15_06_28", "2021-10-07T15:06:28.607-07:00")]:  # fmt: skip
            folder = real_data / "qt" / "C6-J588_Disc5" / name
            recording = READER.read(READER.sniff(folder).sources[0], ReadOptions())
            assert recording.problems == ()
            assert recording.start.value == datetime.fromisoformat(start)
            scope, camera = recording.devices
            assert (scope.device_type, scope.role) == ("Miniscope_V3", "scope")
            assert (scope.parts[0].width, scope.parts[0].height) == (752, 480)
            assert (camera.name, camera.folder, camera.role) == (
                "BehavCam 2",
                "BehavCam_2",
                "camera",
            )
            assert scope.stamps.n_rows == scope.parts[0].n_frames == 5
            assert scope.nominal_rate_hz == 15
            assert recording.subject_id == ""
            assert all(file.converted for file in recording.source_files)

    def test_text_of_all_sessions(self, real_data):
        """Every folder reads; for want of videos, each device is an error and nothing else is."""
        names = ("metaData.json", "timeStamps.csv")
        folders = {path.parent for name in names for path in (real_data / "qt_text").rglob(name)}
        n_devices = 0
        for folder in sorted(folders):
            if folder.name == "behaviorTracker":
                continue
            (source,) = READER.sniff(folder).sources
            recording = READER.read(source, ReadOptions())
            assert set(codes(recording, "error")) <= {"no_video", "no_device"}
            assert set(codes(recording, "warning")) <= {
                "missing_metadata", "missing_device", "bad_quaternions", "stale_metadata",
            }  # fmt: skip
            for device in recording.devices:
                n_devices += 1
                n_lines = (folder.parent if source.device else folder) / device.stamps.source
                assert device.stamps.n_rows > 100
                assert n_lines.suffix == ".csv"
                assert abs(device.stamps.time_s[0]) < 0.2
        assert n_devices > 25


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["miniscopes", "cameras", "recordingStartTime", "year", "hour", "msecSinceEpoch", "msec",
     "animalName", "deviceName", "deviceType", "framesPerFile", "frameRate", "compression"]
)  # fmt: skip


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return make_v4(tmp_path_factory.mktemp("fuzz") / "s", n_frames=3).folder


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(
        ["metaData.json", "notes.csv", "Miniscope/metaData.json", "Miniscope/timeStamps.csv",
         "Miniscope/headOrientation.csv"]
    ),
    data=st.binary(max_size=200)
    | st.text(alphabet='0123456789,;\t\n-+e." a', max_size=100).map(str.encode)
    | st.dictionaries(KEYS, JSON_VALUES).map(json.dumps).map(str.encode),
)  # fmt: skip
def test_any_content_is_a_recording_or_a_recording_error(session, name, data):
    original = (session / name).read_bytes()
    (session / name).write_bytes(data)
    try:
        recording = read(session)
    except RecordingError:
        return
    finally:
        (session / name).write_bytes(original)
    for item in recording.settings:
        json.dumps(item.value, allow_nan=False)
        (item.key + json.dumps(item.value, ensure_ascii=False)).encode()
    for problem in recording.problems:
        assert problem.message.isprintable()
