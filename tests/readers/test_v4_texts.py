"""What the texts of a V4 session tell: metadata, start, orientation, notes."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders.v4 import START, make_v4
from told import codes, message, source_file
from v4_reading import edit_json, edit_text, read


def setting(recording, key, device=""):
    return [s.value for s in recording.settings if (s.key, s.device) == (key, device)]


class TestMetadata:
    def test_every_key_and_value_is_kept(self, tmp_path):
        truth = make_v4(
            tmp_path / "s",
            extra_session={"color": "red", "nested": {"a": {"b": [1, 2]}}, "none": None},
            extra_device={"stages": [{"x": 1}, {"x": 2}], "empty": {}, "deep": [[0, 1], [2]]},
        )
        recording = read(truth.folder)
        assert setting(recording, "color") == ["red"]
        assert setting(recording, "nested.a.b") == [[1, 2]]
        assert setting(recording, "none") == [None]
        assert setting(recording, "animalName") == ["mouse 7"]
        assert setting(recording, "recordingStartTime.msec") == [123]
        assert setting(recording, "ROI.leftEdge", "Miniscope") == [8]
        assert setting(recording, "stages.1.x", "Miniscope") == [2]
        assert setting(recording, "deep", "Miniscope") == [[[0, 1], [2]]]
        assert setting(recording, "empty", "Miniscope") == ["(empty object)"]
        assert setting(recording, "deviceDirectory", "Miniscope") == ["D:/data/Miniscope"]
        assert {s.source for s in recording.settings} == {
            "metaData.json",
            "Miniscope/metaData.json",
        }

    @pytest.mark.parametrize(
        ("value", "rate"),
        [("20FPS", 20), ("20 FPS", 20), (20, 20), (7.5, 7.5), ("7,5 fps", 7.5), ("30", 30),
         ("fast", None), (0, None), (True, None), (None, None), ([20], None), (-3, None)],
    )  # fmt: skip
    def test_frame_rate(self, tmp_path, value, rate):
        truth = make_v4(tmp_path / "s", extra_device={"frameRate": value})
        recording = read(truth.folder)
        assert recording.devices[0].nominal_rate_hz == rate
        assert setting(recording, "frameRate", "Miniscope") == [value]

    @pytest.mark.parametrize("gain", ["High", 3.5, 2, "HIGH"])
    def test_gain(self, tmp_path, gain):
        truth = make_v4(tmp_path / "s", extra_device={"gain": gain})
        assert setting(read(truth.folder), "gain", "Miniscope") == [gain]

    def test_no_region_of_interest(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        edit_json(truth.folder / "Miniscope" / "metaData.json", ROI=...)
        assert codes(read(truth.folder)) == []

    @pytest.mark.parametrize(
        ("changes", "subject"),
        [
            ({"animalName": ""}, ""),
            ({"animalName": "animalNameMissing"}, ""),
            ({"animalName": "", "animalID": "m9"}, "m9"),
            ({"animalID": "m9"}, "mouse 7"),
            ({"animalName": 12}, "12"),
            ({"animalName": ...}, ""),
            ({"animalName": True}, ""),
            ({"animalName": "  "}, ""),
        ],
    )
    def test_subject(self, tmp_path, changes, subject):
        truth = make_v4(tmp_path / "s")
        edit_json(truth.folder / "metaData.json", **changes)
        assert read(truth.folder).subject_id == subject

    @pytest.mark.parametrize("where", ["", "Miniscope"])
    @pytest.mark.parametrize(
        "data", [b"", b"{", b'{"animalName": "x', b"[1]", b"\0" * 50, b"[" * 100_000, b"\xff\xfe{"]
    )
    def test_damaged(self, tmp_path, where, data):
        truth = make_v4(tmp_path / "2023_03_26" / "14_05_09")
        (truth.folder / where / "metaData.json").write_bytes(data)
        recording = read(truth.folder)
        assert codes(recording, "error") == []
        assert "damaged_metadata" in codes(recording, "warning")
        damaged = source_file(recording, f"{where}/metaData.json".strip("/"))
        assert not damaged.converted
        assert damaged.note.startswith("damaged: ")
        assert len(recording.devices[0].parts) == 3
        if not where:
            assert recording.start.value == datetime(2023, 3, 26, 14, 5, 9)
            assert recording.start.is_assumed

    @pytest.mark.parametrize("where", ["", "Miniscope"])
    def test_a_file_that_may_not_be_read_stops(self, tmp_path, monkeypatch, where):
        """It may be whole, so that to go on without it would lose what it says."""
        truth = make_v4(tmp_path / "2023_03_26" / "14_05_09")
        withheld, read_bytes = truth.folder / where / "metaData.json", Path.read_bytes

        def refuse(path):
            if path == withheld:
                raise PermissionError(errno.EACCES, "Permission denied")
            return read_bytes(path)

        monkeypatch.setattr(Path, "read_bytes", refuse)
        recording = read(truth.folder)
        assert codes(recording, "error") == ["withheld_metadata"]
        name = f"{where}/metaData.json".strip("/")
        assert f"{name}: cannot be read (Permission denied); check" in message(
            recording, "withheld_metadata"
        )

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
    def test_encodings(self, tmp_path, encoding):
        truth = make_v4(
            tmp_path / "s", researcher="Žofie Müller" if encoding[0] == "u" else "Müller"
        )
        path = truth.folder / "metaData.json"
        values = json.loads(path.read_bytes())
        path.write_bytes(json.dumps(values, ensure_ascii=False).encode(encoding))
        recording = read(truth.folder)
        assert recording.experimenter.endswith("Müller")
        assert codes(recording) == ["mended_text"]

    def test_odd_json(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        path = truth.folder / "Miniscope" / "metaData.json"
        odd = '{"led0": 3, "led0": 5, "x": NaN, "y": 1e999, "z": 123456789012345678901,'
        odd += '"w": "a\\u0000\\ud800b",'
        edit_text(path, lambda data: data.replace(b"{", odd.encode(), 1))
        recording = read(truth.folder)
        assert setting(recording, "led0", "Miniscope") == [26]
        assert setting(recording, "led0 (duplicate 2)", "Miniscope") == [5]
        assert setting(recording, "led0 (duplicate 1)", "Miniscope") == [3]
        assert setting(recording, "x", "Miniscope") == ["NaN"]
        assert setting(recording, "y", "Miniscope") == ["1e999"]
        assert setting(recording, "z", "Miniscope") == ["123456789012345678901"]
        assert setting(recording, "w", "Miniscope") == ["a\ufffd\ufffdb"]
        assert codes(recording) == ["mended_text"] * 2

    def test_behaviour_tracker(self, tmp_path):
        truth = make_v4(tmp_path / "s", extra_session={"behaviorTracker": {"enabled": True}})
        folder = truth.folder / "behaviorTracker"
        folder.mkdir()
        (folder / "metaData.json").write_text('{"poseOverlay": {"markerSize": 20}}')
        (folder / "pose.csv").write_text("DLC-Live Pose Data.\n0,1.2,3.4,0.9,\n")
        recording = read(truth.folder)
        assert setting(recording, "behaviorTracker.enabled") == [True]
        assert setting(recording, "behaviorTracker.poseOverlay.markerSize") == [20]
        assert not source_file(recording, "behaviorTracker/pose.csv").converted
        assert "poses" in source_file(recording, "behaviorTracker/pose.csv").note
        assert len(recording.devices) == 1

    def test_stale(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        for folder in (truth.folder, truth.folder / "Miniscope"):
            os.utime(folder / "metaData.json", (1e9, 1e9))
            if (folder / "timeStamps.csv").exists():
                os.utime(folder / "timeStamps.csv", (1e9 + 3600, 1e9 + 3600))
        assert codes(read(truth.folder)) == []
        os.utime(truth.folder / "Miniscope" / "timeStamps.csv", (1e9 + 3603, 1e9 + 3603))
        assert codes(read(truth.folder)) == ["stale_metadata", "stale_metadata"]


class TestStart:
    def start(self, tmp_path, name="s", **changes):
        truth = make_v4(tmp_path / name, version="v1.02")
        edit_json(truth.folder / "metaData.json", **changes)
        recording = read(truth.folder)
        return recording.start, codes(recording)

    def test_local_fields_only(self, tmp_path):
        start, problems = self.start(tmp_path, msecSinceEpoch=...)
        assert start.value == START.replace(tzinfo=None)
        assert (start.is_assumed, problems) == (False, [])

    def test_epoch_only(self, tmp_path):
        start, problems = self.start(tmp_path, hour=...)
        assert start.value == START
        assert start.value.tzinfo == UTC
        assert problems == []

    def test_hour_under_another_name(self, tmp_path):
        start, _ = self.start(tmp_path, hour=..., hr=14)
        assert start.value.utcoffset() == timedelta(hours=2)

    @pytest.mark.parametrize("changes", [{"minute": 12}, {"year": 2020}, {"day": 27}])
    def test_no_such_time_zone(self, tmp_path, changes):
        start, problems = self.start(tmp_path, **changes)
        assert start.value == START.replace(tzinfo=None, **changes)
        assert problems == ["odd_start_time"]

    @pytest.mark.parametrize("minutes", [-570, 345, 840, -720])
    def test_odd_offsets(self, tmp_path, minutes):
        local = START.astimezone(UTC) + timedelta(minutes=minutes)
        start, problems = self.start(tmp_path, day=local.day, hour=local.hour, minute=local.minute)
        assert start.value == START
        assert start.value.utcoffset() == timedelta(minutes=minutes)
        assert problems == []

    @pytest.mark.parametrize("changes", [{"month": 13}, {"year": "x"}, {"msec": 5000}])
    def test_senseless_fields(self, tmp_path, changes):
        start, problems = self.start(tmp_path, msecSinceEpoch=10**30, **changes)
        assert start.value is None
        assert problems == ["odd_start_time"]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("2021_06_03/14_59_32", datetime(2021, 6, 3, 14, 59, 32)),
            ("2021_06_03/mouse 1/14_59_32", datetime(2021, 6, 3, 14, 59, 32)),
            ("2021_06_03_14_59_32", datetime(2021, 6, 3, 14, 59, 32)),
            ("6_29_15/H9_M5_S44", datetime(2015, 6, 29, 9, 5, 44)),
            ("6_29_2015/H9_M5_S44", datetime(2015, 6, 29, 9, 5, 44)),
            ("2021_06_03/25_59_32", None),
            ("mouse/1", None),
        ],
    )
    def test_folder_name(self, tmp_path, name, expected):
        truth = make_v4(tmp_path / name)
        (truth.folder / "metaData.json").unlink()
        start = read(truth.folder).start
        assert start.value == expected
        assert start.is_assumed
        assert start.source == ("folder name" if expected else "not recorded")


class TestOrientation:
    def path(self, tmp_path):
        return make_v4(tmp_path / "s").folder / "Miniscope" / "headOrientation.csv"

    def test_bad_norms_are_kept_and_counted(self, tmp_path):
        path = self.path(tmp_path)
        rows = path.read_text().splitlines()
        rows[3], rows[5] = "88,0,0,0,0", "190,0.7,0.7,0.7,nan"
        path.write_text("\n".join(rows) + "\n")
        recording = read(path.parents[1])
        assert recording.samples[0].data.shape == (25, 4)
        said = message(recording, "bad_quaternions")
        assert "2 of 25 quaternions (1 of them all zero, a sign of a bad link)" in said

    def test_truncated_rows(self, tmp_path):
        path = self.path(tmp_path)
        edit_text(path, lambda data: data.replace(b"\n", b"\n5,0.7\n", 3) + b"99,0.")
        recording = read(path.parents[1])
        assert len(recording.samples[0].time_s) == 25
        assert codes(recording) == ["mended_text", "mended_text"]

    def test_decimal_commas(self, tmp_path):
        path = self.path(tmp_path)
        edit_text(path, lambda data: data.replace(b",", b";").replace(b".", b","))
        recording = read(path.parents[1])
        assert recording.samples[0].data[3, 1] == 6.10352e-05

    @pytest.mark.parametrize("data", [b"a,b\n1,2\n3,4\n", b"1,x,y,z,w\n2,0,0,0,0\n3,0,0,0,0\n"])
    def test_unusable(self, tmp_path, data):
        path = self.path(tmp_path)
        path.write_bytes(data)
        recording = read(path.parents[1])
        assert recording.samples == ()
        assert codes(recording) == ["bad_orientation"]
        assert not source_file(recording, "Miniscope/headOrientation.csv").converted

    def test_header_only(self, tmp_path):
        path = self.path(tmp_path)
        path.write_text("Time Stamp (ms),qw,qx,qy,qz\n")
        recording = read(path.parents[1])
        assert recording.samples == ()
        assert codes(recording) == []


class TestNotes:
    def read(self, tmp_path, data, **options):
        truth = make_v4(tmp_path / "s", **options)
        (truth.folder / "notes.csv").write_bytes(data)
        return read(truth.folder)

    def test_setting_changes(self, tmp_path):
        recording = self.read(
            tmp_path,
            b"Time Stamp (ms), Note\n100,My V4,led0,26\n200,My V4, led0\n300,Other,gain,2\n",
            scopes=("My V4",),
        )
        assert [note.text for note in recording.notes] == [
            "My V4,led0,26", "My V4, led0", "Other,gain,2",
        ]  # fmt: skip
        (change,) = recording.setting_changes
        assert (change.time_s, change.device, change.setting, change.value) == (
            0.1, "My V4", "led0", "26",
        )  # fmt: skip

    def test_change_written_with_the_folders_name(self, tmp_path):
        recording = self.read(tmp_path, b"100,My_V4,ewl,-3\n", scopes=("My V4",))
        assert recording.setting_changes[0].device == "My V4"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_encodings(self, tmp_path, encoding):
        data = "-20,Maus läuft, schnell\r\n40,\r\n".encode(encoding)
        recording = self.read(tmp_path, data)
        assert [(n.time_s, n.text) for n in recording.notes] == [
            (-0.02, "Maus läuft, schnell"), (0.04, ""),
        ]  # fmt: skip

    def test_lines_without_stamp(self, tmp_path):
        recording = self.read(tmp_path, b"hello\n5,first\nsecond line\n7000")
        assert [(n.time_s, n.text) for n in recording.notes] == [
            (0.0, "hello"), (0.005, "first\nsecond line"),
        ]  # fmt: skip
        assert codes(recording) == ["mended_text", "mended_text"]

    @pytest.mark.parametrize("data", [b"", b"Time Stamp (ms), Note\n", b"\n\n"])
    def test_empty(self, tmp_path, data):
        recording = self.read(tmp_path, data)
        assert recording.notes == ()
        assert codes(recording) == []
        assert source_file(recording, "notes.csv").converted

    def test_none(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        (truth.folder / "notes.csv").unlink()
        assert read(truth.folder).notes == ()
