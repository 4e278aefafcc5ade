"""What is written is read back bit for bit, by both decoders."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.errors import OutputError, RecordingError
from miniscope_nwb.video.decode import is_grey, read_frames
from miniscope_nwb.video.probe import probe_part
from miniscope_nwb.video.second import read_frames_again
from miniscope_nwb.video.write import AviWriter

GREY = ["FFV1", "GREY", "Y800", "Y16 ", "DIB "]
FORMATS = {
    "FFV1": "gray8", "GREY": "gray8", "Y800": "gray8", "Y16 ": "gray16", "DIB ": "palette8",
    "MJPG": "yuv",
}  # fmt: skip


def probe(path):
    return probe_part(path, relative_path=f"Miniscope/{path.name}", index=0)


def assert_equal(found, expected):
    found = list(found)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("fourcc", GREY)
@pytest.mark.parametrize("shape", [(48, 64), (37, 50), (37, 51)])
def test_grey_frames_come_back_bit_for_bit_from_both_decoders(make_avi, fourcc, shape):
    path, frames = make_avi(fourcc, 14, shape=shape)
    part = probe(path)
    assert part.state == "whole"
    assert not part.is_damaged
    assert (part.fourcc, part.width, part.height) == (fourcc, shape[1], shape[0])
    assert (part.n_frames, part.header_frames) == (14, 14)
    assert part.pixel_format == FORMATS[fourcc]
    assert not part.is_lossy
    assert_equal(read_frames(part), frames)
    assert_equal(read_frames_again(part), frames)
    assert is_grey(part)


@pytest.mark.parametrize("fourcc", ["FFV1", "DIB "])
def test_colour_frames_come_back_bit_for_bit_from_both_decoders(make_avi, fourcc):
    path, frames = make_avi(fourcc, 5, colour=True)
    part = probe(path)
    assert part.pixel_format == "bgr24"
    assert_equal(read_frames(part, colour=True), frames)
    assert_equal(read_frames_again(part, colour=True), frames)


@pytest.mark.parametrize("fourcc", ["FFV1", "DIB ", "MJPG"])
def test_colour_is_refused_where_grey_is_asked_for(make_avi, fourcc):
    path, _ = make_avi(fourcc, 3, colour=True)
    part = probe(path)
    assert not is_grey(part)
    with pytest.raises(RecordingError, match=r"colour video.*role 'camera'"):
        list(read_frames(part))


@pytest.mark.parametrize("fourcc", ["FFV1", "DIB "])
def test_grey_in_a_colour_file_is_read_as_grey(tmp_path, make_avi, fourcc):
    _, frames = make_avi("GREY", 4)
    path = tmp_path / "grey_in_colour.avi"
    with AviWriter(path, width=50, height=37, fourcc=fourcc, header_rate=60, colour=True) as writer:
        for frame in frames:
            writer.write(np.dstack([frame] * 3))
    part = probe(path)
    assert is_grey(part)
    assert_equal(read_frames(part), frames)
    assert_equal(read_frames_again(part), frames)


@pytest.mark.parametrize("shape", [(48, 64), (37, 51)])
@pytest.mark.parametrize("colour", [False, True])
def test_both_decoders_agree_on_mjpeg(make_avi, colour, shape):
    path, frames = make_avi("MJPG", 5, colour=colour, shape=shape)
    part = probe(path)
    assert part.pixel_format == "yuv"
    assert part.is_lossy
    first = list(read_frames(part, colour=colour))
    assert_equal(read_frames_again(part, colour=colour), first)
    error = np.abs(np.array(first, float) - np.array(frames, float)).mean()
    assert error < (40 if colour else 4)  # noise in colour loses its chroma, grey noise very little


def test_grey_seen_as_colour_has_equal_channels(make_avi):
    path, frames = make_avi("GREY", 3)
    expected = [np.dstack([frame] * 3) for frame in frames]
    assert_equal(read_frames(probe(path), colour=True), expected)
    assert_equal(read_frames_again(probe(path), colour=True), expected)


@pytest.mark.parametrize("fourcc", ["FFV1", "MJPG", "GREY"])
@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (11, 13), (12, 30), (17, 23), (29, 99), (5, 5)]
)
def test_any_range_can_be_read(make_avi, fourcc, start, stop):
    path, _ = make_avi(fourcc, 30)
    part = probe(path)
    whole = list(read_frames(part))
    assert_equal(read_frames(part, start, stop, threads=2), whole[start:stop])
    if fourcc == "FFV1":
        assert_equal(read_frames_again(part, start, stop), whole[start:stop])


@pytest.mark.parametrize("fourcc", [*GREY, "MJPG"])
def test_the_same_frames_give_the_same_bytes(make_avi, fourcc):
    path, _ = make_avi(fourcc, 13)
    first = path.read_bytes()
    path, _ = make_avi(fourcc, 13, threads=2)
    assert path.read_bytes() == first
    assert b"Lavc" not in first


@pytest.mark.parametrize("fourcc", ["FFV1", "GREY", "Y16 ", "DIB "])
def test_long_files_go_on_in_further_segments(make_avi, fourcc):
    path, frames = make_avi(fourcc, 30, riff_limit=9_000)
    assert path.read_bytes().count(b"AVIX") > 2
    part = probe(path)
    assert (part.state, part.n_frames, part.header_frames) == ("whole", 30, 30)
    assert_equal(read_frames(part), frames)
    assert_equal(read_frames_again(part), frames)


def test_too_many_segments_are_refused(make_avi):
    with pytest.raises(OutputError, match="write fewer frames"):
        make_avi("GREY", 600, riff_limit=2_000)


def test_the_writer_refuses_other_frames(make_avi, tmp_path):
    with (
        pytest.raises(OutputError, match=r"\(37, 50\).*\(50, 37\)"),
        AviWriter(tmp_path / "a.avi", width=50, height=37, fourcc="GREY", header_rate=20) as writer,
    ):
        writer.write(np.zeros((50, 37), np.uint8))
    assert probe(tmp_path / "a.avi").state == "empty"
    with pytest.raises(OutputError, match="XVID"):
        make_avi("XVID")
    with pytest.raises(OutputError, match="colour AVI"):
        make_avi("GREY", colour=True)
    with pytest.raises(OutputError, match="cannot be written"):
        AviWriter(tmp_path / "no" / "a.avi", width=5, height=3, fourcc="GREY", header_rate=20)


def test_opencv_reads_what_we_write(make_avi):
    import cv2

    for fourcc in ("FFV1", "GREY"):
        path, frames = make_avi(fourcc, 14, shape=(48, 64))
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        assert capture.get(cv2.CAP_PROP_FPS) == 60
        assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 14
        for frame in frames:
            np.testing.assert_array_equal(capture.read()[1][:, :, 0], frame)
        assert not capture.read()[0]


def test_our_ffv1_stream_is_that_of_opencv(make_avi, tmp_path):
    import cv2

    from miniscope_nwb.video.riff import read_index

    path, frames = make_avi("FFV1", 14, shape=(48, 64))
    other = tmp_path / "opencv.avi"
    fourcc = cv2.VideoWriter_fourcc(*"FFV1")
    writer = cv2.VideoWriter(str(other), cv2.CAP_FFMPEG, fourcc, 60, (64, 48), False)
    for frame in frames:
        writer.write(frame)
    writer.release()
    part = probe(other)
    assert (part.state, part.n_frames) == ("whole", 14)
    assert_equal(read_frames(part), frames)
    ours, theirs = read_index(path), read_index(other)
    assert ours.sizes.tolist() == theirs.sizes.tolist()
    assert ours.extradata == theirs.extradata
