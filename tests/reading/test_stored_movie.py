"""The movie of any NWB file: every layout, every order, any number of threads."""

from __future__ import annotations

import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "nwb"))
from foreign_files import HEIGHT, WIDTH, grey_movie, write_foreign

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.recording_file import input_hash, read_recording
from miniscope_nwb.nwb.stored_movie import StoredMovie

GZIP = {"compression": "gzip", "compression_opts": 1}
LAYOUTS = {
    "contiguous": None,
    "chunks of frames": {"chunks": (10, WIDTH, HEIGHT), **GZIP},
    "chunks that do not divide": {"chunks": (7, 11, 9), **GZIP},
    "no filter": {"chunks": (4, WIDTH, HEIGHT)},
    "shuffle": {"chunks": (10, WIDTH, HEIGHT), "shuffle": True, **GZIP},
    "lzf": {"chunks": (10, 20, HEIGHT), "compression": "lzf"},
    "checksum": {"chunks": (10, WIDTH, HEIGHT), "fletcher32": True, **GZIP},
    "pixel series": {"chunks": (130, 3, 3), **GZIP},
}
TIMES = np.arange(130) / 20.0


@pytest.mark.filterwarnings("ignore:lzf compression")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_frames(tmp_path, layout, dtype):
    frames = grey_movie(dtype=dtype)
    path = write_foreign(tmp_path / "x.nwb", frames, storage=LAYOUTS[layout], times=TIMES)
    with StoredMovie(path, "Movie") as movie:
        assert (movie.n_frames, movie.height, movie.width) == (130, HEIGHT, WIDTH)
        assert movie.dtype == dtype
        for start, stop in ((0, 130), (13, 27), (129, 130), (20, 20)):
            block = movie.read(start, stop)
            np.testing.assert_array_equal(block, frames[start:stop])
            assert block.flags.c_contiguous
            assert block.flags.writeable
            assert block.dtype == dtype
        chosen = np.array([0, 3, 9, 10, 55, 56, 129])
        np.testing.assert_array_equal(movie.take(chosen), frames[chosen])
        for bad in ([130], [-1]):
            with pytest.raises(IndexError):
                movie.take(np.array(bad))


@pytest.mark.parametrize("dtype", [">u2", "i2", "f8", "u4"])
def test_other_types_become_what_the_stages_take(tmp_path, dtype):
    frames = grey_movie(dtype=np.uint16).astype(dtype)
    path = write_foreign(tmp_path / "x.nwb", frames, storage=LAYOUTS["shuffle"], times=TIMES)
    with StoredMovie(path, "Movie") as movie:
        assert movie.dtype == (np.uint16 if dtype == ">u2" else np.float32)
        assert movie.dtype.isnative
        np.testing.assert_array_equal(movie.read(5, 25), frames[5:25].astype(movie.dtype))


@pytest.mark.filterwarnings("ignore:lzf compression")
@pytest.mark.parametrize("layout", ["contiguous", "chunks of frames", "lzf"])
def test_threads_read_side_by_side(tmp_path, layout):
    frames = grey_movie()
    path = write_foreign(tmp_path / "x.nwb", frames, storage=LAYOUTS[layout], times=TIMES)
    spans = [(start, min(start + 17, 130)) for start in range(0, 130, 9)] * 4
    with StoredMovie(path, "Movie") as movie, ThreadPoolExecutor(8) as pool:
        for (start, stop), block in zip(spans, pool.map(lambda s: movie.read(*s), spans)):
            np.testing.assert_array_equal(block, frames[start:stop])


def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path):
    frames = grey_movie()
    path = write_foreign(tmp_path / "x.nwb", frames, times=TIMES)
    with h5py.File(path, "a") as file:
        old = file["acquisition/Movie/data"]
        shape, attributes = old.shape, dict(old.attrs)
        del file["acquisition/Movie/data"]
        new = file["acquisition/Movie"].create_dataset(
            "data", shape, "u1", chunks=(10, WIDTH, HEIGHT), compression="gzip", fillvalue=7
        )
        new.attrs.update(attributes)
        new[:50] = np.swapaxes(frames[:50], 1, 2)
    with StoredMovie(path, "Movie") as movie:
        np.testing.assert_array_equal(movie.read(0, 50), frames[:50])
        assert (movie.read(45, 130)[5:] == 7).all()


def test_a_damaged_chunk_is_an_error_not_a_picture(tmp_path):
    path = write_foreign(
        tmp_path / "x.nwb", grey_movie(), storage=LAYOUTS["chunks of frames"], times=TIMES
    )
    with h5py.File(path) as file:
        info = file["acquisition/Movie/data"].id.get_chunk_info(2)
    data = bytearray(path.read_bytes())
    data[info.byte_offset : info.byte_offset + info.size] = bytes(info.size)
    path.write_bytes(data)
    with StoredMovie(path, "Movie") as movie:
        movie.read(0, 20)
        with pytest.raises(NwbContentError, match=r"frames 20 to 24 of Movie in x\.nwb .*damaged"):
            movie.read(15, 25)


@pytest.mark.parametrize("frame", [25, 128])  # the last chunk is padded
def test_a_flipped_bit_that_still_unpacks_is_an_error(tmp_path, frame):
    """A stored block of deflate unpacks whatever it holds: only its checksum tells."""
    path = write_foreign(
        tmp_path / "x.nwb", grey_movie(), storage=LAYOUTS["chunks of frames"], times=TIMES
    )
    place = (frame // 10 * 10, 0, 0)
    with h5py.File(path, "r+") as file:
        data = file["acquisition/Movie/data"]
        whole = np.zeros(data.chunks, data.dtype)
        whole[: len(data[place[0] : place[0] + 10])] = data[place[0] : place[0] + 10]
        packed = bytearray(zlib.compress(whole.tobytes(), 0))
        packed[len(packed) // 4] ^= 1
        data.id.write_direct_chunk(place, bytes(packed))
    with (
        StoredMovie(path, "Movie") as movie,
        pytest.raises(NwbContentError, match=r"Movie in x\.nwb .*damaged"),
    ):
        movie.read(0, 130)


def test_the_hash_knows_pixels_and_times_and_nothing_else(tmp_path):
    frames = grey_movie()
    storage = LAYOUTS["chunks of frames"]
    first = write_foreign(tmp_path / "a.nwb", frames, storage=storage, times=TIMES)
    same = write_foreign(
        tmp_path / "b.nwb", frames, storage=storage, times=TIMES, comments="another comment"
    )
    digest = input_hash(first, "Movie")
    assert len(digest) == 64
    assert input_hash(same, "Movie") == digest
    changed = frames.copy()
    changed[77, 3, 4] ^= 1
    pixels = write_foreign(tmp_path / "c.nwb", changed, storage=storage, times=TIMES)
    times = write_foreign(tmp_path / "d.nwb", frames, storage=storage, times=TIMES + 1e-6)
    rate = write_foreign(tmp_path / "e.nwb", frames, storage=storage, rate=20.0)
    plain = write_foreign(tmp_path / "f.nwb", frames, times=TIMES)
    other = {input_hash(path, "Movie") for path in (first, pixels, times, rate, plain)}
    assert len(other) == 5
    with h5py.File(first, "a") as file:
        file["scratch_group"] = 3
    assert input_hash(first, "Movie") == digest
    assert read_recording(first).clock.n_frames == 130
