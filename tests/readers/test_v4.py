"""Sessions of Miniscope-DAQ-QT-Software: every version, and which devices they hold."""

from __future__ import annotations

import shutil
from datetime import timedelta

import numpy as np
import pytest
from builders.v4 import START, VERSIONS, make_v4
from told import codes, message
from v4_reading import READER, edit_json, edit_text, read

from miniscope_nwb.convert.readers.base import Reader, RecordingSource
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import ReadOptions

TWO_SCOPES = ("HPC miniscope 1", "Miniscope")


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
