"""Sessions of the V3 software, whole and damaged."""

from __future__ import annotations

import os
from datetime import datetime

import numpy as np
import pytest
from builders.v3 import STAMP_HEADER, V3Options, make_v3, write_lines, write_parts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miniscope_nwb.convert.readers.base import Reader, RecordingSource
from miniscope_nwb.convert.readers.miniscope_v3 import MiniscopeV3Reader
from miniscope_nwb.convert.readers.text import decode
from miniscope_nwb.convert.readers.v3_settings import parse_settings
from miniscope_nwb.convert.reconcile import reconcile_recording
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import ReadOptions
from miniscope_nwb.video.decode import read_frames

READER = MiniscopeV3Reader()


def read(folder, **options):
    return READER.read(RecordingSource(folder), ReadOptions(**options))


def codes(recording, severity=None):
    return [p.code for p in recording.problems if severity in (None, p.severity)]


def message(recording, code):
    return next(p.message for p in recording.problems if p.code == code)


def source_file(recording, relative_path):
    return next(f for f in recording.source_files if f.relative_path == relative_path)


def edit(path, change):
    path.write_bytes(change(path.read_bytes()))


def truncate(path, share=0.5):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


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


class TestStamps:
    def write(self, folder, *rows, header=STAMP_HEADER):
        write_lines(folder / "timestamp.dat", [header, *rows])

    @pytest.fixture
    def folder(self, tmp_path):
        return make_v3(tmp_path / "s", n_scope=3, n_camera=0).folder

    def test_repeated_header(self, folder):
        self.write(folder, "1\t1\t5\t0", "1\t2\t55\t0", STAMP_HEADER, "1\t1\t5\t0")
        recording = read(folder)
        assert codes(recording, "error") == ["bad_stamps"]
        assert "timestamp.dat, line 4: a second header" in message(recording, "bad_stamps")
        assert not source_file(recording, "timestamp.dat").converted

    def test_restart(self, folder):
        self.write(folder, "1\t1\t5\t0", "0\t1\t6\t0", "1\t2\t55\t0", "0\t2\t9\t0", "1\t1\t5\t0")
        text = message(read(folder), "bad_stamps")
        assert "timestamp.dat, line 6" in text
        assert "from 2 back to 1" in text

    def test_frame_zero(self, folder):
        self.write(folder, "1\t0\t5\t0", "1\t1\t55\t0")
        assert "line 2" in message(read(folder), "bad_stamps")

    def test_no_rows(self, folder):
        self.write(folder)
        assert "no time stamps" in message(read(folder), "bad_stamps")

    def test_columns_are_missing(self, folder):
        self.write(folder, "1\t1", "1\t2", header="camNum\tframeNum")
        assert "expected the columns camNum" in message(read(folder), "bad_stamps")

    def test_full_buffer(self, folder):
        self.write(folder, "1\t1\t5\t0", "1\t2\t55\t250", "1\t3\t105\t255")
        recording = read(folder)
        assert codes(recording) == ["full_buffer"]
        assert "lines 3 to 4" in message(recording, "full_buffer")

    def test_no_buffer_column(self, folder):
        rows = ("1\t1\t5", "1\t2\t55", "1\t3\t105")
        self.write(folder, *rows, header="camNum\tframeNum\tsysClock")
        recording = read(folder)
        assert recording.devices[0].stamps.buffer_index is None
        assert recording.problems == ()

    def test_garbage_first_stamp_is_kept_and_mended_later(self, tmp_path):
        truth = make_v3(tmp_path / "s", first_stamp_ms=-1234567890)
        recording = read(truth.folder)
        assert recording.devices[0].stamps.recorded[0] == -1234567890
        timelines = reconcile_recording(recording, on_mismatch="stop", stamps="strict")
        assert [repair.rule for repair in timelines["Miniscope"].repairs] == ["first_stamp"]

    def test_half_written_last_row(self, folder):
        edit(folder / "timestamp.dat", lambda data: data + b"1\t4\t2")
        recording = read(folder)
        assert codes(recording) == ["mended_text"]
        assert recording.devices[0].stamps.n_rows == 3

    def test_nul_tail(self, folder):
        edit(folder / "timestamp.dat", lambda data: data + b"\0" * 300)
        recording = read(folder)
        assert codes(recording) == ["mended_text"]
        assert recording.devices[0].stamps.n_rows == 3

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_resaved(self, truth, encoding):
        path = truth.folder / "timestamp.dat"
        path.write_bytes(path.read_text().replace("\t", ";").encode(encoding))
        recording = read(truth.folder)
        assert set(codes(recording)) == {"mended_text"}
        assert recording.devices[0].stamps.n_rows == 25

    def test_two_files(self, folder):
        (folder / "timestamp.dat").rename(folder / "TimeStamp.dat")
        try:
            (folder / "TIMESTAMP.DAT").write_bytes(b"")
        except OSError:
            pytest.skip("names differ by more than case here")
        if len([p for p in folder.iterdir() if p.suffix.lower() == ".dat"]) < 3:
            pytest.skip("the file system does not tell upper from lower case")
        assert "could both be" in message(read(folder), "bad_stamps")


class TestVideos:
    def test_size_change(self, truth):
        options = V3Options(width=32, height=24)
        frames = np.zeros((25, 24, 32), dtype=np.uint8)
        keep = (truth.folder / "msCam1.avi").read_bytes()
        write_parts(truth.folder, "msCam", frames, options)
        (truth.folder / "msCam1.avi").write_bytes(keep)
        text = message(read(truth.folder), "size_change")
        assert text.startswith("msCam2.avi: its frames are 32x24")

    def test_missing_part_in_the_middle(self, truth):
        (truth.folder / "msCam2.avi").unlink()
        recording = read(truth.folder)
        assert [part.index for part in recording.devices[0].parts] == [0, 2]
        assert recording.devices[0].stamps.n_rows == 25
        timelines = reconcile_recording(recording, on_mismatch="stop", stamps="strict")
        assert list(timelines["Miniscope"].frame_index) == [*range(10), *range(20, 25)]

    def test_truncated_middle_part(self, truth):
        truncate(truth.folder / "msCam2.avi")
        recording = read(truth.folder)
        assert codes(recording, "error") == []
        assert recording.devices[0].stamps.n_rows == 25

    def test_two_candidates(self, truth):
        keep = (truth.folder / "msCam1.avi").read_bytes()
        (truth.folder / "msCam_01.avi").write_bytes(keep)
        recording = read(truth.folder)
        assert "unclear_video" in codes(recording, "error")
        assert "both claim" in message(recording, "unclear_video")

    def test_unreadable_part(self, truth):
        (truth.folder / "msCam3.avi").write_bytes(b"no video at all" * 20)
        recording = read(truth.folder)
        assert "unreadable_part" in codes(recording)
        assert not source_file(recording, "msCam3.avi").converted

    def test_link_that_leads_outside(self, truth, tmp_path):
        target = tmp_path / "elsewhere.avi"
        target.write_bytes(b"x")
        try:
            (truth.folder / "msCam4.avi").symlink_to(target)
        except OSError:
            pytest.skip("links are not allowed here")
        with pytest.raises(RecordingError, match="leads out of the session folder"):
            read(truth.folder)

    @pytest.mark.skipif(os.name == "nt", reason="Windows permissions are others")
    def test_nothing_is_written(self, truth):
        before = {p.name: p.stat().st_mtime_ns for p in truth.folder.iterdir()}
        read(truth.folder)
        assert before == {p.name: p.stat().st_mtime_ns for p in truth.folder.iterdir()}


class TestSettings:
    def parse(self, text):
        return parse_settings(decode(text.encode("cp1252")))

    def test_empty_animal(self):
        found = self.parse("animal\texcitation\tmsCamExposure\trecordLength\r\n\t5\t255\t600\r\n")
        assert found.animal == ""
        assert found.values == {
            "animal": "", "excitation": 5, "msCamExposure": 255, "recordLength": 600,
        }  # fmt: skip
        assert found.remarks == ()
        assert found.notes == ()

    def test_animal_that_is_a_number_stays_text(self):
        found = self.parse("animal\texcitation\r\n007\t5.5\r\n")
        assert found.values == {"animal": "007", "excitation": 5.5}

    def test_code_page(self):
        found = self.parse(
            "animal\texcitation\r\nMäuschen ß\t5\r\n\r\nelapsedTime\tNote\r\n3\tö\r\n"
        )
        assert found.animal == "Mäuschen ß"
        assert found.notes[0].text == "ö"
        assert found.remarks == ()

    def test_note_of_several_lines(self):
        found = self.parse("animal\r\nx\r\n\r\nelapsedTime\tNote\r\n3\ta\r\nb\r\n5\tc\r\n")
        assert [(n.time_s, n.text) for n in found.notes] == [(3.0, "a\nb"), (5.0, "c")]

    def test_missing_file(self, truth):
        (truth.folder / "settings_and_notes.dat").unlink()
        recording = read(truth.folder)
        assert codes(recording) == ["missing_metadata"]
        assert recording.subject_id == ""
        assert recording.settings == ()

    def test_two_recordings_in_one_file(self, truth):
        path = truth.folder / "settings_and_notes.dat"
        edit(path, lambda data: data + data)
        assert "two_recordings" in codes(read(truth.folder), "error")

    def test_nonsense(self, truth):
        (truth.folder / "settings_and_notes.dat").write_bytes(b"\xff\x00nonsense")
        recording = read(truth.folder)
        assert "mended_text" in codes(recording)
        assert codes(recording, "error") == []


FIELDS = st.sampled_from(
    ["0", "1", "2", "10", "-5", "1e9", "99999999999999999999", "", "x", '"', "1,5", "camNum", "\0"]
)
LINES = st.lists(st.lists(FIELDS, max_size=5).map("\t".join), max_size=8)
FILES = st.one_of(
    st.binary(max_size=200),
    LINES.map(lambda lines: "\r\n".join(lines).encode()),
    LINES.map(lambda lines: "\r\n".join([STAMP_HEADER, *lines]).encode()),
    LINES.map(lambda lines: "\n".join(["animal\texcitation", *lines]).encode("utf-16")),
)
FUZZ = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FUZZ
@given(data=FILES)
def test_any_stamps_file_is_read_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "fuzzed_v3"
    if not folder.exists():
        make_v3(folder, n_scope=3, n_camera=0)
    (folder / "timestamp.dat").write_bytes(data)
    recording = read(folder)
    device = recording.devices[0]
    assert device.stamps is not None or codes(recording, "error")
    if device.stamps is not None:
        assert device.stamps.frame_index.min() >= 0


@FUZZ
@given(data=FILES)
def test_any_settings_file_is_read(data):
    found = parse_settings(decode(data))
    assert all(np.isfinite(note.time_s) for note in found.notes)
    assert "\0" not in "".join(note.text for note in found.notes)
