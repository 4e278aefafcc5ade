"""Reading the movie of a file: chosen frames, and unpacked chunks that are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.movie import regular_clock
from miniscope_nwb.nwb import kept_frames, stored_movie
from miniscope_nwb.nwb.stored_movie import StoredMovie

N_FRAMES, HEIGHT, WIDTH, CHUNK = 23, 6, 9, 5


def _store(folder, dtype=np.uint8, **how):
    frames = np.random.default_rng(4).integers(0, 255, (N_FRAMES, HEIGHT, WIDTH)).astype(dtype)
    path = folder / "movie.nwb"
    how = {"chunks": (CHUNK, WIDTH, HEIGHT), "compression": "gzip", **how}
    with h5py.File(path, "w") as file:
        file.create_dataset("acquisition/Series/data", data=frames.transpose(0, 2, 1), **how)
    return path, frames


@pytest.fixture(autouse=True)
def _any_file(monkeypatch):
    monkeypatch.setattr(stored_movie, "check_series", lambda path, series: None)


@pytest.fixture
def stored(tmp_path):
    return _store(tmp_path)


def _open(path, *, keep_bytes=0, in_memory=0):
    return StoredMovie(
        path,
        "Series",
        clock=regular_clock(N_FRAMES, rate_hz=20.0),
        keep_in=path.parent if keep_bytes or in_memory else None,
        keep_bytes=keep_bytes,
        keep_in_memory_bytes=in_memory,
    )


def _count_unpacked(monkeypatch):
    counted = []
    unpack = stored_movie._inflate

    def counting(packed, n_bytes, *, is_whole):
        counted.append(n_bytes)
        return unpack(packed, n_bytes, is_whole=is_whole)

    monkeypatch.setattr(stored_movie, "_inflate", counting)
    return counted


@pytest.mark.parametrize("n_kept", [0, 2, 100])
def test_frames_are_the_same_however_much_is_kept(stored, n_kept):
    path, frames = stored
    chosen = np.array([0, 3, 4, 11, 22])
    with _open(path, keep_bytes=n_kept * CHUNK * HEIGHT * WIDTH) as movie:
        for _ in range(2):
            np.testing.assert_array_equal(movie.read(0, N_FRAMES), frames)
            np.testing.assert_array_equal(movie.read(7, 12), frames[7:12])
            np.testing.assert_array_equal(movie.take(chosen), frames[chosen])


def test_what_is_read_may_be_changed(stored):
    path, frames = stored
    with _open(path, keep_bytes=10**6) as movie:
        movie.read(0, 10)[:] = 0
        np.testing.assert_array_equal(movie.read(0, 10), frames[:10])


def test_a_short_movie_is_unpacked_once(stored, monkeypatch):
    path, _ = stored
    counted = _count_unpacked(monkeypatch)
    with _open(path, keep_bytes=10**6) as movie:
        movie.take(np.array([1, 12]))
        for _ in range(3):
            movie.read(0, N_FRAMES)
    assert len(counted) == -(-N_FRAMES // CHUNK)


@pytest.mark.parametrize("on_disk", [0.0, 0.3, 0.55, 0.99])
def test_memory_keeps_what_the_file_has_no_room_for(stored, monkeypatch, on_disk):
    path, frames = stored
    counted = _count_unpacked(monkeypatch)
    raw = N_FRAMES * HEIGHT * WIDTH
    in_file = int(on_disk * raw)
    with _open(path, keep_bytes=in_file, in_memory=raw - in_file) as movie:
        for _ in range(3):
            np.testing.assert_array_equal(movie.read(0, N_FRAMES), frames)
    assert len(counted) == -(-N_FRAMES // CHUNK)


def test_no_more_is_kept_than_was_allowed(stored, monkeypatch):
    path, _ = stored
    counted = _count_unpacked(monkeypatch)
    room = 2 * CHUNK * HEIGHT * WIDTH
    with _open(path, keep_bytes=room + 1) as movie:
        for _ in range(3):
            movie.read(0, N_FRAMES)
        assert movie._kept.n_bytes == room
        assert (path.parent / kept_frames.FILE_NAME).stat().st_size == room
    assert len(counted) == 2 + 3 * 3


def test_threads_share_what_is_kept(stored):
    path, frames = stored
    room = 3 * CHUNK * HEIGHT * WIDTH
    with _open(path, keep_bytes=room) as movie, ThreadPoolExecutor(4) as pool:
        starts = [k % N_FRAMES for k in range(200)]
        found = list(pool.map(lambda start: movie.read(start, start + 1)[0], starts))
        assert movie._kept.n_bytes == room
    np.testing.assert_array_equal(found, frames[starts])


@pytest.mark.parametrize(
    ("dtype", "how", "is_kept"),
    [
        (np.uint16, {"shuffle": True}, True),
        (np.uint16, {"chunks": (CHUNK, 4, 4)}, True),
        (np.uint8, {"compression": "lzf"}, False),
        (np.uint8, {"compression": None}, False),
        (np.uint8, {"chunks": None, "compression": None}, False),
        (np.dtype(">u2"), {}, False),
    ],
)
def test_only_what_is_unpacked_here_is_kept(tmp_path, dtype, how, is_kept):
    path, frames = _store(tmp_path, dtype, **how)
    with _open(path, keep_bytes=10**6) as movie:
        for _ in range(2):
            np.testing.assert_array_equal(movie.read(0, N_FRAMES), frames)
        kept = path.parent / kept_frames.FILE_NAME
        assert kept.exists() == is_kept
    assert not kept.exists()


def test_a_full_disk_keeps_nothing(stored, monkeypatch):
    path, frames = stored

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_frames.os, "posix_fallocate", full, raising=False)
    with _open(path, keep_bytes=10**6) as movie:
        np.testing.assert_array_equal(movie.read(0, N_FRAMES), frames)
        assert movie._kept.n_bytes == 0
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_what_a_killed_run_left_is_not_read(stored):
    path, frames = stored
    (path.parent / kept_frames.FILE_NAME).write_bytes(b"\xff" * N_FRAMES * HEIGHT * WIDTH)
    with _open(path, keep_bytes=10**6) as movie:
        np.testing.assert_array_equal(movie.read(0, N_FRAMES), frames)


def test_a_damaged_chunk_is_told_and_never_kept(stored):
    path, frames = stored
    with h5py.File(path) as file:
        data = file["acquisition/Series/data"]
        place = data.id.get_chunk_info_by_coord((CHUNK, 0, 0)).byte_offset
    with path.open("r+b") as file:
        file.seek(place + 20)
        file.write(bytes(40))
    sentences = []
    for keep_bytes in (0, 10**6):
        with _open(path, keep_bytes=keep_bytes) as movie:
            for _ in range(2):
                with pytest.raises(NwbContentError, match="the file is damaged") as error:
                    movie.read(0, N_FRAMES)
                sentences.append(str(error.value))
            np.testing.assert_array_equal(movie.read(0, CHUNK), frames[:CHUNK])
    assert len(set(sentences)) == 1
