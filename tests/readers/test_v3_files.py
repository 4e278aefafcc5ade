"""The files of a V3 session, whole and damaged: stamps, videos, settings."""

from __future__ import annotations

import os

import numpy as np
import pytest
from builders.v3 import STAMP_HEADER, V3Options, make_v3, write_lines, write_parts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from told import codes, message, source_file
from v3_reading import edit, read, truncate

from miniscope_nwb.convert.readers.text import decode
from miniscope_nwb.convert.readers.v3_settings import parse_settings
from miniscope_nwb.convert.reconcile import reconcile_recording
from miniscope_nwb.errors import RecordingError


@pytest.fixture
def truth(tmp_path):
    return make_v3(tmp_path / "6_9_2019" / "H9_M5_S44")


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
