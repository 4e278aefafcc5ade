"""Damage inside an FFV1 frame is noticed, never handed on as pixels."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.video import ffv1
from miniscope_nwb.video.decode import read_frames
from miniscope_nwb.video.probe import probe_part
from miniscope_nwb.video.riff import read_index
from miniscope_nwb.video.write import AviWriter

FRAMES = np.random.default_rng(3).integers(0, 255, (20, 48, 64), dtype=np.uint8)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "0.avi"
    with AviWriter(path, width=64, height=48, fourcc="FFV1", header_rate=60) as writer:
        for frame in FRAMES:
            writer.write(frame)
    return path


def chunk(path, number):
    index = read_index(path)
    begin = int(index.offsets[number])
    return begin, path.read_bytes()[begin : begin + int(index.sizes[number])]


def test_whole_frames_pass(video):
    assert all(ffv1.is_whole(chunk(video, number)[1]) for number in range(len(FRAMES)))


@pytest.mark.parametrize("size", [1, 50, 400])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.97])
def test_a_damaged_frame_stops_with_its_number(video, size, place):
    begin, data = chunk(video, 14)
    at = begin + int(place * (len(data) - size))
    damaged = bytearray(video.read_bytes())
    damaged[at : at + size] = bytes(byte ^ 0x5A for byte in damaged[at : at + size])
    video.write_bytes(damaged)
    part = probe_part(video, relative_path="0.avi", index=0)
    np.testing.assert_array_equal(list(read_frames(part, 0, 12)), FRAMES[:12])
    with pytest.raises(RecordingError, match=r"frame 14 of 0\.avi"):
        list(read_frames(part))


def test_bytes_without_slices_are_not_whole():
    assert not ffv1.is_whole(b"")
    assert not ffv1.is_whole(bytes(96))
    assert not ffv1.is_whole(bytes(100))
    assert not ffv1.has_checksums(b"abcdefghijkl")
