"""Reading the movie of a file: chosen frames, and unpacked chunks that are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from miniscope_nwb.movie import regular_clock
from miniscope_nwb.nwb import stored_movie
from miniscope_nwb.nwb.stored_movie import StoredMovie

N_FRAMES, HEIGHT, WIDTH, CHUNK = 23, 6, 9, 5


@pytest.fixture
def stored(tmp_path, monkeypatch):
    frames = np.random.default_rng(4).integers(0, 255, (N_FRAMES, HEIGHT, WIDTH), dtype=np.uint8)
    path = tmp_path / "movie.nwb"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "acquisition/Series/data",
            data=frames.transpose(0, 2, 1),
            chunks=(CHUNK, WIDTH, HEIGHT),
            compression="gzip",
        )
    monkeypatch.setattr(stored_movie, "check_series", lambda path, series: None)
    return path, frames


def _open(path, **options):
    return StoredMovie(path, "Series", clock=regular_clock(N_FRAMES, rate_hz=20.0), **options)


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


def test_no_more_is_kept_than_was_allowed(stored, monkeypatch):
    path, _ = stored
    counted = _count_unpacked(monkeypatch)
    room = 2 * CHUNK * HEIGHT * WIDTH
    with _open(path, keep_bytes=room + 1) as movie:
        for _ in range(3):
            movie.read(0, N_FRAMES)
        assert sum(kept.nbytes for kept in movie._kept.values()) == room
    assert len(counted) == 2 + 3 * 3


def test_threads_share_what_is_kept(stored):
    path, frames = stored
    room = 3 * CHUNK * HEIGHT * WIDTH
    with _open(path, keep_bytes=room) as movie, ThreadPoolExecutor(4) as pool:
        starts = [k % N_FRAMES for k in range(200)]
        found = list(pool.map(lambda start: movie.read(start, start + 1)[0], starts))
        assert sum(kept.nbytes for kept in movie._kept.values()) == room
        assert movie._room == 0
    np.testing.assert_array_equal(found, frames[starts])
