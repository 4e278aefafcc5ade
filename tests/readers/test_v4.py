"""Sessions of Miniscope-DAQ-QT-Software: every version, whole and damaged."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from builders.v4 import START, VERSIONS, make_v4, write_avi
from hypothesis import given, settings
from hypothesis import strategies as st

from miniscope_nwb.convert.readers.base import Reader, RecordingSource
from miniscope_nwb.convert.readers.miniscope_v4 import MiniscopeV4Reader
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import ReadOptions

READER = MiniscopeV4Reader()
TWO_SCOPES = ("HPC miniscope 1", "Miniscope")


def read(folder, device="", **options):
    return READER.read(RecordingSource(folder, device=device), ReadOptions(**options))


def codes(recording, severity=None):
    return [p.code for p in recording.problems if severity in (None, p.severity)]


def message(recording, code):
    return next(p.message for p in recording.problems if p.code == code)


def edit_json(path, **changes):
    values = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        if value is ...:
            values.pop(key, None)
        else:
            values[key] = value
    path.write_text(json.dumps(values), encoding="utf-8")


def edit_text(path, change):
    path.write_bytes(change(path.read_bytes()))


def source_file(recording, relative_path):
    return next(f for f in recording.source_files if f.relative_path == relative_path)


def setting(recording, key, device=""):
    return [s.value for s in recording.settings if (s.key, s.device) == (key, device)]


def test_is_a_reader():
    assert isinstance(READER, Reader)


class TestVersions:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_everything_is_found(self, tmp_path, version):
        truth = make_v4(tmp_path / "s", version=version, scopes=TWO_SCOPES, cameras=("BehavCam 2",))
        recording = read(truth.folder)
        expected = ["foreign_metadata"] if version == "v0.1" else []
        assert codes(recording) == expected
        assert recording.start.value == truth.start
        assert recording.start.value.utcoffset() == timedelta(hours=2)
        assert not recording.start.is_assumed
        assert recording.subject_id == "mouse 7"
        assert recording.experimenter == "A. Person"
        assert recording.experiment_description == "open field"
        assert [d.name for d in recording.scopes] == list(TWO_SCOPES)
        assert [d.name for d in recording.cameras] == ["BehavCam 2"]
        assert recording.devices[0].folder == "HPC_miniscope_1"
        assert recording.notes[0].time_s == 1.5
        assert recording.notes[0].text == "light on, left, twice"
        for device in recording.devices:
            stamps = truth.stamps_ms[device.name]
            assert np.array_equal(device.stamps.recorded, stamps)
            assert np.array_equal(device.stamps.time_s, stamps / 1000.0)
            assert np.array_equal(device.stamps.frame_index, np.arange(25))
            assert device.stamps.source == f"{device.folder}/timeStamps.csv"
            assert [part.n_frames for part in device.parts] == [10, 10, 5]
            is_known = version != "v0.1" or device.role == "scope"
            assert device.frames_per_file == (10 if is_known else None)

    def test_daq_column(self, tmp_path):
        truth = make_v4(tmp_path / "s", version="v2.0", lost={7: 2}, cameras=("MiniCAM",))
        recording = read(truth.folder)
        scope, camera = recording.devices
        assert np.array_equal(scope.stamps.hardware_frame, truth.daq["Miniscope"])
        assert scope.stamps.hardware_counter_bits == 16
        assert camera.stamps.hardware_frame is None
        assert camera.stamps.hardware_counter_bits is None
        assert recording.software.endswith("(v2.0.0 or later)")

    def test_negative_daq_counter(self, tmp_path):
        truth = make_v4(tmp_path / "s", version="v2.0")
        path = truth.folder / "Miniscope" / "timeStamps.csv"
        edit_text(path, lambda data: data.replace(b",3\n", b",-1\n", 1))
        assert read(truth.folder).devices[0].stamps.hardware_frame[2] == -1

    @pytest.mark.parametrize("version", VERSIONS)
    def test_head_orientation(self, tmp_path, version):
        truth = make_v4(tmp_path / "s", version=version)
        (samples,) = read(truth.folder).samples
        assert samples.kind == "HeadOrientation"
        assert samples.columns == ("qw", "qx", "qy", "qz")
        assert samples.data.shape == (25, 4)
        assert samples.data[0, 1] == 6.10352e-05
        assert samples.data[-1, 3] == pytest.approx(np.sin(0.5), abs=1e-6)  # six digits are printed
        assert np.array_equal(samples.time_s, truth.stamps_ms["Miniscope"] / 1000.0)

    def test_first_version_copies_the_scopes_metadata_to_cameras(self, tmp_path):
        truth = make_v4(tmp_path / "s", version="v0.1", cameras=("BehavCam",))
        camera = read(truth.folder).devices[1]
        assert camera.role == "camera"
        assert camera.nominal_rate_hz is None
        assert camera.device_type == ""


class TestSniff:
    def test_session(self, tmp_path):
        truth = make_v4(tmp_path / "s", scopes=TWO_SCOPES)
        match = READER.sniff(truth.folder)
        assert match.reasons == ("metaData.json lists 2 devices",)
        assert match.sources == (RecordingSource(truth.folder),)

    def test_device_folder(self, tmp_path):
        truth = make_v4(tmp_path / "s", scopes=TWO_SCOPES)
        (source,) = READER.sniff(truth.folder / "HPC_miniscope_1").sources
        assert source == RecordingSource(truth.folder, device="HPC_miniscope_1")
        recording = READER.read(source, ReadOptions())
        assert [device.name for device in recording.devices] == ["HPC miniscope 1"]
        assert recording.start.value == START
        paths = {file.relative_path.split("/")[0] for file in recording.source_files}
        assert paths == {"HPC_miniscope_1", "metaData.json", "notes.csv"}

    def test_session_without_metadata(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        (truth.folder / "metaData.json").unlink()
        assert READER.sniff(truth.folder).sources == (RecordingSource(truth.folder),)

    def test_device_folder_alone(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        alone = tmp_path / "data" / "Miniscope"
        shutil.copytree(truth.folder / "Miniscope", alone)
        assert READER.sniff(alone).sources == (RecordingSource(alone),)
        recording = read(alone)
        assert recording.devices[0].folder == "."
        assert recording.devices[0].parts[0].relative_path == "0.avi"
        assert {file.device for file in recording.source_files} == {"Miniscope"}
        assert codes(recording) == ["missing_metadata"]
        assert recording.start.value is None

    @pytest.mark.parametrize(
        "names",
        [
            ["msCam1.avi", "timestamp.dat", "settings_and_notes.dat"],
            ["ucla-miniscope-v4-video_0.avi", "start-time_0.csv", "ucla-miniscope-v4-clock_0.raw"],
            ["rec_0.avi", "rec_0.csv", "rec_0.yml"],
            ["scope.mkv", "scope_timestamps.csv"],
            ["0.avi"],
            ["timeStamps.csv"],
            [],
        ],
    )
    def test_other_formats(self, tmp_path, names):
        for name in names:
            (tmp_path / name).write_bytes(b"1,2,3\n")
        match = READER.sniff(tmp_path)
        assert not match.is_match
        assert len(match.reasons) == 2

    def test_folder_of_sessions_is_not_a_session(self, tmp_path):
        make_v4(tmp_path / "a")
        make_v4(tmp_path / "b")
        assert not READER.sniff(tmp_path).is_match

    def test_unknown_device(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        with pytest.raises(RecordingError, match="no device 'Other' in this session"):
            read(truth.folder, device="Other")

    def test_relative_path(self, tmp_path, monkeypatch):
        truth = make_v4(tmp_path / "2023_03_26" / "14_05_09")
        monkeypatch.chdir(truth.folder / "Miniscope")
        (source,) = READER.sniff(type(tmp_path)(".")).sources
        assert source.device == "Miniscope"
        assert codes(READER.read(source, ReadOptions())) == []


class TestDevices:
    @pytest.mark.parametrize(
        ("lists", "device_type", "role", "evidence"),
        [
            ("miniscopes", "Miniscope_V3", "scope", "listed under miniscopes"),
            ("miniscopes", "Minicam-Mono-XGA", "camera", "deviceType Minicam-Mono-XGA"),
            ("cameras", "WebCam-640x480", "camera", "deviceType WebCam-640x480"),
            ("cameras", "OurOwn", "camera", "listed under cameras"),
            ("", "Miniscope_V4", "scope", "deviceType Miniscope_V4"),
            ("", "WebCam", "camera", "deviceType WebCam"),
        ],
    )
    def test_role(self, tmp_path, lists, device_type, role, evidence):
        truth = make_v4(tmp_path / "s", scope_type=device_type)
        names = {"miniscopes": [], "cameras": []} | ({lists: ["Miniscope"]} if lists else {})
        edit_json(truth.folder / "metaData.json", **names)
        recording = read(truth.folder)
        assert (recording.devices[0].role, recording.devices[0].role_evidence) == (role, evidence)
        assert codes(recording, "warning") == ([] if lists else ["unlisted_device"])

    @pytest.mark.parametrize(("name", "role"), [("BehavCam 2", "camera"), ("Left", "scope")])
    def test_role_by_name_is_a_warning(self, tmp_path, name, role):
        truth = make_v4(tmp_path / "s", scopes=(name,), extra_device={"deviceType": ""})
        (truth.folder / "metaData.json").unlink()
        recording = read(truth.folder)
        assert recording.devices[0].name == name
        assert recording.devices[0].role == role
        assert "guessed_role" in codes(recording, "warning")

    @pytest.mark.parametrize("name", ["BehavCam 2", "BehavCam_2"])
    def test_role_given(self, tmp_path, name):
        truth = make_v4(tmp_path / "s", cameras=("BehavCam 2",))
        recording = read(truth.folder, roles={name: "scope"})
        assert recording.devices[1].role == "scope"
        assert recording.devices[1].role_evidence == "given by the user"

    def test_unlisted_folder_is_a_device(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        shutil.copytree(truth.folder / "Miniscope", truth.folder / "Second")
        recording = read(truth.folder)
        assert [device.name for device in recording.devices] == ["Miniscope", "Second"]
        assert codes(recording) == ["unlisted_device"]

    def test_renamed_folder(self, tmp_path):
        truth = make_v4(tmp_path / "s", cameras=("Cam",))
        (truth.folder / "Cam").rename(truth.folder / "old camera")
        recording = read(truth.folder)
        device = recording.devices[1]
        assert (device.name, device.folder, device.role) == ("Cam", "old camera", "camera")
        assert codes(recording) == ["renamed_folder"]

    def test_missing_folder(self, tmp_path):
        truth = make_v4(tmp_path / "s", scopes=TWO_SCOPES)
        shutil.rmtree(truth.folder / "HPC_miniscope_1")
        recording = read(truth.folder)
        assert [device.name for device in recording.devices] == ["Miniscope"]
        assert "'HPC miniscope 1'" in message(recording, "missing_device")
        assert codes(recording, "error") == []

    def test_no_folder_at_all(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        shutil.rmtree(truth.folder / "Miniscope")
        assert codes(read(truth.folder), "error") == ["no_device"]

    @pytest.mark.parametrize("name", ["../x", "/etc", "C:\\data", "a/b", "..", "."])
    def test_name_that_leads_away(self, tmp_path, name):
        truth = make_v4(tmp_path / "s")
        edit_json(truth.folder / "metaData.json", miniscopes=[name])
        with pytest.raises(RecordingError) as error:
            read(truth.folder)
        assert repr(name) in str(error.value)

    def test_link_that_leads_away(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        shutil.move(truth.folder / "Miniscope", tmp_path / "elsewhere")
        try:
            (truth.folder / "Miniscope").symlink_to(tmp_path / "elsewhere", True)
        except OSError:
            pytest.skip("links may not be made here")
        with pytest.raises(RecordingError, match="Miniscope: leads out of the session folder s"):
            read(truth.folder)

    def test_device_without_metadata(self, tmp_path):
        truth = make_v4(tmp_path / "s")
        (truth.folder / "Miniscope" / "metaData.json").unlink()
        recording = read(truth.folder)
        assert codes(recording) == ["missing_metadata"]
        assert recording.devices[0].role_evidence == "listed under miniscopes"
        assert recording.devices[0].frames_per_file is None

    def test_shared_folder(self, tmp_path):
        truth = make_v4(tmp_path / "s", scopes=("My Scope",))
        edit_json(truth.folder / "metaData.json", miniscopes=["My Scope", "My_Scope"])
        assert codes(read(truth.folder), "error") == ["shared_folder"]

    def test_lists_in_the_form_of_the_configuration(self, tmp_path):
        truth = make_v4(tmp_path / "s", cameras=("BehavCam 2",))
        edit_json(
            truth.folder / "metaData.json",
            miniscopes={"Miniscope": {"gain": 1}},
            cameras=[{"deviceName": "BehavCam 2"}, 7],
        )
        assert [d.name for d in read(truth.folder).devices] == ["Miniscope", "BehavCam 2"]

    def test_upper_case(self, tmp_path):
        truth = make_v4(tmp_path / "s", scopes=("Miniscope",))
        folder = truth.folder / "Miniscope"
        for old, new in [("timeStamps.csv", "TimeStamps.CSV"), ("metaData.json", "metadata.json")]:
            (folder / old).rename(folder / (new + "_"))
            (folder / (new + "_")).rename(folder / new)
        for path in list(folder.glob("*.avi")):
            path.rename(path.with_suffix(".AVI"))
        folder.rename(truth.folder / "miniSCOPE_")
        (truth.folder / "miniSCOPE_").rename(truth.folder / "miniSCOPE")
        recording = read(truth.folder)
        assert codes(recording) == []
        assert recording.devices[0].stamps.source == "miniSCOPE/TimeStamps.CSV"

    def test_names_beyond_ascii(self, tmp_path):
        truth = make_v4(tmp_path / "Größe 1 µm", scopes=("Läser größe 2",))
        recording = read(truth.folder)
        assert recording.devices[0].folder == "Läser_größe_2"
        assert codes(recording) == []


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
