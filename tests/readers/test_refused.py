"""Formats that are recognised and refused by name."""

from __future__ import annotations

import struct

import pytest

from miniscope_nwb.convert.detect import find_recordings
from miniscope_nwb.convert.readers.base import Reader, RecordingSource
from miniscope_nwb.convert.readers.refused import FORMATS, RefusedFormats
from miniscope_nwb.errors import DetectionError, RecordingError
from miniscope_nwb.recording import ReadOptions

READER = RefusedFormats()
ISO = "2024-03-01T10:11:12.1234567+01:00"


def card_image(width=608, height=608, rate=20, buffer_bytes=40960):
    return bytes(1023 * 512) + struct.pack("<4I", width, height, rate, buffer_bytes) + bytes(496)


CASES = {
    "Inscopix": {"m.isxd": b"x"},
    "ONIX with Arrow files": {"ucla-miniscope-v4_0.arrow": b"ARROW1"},
    "PoMiDAQ": {"m_timestamps.csv": b"frame; timestamp\n0; 0\n1; 50\n", "m.mkv": b"x"},
    "Syntalos": {"video.tsync": b"x"},
    "Syntalos ": {"manifest.toml": b"x", "attributes.toml": b"x"},
    "stream of mio": {"s.csv": b"linked_list,frame_num,reconstructed_frame_index\n", "s.avi": b"x"},
    "image of an SD card": {"card.img": b"x"},
    "image of an SD card ": {"card.bin": card_image()},
    "Bonsai": {"video.avi": b"x", "stamps.csv": f"{ISO}\n{ISO}\n".encode()},
    "Bonsai ": {"video.avi": b"x", "stamps.csv": f"Timestamp,W\n{ISO},1\n".encode()},
    "Bonsai  ": {"minicam_2024-03-01T10_11_12.avi": b"x", "minicam-aux_2024.csv": b"x"},
    "Bonsai   ": {"uclaminiscopev4-image_2024.avi": b"x"},
    "minian": {"A.zarr": None, "C.zarr": None},
    "TIFF": {"stack.TIF": b"II"},
}


def make(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        if data is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(data)
    return folder


def test_is_a_reader():
    assert isinstance(READER, Reader)


@pytest.mark.parametrize("name", CASES)
def test_refused_by_name(tmp_path, name):
    folder = make(tmp_path / "s", CASES[name])
    match = READER.sniff(folder)
    assert match.is_match
    assert not match.sources
    assert name.strip() in match.refusal
    assert "not converted" in match.refusal
    assert str(folder) in match.refusal
    assert match.refusal.endswith(".")
    with pytest.raises(DetectionError, match="not converted"):
        find_recordings(folder)
    with pytest.raises(DetectionError, match="not converted"):
        find_recordings(tmp_path)
    with pytest.raises(RecordingError, match="not converted"):
        READER.read(RecordingSource(folder), ReadOptions())


def test_every_format_has_a_case(tmp_path):
    named = {
        READER.sniff(make(tmp_path / str(i), c)).reasons[0] for i, c in enumerate(CASES.values())
    }
    names = {reason.partition(": ")[2] for reason in named}
    assert names == {foreign.name for foreign in FORMATS}


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"a.csv": b"", "b.avi": b""},
        {"table.csv": b"1,2\n3,4\n", "b.avi": b"x"},
        {"clock.raw": bytes(1025 * 512)},
        {"log.csv": f"{ISO}\n".encode()},
        {"notes.txt": b"x", "manifest.toml": b"x"},
        {"video.mp4": b"x"},
    ],
)
def test_other_files_are_not_refused(tmp_path, files):
    match = READER.sniff(make(tmp_path / "s", files))
    assert not match.is_match
    assert match.reasons[0].startswith("no file of Inscopix")


def test_read_of_nothing(tmp_path):
    with pytest.raises(RecordingError, match="not a recording"):
        READER.read(RecordingSource(tmp_path), ReadOptions())


def test_real_files(real_data):
    match = READER.sniff(real_data / "onephoton")
    assert "Inscopix" in match.refusal
    assert "isxd" in match.refusal
