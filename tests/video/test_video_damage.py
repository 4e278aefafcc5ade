"""Files that were cut, never closed, or filled with zeros yield the frames that they hold."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from damage import header_only, truncate, unfinalise, zero_tail
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.video.decode import read_frames
from miniscope_nwb.video.probe import probe_part
from miniscope_nwb.video.riff import read_index
from miniscope_nwb.video.second import read_frames_again


def probe(path):
    return probe_part(path, relative_path=f"Miniscope/{path.name}", index=0)


def assert_first_frames(part, frames):
    found = list(read_frames(part))
    assert len(found) == part.n_frames
    np.testing.assert_array_equal(found, frames[: part.n_frames])
    again = list(read_frames_again(part))
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("fourcc", ["FFV1", "GREY", "DIB ", "Y16 "])
@pytest.mark.parametrize("fraction", [0.35, 0.6, 0.93])
def test_truncated_files_keep_their_complete_frames(make_avi, fourcc, fraction):
    path, frames = make_avi(fourcc, 30)
    truncate(path, fraction)
    part = probe(path)
    assert part.state == "truncated"
    assert 30 * fraction - 8 < part.n_frames < 30
    assert part.header_frames == 30
    assert_first_frames(part, frames)


@pytest.mark.parametrize("fourcc", ["FFV1", "GREY", "DIB "])
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_files_never_closed_keep_all_frames(make_avi, fourcc, size):
    path, frames = make_avi(fourcc, 20)
    unfinalise(path, size=size)
    part = probe(path)
    assert (part.state, part.n_frames, part.header_frames) == ("unfinalised", 20, 0)
    assert_first_frames(part, frames)


def test_mjpeg_never_closed_and_cut(make_avi):
    path, _ = make_avi("MJPG", 20)
    whole = list(read_frames(probe(path)))
    unfinalise(path)
    part = probe(path)
    assert (part.state, part.n_frames) == ("unfinalised", 20)
    truncate(path, 0.7)
    part = probe(path)
    assert part.state == "truncated"
    assert 8 <= part.n_frames < 20
    assert_first_frames(part, whole)


def test_a_lost_index_loses_no_frame(make_avi):
    path, frames = make_avi("GREY", 10)
    path.write_bytes(path.read_bytes()[:-40])  # into idx1
    part = probe(path)
    assert (part.state, part.n_frames) == ("unfinalised", 10)
    assert_first_frames(part, frames)


@pytest.mark.parametrize("fourcc", ["FFV1", "MJPG", "GREY"])
def test_a_tail_of_zeros_is_cut_off(make_avi, fourcc):
    path, _ = make_avi(fourcc, 20)
    frames = list(read_frames(probe(path)))
    index = read_index(path)
    unfinalise(path)
    # the last two frames and half of the one before were never written
    zero_tail(path, path.stat().st_size - int(index.offsets[17] + index.sizes[17] // 2))
    part = probe(path)
    assert (part.state, part.n_frames) == ("truncated", 17)
    assert_first_frames(part, frames)


def test_a_complete_chunk_of_garbage_at_the_end_is_cut_off(make_avi):
    path, frames = make_avi("FFV1", 20)
    index = read_index(path)
    unfinalise(path)
    data = bytearray(path.read_bytes())
    last, size = int(index.offsets[-1]), int(index.sizes[-1])
    data[last + 40 : last + size] = np.random.default_rng(3).bytes(size - 40)
    path.write_bytes(data)
    part = probe(path)
    assert (part.state, part.n_frames) == ("truncated", 19)
    assert_first_frames(part, frames)


def test_a_damaged_frame_in_the_middle_is_named(make_avi):
    path, frames = make_avi("FFV1", 20)
    index = read_index(path)
    data = bytearray(path.read_bytes())
    at, size = int(index.offsets[7]), int(index.sizes[7])
    data[at + 40 : at + size] = np.random.default_rng(3).bytes(size - 40)
    path.write_bytes(data)
    part = probe(path)
    np.testing.assert_array_equal(list(read_frames(part, 0, 7)), frames[:7])
    with pytest.raises(RecordingError, match=r"frame 7 of FFV1\.avi cannot be decoded"):
        list(read_frames(part))


def test_empty_files(make_avi, tmp_path):
    path, _ = make_avi("FFV1", 3)
    header_only(path)
    part = probe(path)
    assert (part.state, part.n_frames, part.fourcc) == ("empty", 0, "FFV1")
    assert (part.width, part.height) == (50, 37)
    assert list(read_frames(part)) == []
    assert list(read_frames_again(part)) == []
    path.write_bytes(b"")
    part = probe(path)
    assert (part.state, part.fourcc, part.n_bytes, part.header_frames) == ("empty", "", 0, None)
    assert part.is_damaged


@pytest.mark.parametrize("n_bytes", [5, 11, 30, 100, 200])
def test_files_cut_inside_their_headers_are_empty(make_avi, n_bytes):
    path, _ = make_avi("FFV1", 3)
    path.write_bytes(path.read_bytes()[:n_bytes])
    assert probe(path).state == "empty"


def test_what_is_no_video_is_unreadable(tmp_path):
    for name in ("0.avi", "0.mp4"):
        path = tmp_path / name
        path.write_bytes(b"<html>not found</html>" * 20)
        part = probe(path)
        assert (part.state, part.n_frames) == ("unreadable", 0)
    with pytest.raises(RecordingError, match=r"0\.avi is not an AVI file"):
        read_index(tmp_path / "0.avi")
    with pytest.raises(RecordingError, match=r"1\.avi cannot be read"):
        probe(tmp_path / "1.avi")


def test_a_file_that_shrinks_after_the_probe_is_an_error(make_avi):
    for fourcc in ("GREY", "FFV1"):
        path, _ = make_avi(fourcc, 20)
        part = probe(path)
        truncate(path, 0.6)
        with pytest.raises(RecordingError, match=r"decodes to \d+ frames instead of 20"):
            list(read_frames(part))
        with pytest.raises(RecordingError, match=r"second decoder finds \d+ frames"):
            list(read_frames_again(part))


def test_a_drive_that_fails_is_one_sentence(make_avi, monkeypatch):
    import miniscope_nwb.video.decode as decode

    def fail(*arguments, **options):
        raise OSError(5, "Input/output error")

    path, _ = make_avi("GREY", 3)
    part = probe(path)
    monkeypatch.setattr(decode.raw, "read_pictures", fail)
    with pytest.raises(
        RecordingError, match=r"GREY\.avi cannot be read beyond frame 0: Input/outp"
    ):
        list(read_frames(part))


def test_a_frame_of_another_size_is_an_error(make_avi):
    path, _ = make_avi("GREY", 5)
    data = bytearray(path.read_bytes())
    at = data.index(b"strf") + 8
    data[at + 4] = 48  # width
    path.write_bytes(data)
    with pytest.raises(
        RecordingError, match=r"frame 0 of GREY\.avi holds 1850 bytes instead of 1776"
    ):
        list(read_frames(probe(path)))


def test_a_killed_decoder_is_an_error(make_avi, monkeypatch):
    import miniscope_nwb.video.second as second

    path, _ = make_avi("FFV1", 5)
    monkeypatch.setattr(second, "_WORKER", ("-c", "import os; os._exit(139)"))
    with pytest.raises(RecordingError, match=r"Miniscope/FFV1\.avi.*died"):
        list(read_frames_again(probe(path)))


def test_the_second_decoder_can_be_left_early(make_avi):
    path, frames = make_avi("GREY", 30)
    source = read_frames_again(probe(path))
    np.testing.assert_array_equal(next(source), frames[0])
    source.close()


FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(
    edits=st.lists(
        st.tuples(st.integers(0, 12_000), st.binary(min_size=1, max_size=8)), max_size=6
    ),
    length=st.integers(0, 25_000),
    fourcc=st.sampled_from(["GREY", "FFV1", "MJPG", "DIB "]),
)
def test_corrupt_bytes_never_do_worse_than_a_recording_error(make_avi, edits, length, fourcc):
    path, _ = make_avi(fourcc, 8)
    data = bytearray(path.read_bytes())
    for at, value in edits:
        if at + len(value) <= len(data):
            data[at : at + len(value)] = value
    path.write_bytes(data[: max(length, len(data) // 3)])
    try:
        index = read_index(path)
        assert index.n_frames == len(index.sizes)
        assert (index.sizes > 0).all()
        assert (index.offsets + index.sizes <= path.stat().st_size).all()
        part = probe(path)
        assert part.n_frames <= index.n_frames
        list(read_frames(part))
    except RecordingError:
        pass


@FUZZ
@given(data=st.binary(max_size=400))
def test_any_bytes_behind_a_riff_head_are_walked(tmp_path, data):
    path = tmp_path / "x.avi"
    path.write_bytes(b"RIFF\0\0\0\0AVI " + data)
    with contextlib.suppress(RecordingError):
        assert read_index(path).n_frames >= 0
    path.unlink()
