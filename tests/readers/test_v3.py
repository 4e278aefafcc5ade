"""Sessions of the V3 software, and which cameras they hold."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from builders.v3 import make_v3, write_lines
from told import codes, message, source_file
from v3_reading import READER, edit, read, truncate

from miniscope_nwb.convert.readers.base import Reader, RecordingSource
from miniscope_nwb.convert.reconcile import reconcile_recording
from miniscope_nwb.video.decode import read_frames


@pytest.fixture
def truth(tmp_path):
    return make_v3(tmp_path / "6_9_2019" / "H9_M5_S44")


def test_is_a_reader():
    assert isinstance(READER, Reader)


class TestWhole:
    def test_everything_is_found(self, truth):
        recording = read(truth.folder)
        assert recording.problems == ()
        assert (recording.format, recording.software) == ("v3", "Miniscope_DAQ_Software")
        assert recording.start.value == datetime(2019, 6, 9, 9, 5, 44)
        assert recording.start.is_assumed
        assert recording.start.source == "folder name"
        assert recording.subject_id == "mouse 7"
        assert [(d.name, d.role) for d in recording.devices] == [
            ("Miniscope", "scope"),
            ("BehavCam", "camera"),
        ]
        for device in recording.devices:
            stamps = truth.stamps_ms[device.name]
            assert device.folder == "."
            assert device.nominal_rate_hz is None
            assert np.array_equal(device.stamps.recorded, stamps)
            assert np.array_equal(device.stamps.time_s, stamps / 1000.0)
            assert np.array_equal(device.stamps.frame_index, np.arange(len(stamps)))
            assert np.array_equal(device.stamps.frame_number, np.arange(1, len(stamps) + 1))
            assert np.array_equal(device.stamps.buffer_index, device.stamps.frame_number % 3)
            assert device.stamps.source == "timestamp.dat"
        scope, camera = recording.devices
        assert [part.relative_path for part in scope.parts] == [
            "msCam1.avi", "msCam2.avi", "msCam3.avi",
        ]  # fmt: skip
        assert [part.n_frames for part in camera.parts] == [10, 10, 10, 7]
        assert [part.index for part in camera.parts] == [0, 1, 2, 3]

    def test_frames_are_bit_exact(self, truth):
        recording = read(truth.folder)
        for device in recording.devices:
            is_colour = device.role == "camera"
            frames = [f for p in device.parts for f in read_frames(p, colour=is_colour)]
            assert np.array_equal(np.stack(frames), truth.frames[device.name])
        assert recording.devices[0].parts[0].pixel_format == "palette8"
        assert recording.devices[1].parts[0].pixel_format == "bgr24"

    def test_it_reconciles_without_a_word(self, truth):
        recording = read(truth.folder)
        timelines = reconcile_recording(recording, on_mismatch="stop", stamps="strict")
        assert timelines["Miniscope"].n_frames == 25
        assert timelines["BehavCam"].n_frames == 37
        assert [p for line in timelines.values() for p in line.problems] == []

    def test_settings_and_notes(self, truth):
        recording = read(truth.folder)
        found = {s.key: (s.device, s.value, s.source) for s in recording.settings}
        source = "settings_and_notes.dat"
        assert found == {
            "animal": ("", "mouse 7", source),
            "excitation": ("Miniscope", 12, source),
            "msCamExposure": ("Miniscope", 255, source),
            "recordLength": ("", 0, source),
        }
        assert [(n.time_s, n.text) for n in recording.notes] == [
            (2.0, "LED Changed to: 15"),
            (83.0, "licks\tat the wall"),
        ]

    def test_source_files(self, truth):
        (truth.folder / "plan.docx").write_bytes(b"x")
        (truth.folder / "msCamAll.avi").write_bytes(b"x")
        recording = read(truth.folder)
        assert len(recording.source_files) == 3 + 4 + 2 + 2
        video = source_file(recording, "behavCam4.avi")
        assert (video.device, video.n_frames, video.codec) == ("BehavCam", 7, "DIB ")
        assert video.converted
        assert source_file(recording, "timestamp.dat").converted
        assert not source_file(recording, "plan.docx").converted
        assert "acquisition" in source_file(recording, "plan.docx").note
        assert "analysis" in source_file(recording, "msCamAll.avi").note

    def test_empty_last_file(self, tmp_path):
        truth = make_v3(tmp_path / "s", n_scope=20)
        recording = read(truth.folder)
        assert [part.n_frames for part in recording.devices[0].parts] == [10, 10, 0]
        assert recording.problems == ()
        timelines = reconcile_recording(recording, on_mismatch="stop", stamps="strict")
        assert timelines["Miniscope"].n_frames == 20
        assert timelines["Miniscope"].problems == ()

    def test_tenth_file_is_the_last(self, tmp_path):
        truth = make_v3(tmp_path / "s", n_scope=95, n_camera=0)
        parts = read(truth.folder).devices[0].parts
        assert [part.path.name for part in parts[-2:]] == ["msCam9.avi", "msCam10.avi"]

    def test_no_camera(self, tmp_path):
        truth = make_v3(tmp_path / "s", n_camera=0, scope_camnum=10)
        recording = read(truth.folder)
        assert [d.name for d in recording.devices] == ["Miniscope"]
        assert recording.devices[0].stamps.n_rows == 25
        assert recording.problems == ()

    @pytest.mark.parametrize("fourcc", ["FFV1", "GREY"])
    def test_other_codecs(self, tmp_path, fourcc):
        truth = make_v3(tmp_path / "s", n_camera=0, fourcc=fourcc)
        recording = read(truth.folder)
        assert recording.devices[0].parts[0].fourcc == fourcc
        assert recording.problems == ()

    def test_lossy_codec(self, tmp_path):
        truth = make_v3(tmp_path / "s", n_camera=0, fourcc="MJPG")
        assert codes(read(truth.folder)) == ["lossy_codec"]

    @pytest.mark.parametrize(
        ("names", "start"),
        [
            ("6_29_15/H9_M5_S44", datetime(2015, 6, 29, 9, 5, 44)),
            ("12_1_2018/mouse/H19_M0_S0", datetime(2018, 12, 1, 19)),
            ("mouse/day 3", None),
            ("13_45_2018/H9_M5_S44", None),
        ],
    )
    def test_start(self, tmp_path, names, start):
        recording = read(make_v3(tmp_path / names, n_scope=3, n_camera=0).folder)
        assert recording.start.value == start
        assert recording.start.is_assumed


class TestSniff:
    def test_session(self, truth):
        match = READER.sniff(truth.folder)
        assert match.sources == (RecordingSource(truth.folder),)
        assert match.reasons == ("3 msCam and 4 behavCam videos, timestamp.dat",)

    def test_upper_case(self, tmp_path):
        truth = make_v3(tmp_path / "s", n_camera=0)
        for path in list(truth.folder.iterdir()):
            path.rename(path.with_name(path.name.upper()))
        assert READER.sniff(truth.folder).is_match
        recording = read(truth.folder)
        assert recording.problems == ()
        assert recording.devices[0].stamps.n_rows == 25

    @pytest.mark.parametrize("name", ["timestamp.dat", "settings_and_notes.dat", "behavCam1.avi"])
    def test_a_stray_file_is_no_session(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"")
        assert not READER.sniff(tmp_path).is_match

    def test_missing_stamps(self, truth):
        (truth.folder / "timestamp.dat").unlink()
        assert READER.sniff(truth.folder).is_match
        recording = read(truth.folder)
        assert codes(recording, "error") == ["no_stamps"]
        assert "timestamp.dat" in message(recording, "no_stamps")
        assert recording.devices[0].stamps is None

    def test_missing_scope_videos(self, truth):
        for path in truth.folder.glob("msCam*"):
            path.unlink()
        assert READER.sniff(truth.folder).is_match
        recording = read(truth.folder)
        assert codes(recording, "error") == ["no_video"]
        assert codes(recording, "warning") == ["no_video_of_camera"]
        assert recording.devices[0].stamps.n_rows == 37


class TestCameras:
    @pytest.mark.parametrize(("scope", "camera"), [(0, 1), (1, 0), (10, 1), (2, 10)])
    def test_counts_tell(self, tmp_path, scope, camera):
        truth = make_v3(tmp_path / "s", scope_camnum=scope, camera_camnum=camera)
        recording = read(truth.folder)
        assert recording.problems == ()
        assert np.array_equal(recording.devices[0].stamps.recorded, truth.stamps_ms["Miniscope"])
        assert f"camNum {scope} has as many rows" in recording.devices[0].role_evidence

    def test_equal_counts_do_not_tell(self, tmp_path):
        truth = make_v3(tmp_path / "s", n_scope=25, n_camera=25)
        recording = read(truth.folder)
        assert codes(recording, "error") == ["unclear_camnum"]
        text = message(recording, "unclear_camnum")
        assert "--scope-camnum 0 or --scope-camnum 1" in text
        assert "25 rows of camNum 0" in text
        assert "25 frames of msCam*.avi" in text
        assert [device.stamps for device in recording.devices] == [None, None]
        told = read(truth.folder, scope_camnum=1)
        assert told.problems == ()
        for device in told.devices:
            assert np.array_equal(device.stamps.recorded, truth.stamps_ms[device.name])

    def test_no_such_camera(self, truth):
        recording = read(truth.folder, scope_camnum=7)
        assert codes(recording, "error") == ["unclear_camnum"]
        assert "give 0 or 1" in message(recording, "unclear_camnum")

    def test_last_part_is_cut(self, truth):
        truncate(truth.folder / "msCam3.avi")
        recording = read(truth.folder)
        assert codes(recording, "error") == []
        assert np.array_equal(recording.devices[0].stamps.recorded, truth.stamps_ms["Miniscope"])
        assert "nearly as many rows" in recording.devices[0].role_evidence

    def test_single_camera_with_a_cut_part(self, tmp_path):
        truth = make_v3(tmp_path / "s", n_camera=0)
        truncate(truth.folder / "msCam3.avi")
        recording = read(truth.folder)
        assert codes(recording) == []
        assert recording.devices[0].stamps.n_rows == 25

    def test_stamps_lack_a_few(self, tmp_path):
        truth = make_v3(tmp_path / "s", n_camera=0)
        edit(
            truth.folder / "timestamp.dat", lambda data: b"\n".join(data.split(b"\n")[:-3]) + b"\n"
        )
        recording = read(truth.folder)
        assert recording.devices[0].stamps.n_rows == 23
        assert codes(recording) == []

    def test_videos_of_the_camera_are_elsewhere(self, truth):
        for path in truth.folder.glob("behavCam*"):
            path.unlink()
        recording = read(truth.folder)
        assert codes(recording) == ["no_video_of_camera"]
        assert "37 rows of camNum 0" in message(recording, "no_video_of_camera")
        assert recording.devices[0].stamps.n_rows == 25

    def test_videos_without_rows(self, truth):
        path = truth.folder / "timestamp.dat"
        lines = path.read_text().splitlines()
        write_lines(path, [line for line in lines if not line.startswith("0\t")])
        recording = read(truth.folder)
        assert codes(recording, "error") == ["no_stamps"]
        assert recording.devices[1].stamps is None
        assert recording.devices[0].stamps.n_rows == 25

    def test_third_camera(self, truth):
        path = truth.folder / "timestamp.dat"
        rows = [f"5\t{number}\t{number * 100}\t0" for number in range(1, 9)]
        write_lines(path, [*path.read_text().splitlines(), *rows])
        for camnum in (None, 1):
            recording = read(truth.folder, scope_camnum=camnum)
            assert codes(recording) == ["no_video_of_camera"]
            assert recording.devices[1].stamps.n_rows == 37

    def test_role_of_the_user(self, truth):
        recording = read(truth.folder, roles={"BehavCam": "scope"})
        assert recording.devices[1].role == "scope"
        assert recording.devices[1].role_evidence == "given by the user"
