"""Frames go into chunks and come back: axes, chunk shapes, pieces, threads."""

from __future__ import annotations

import threading
import time

import h5py
import numpy as np
import pytest
from plans import Rig, colour_frames, grey_frames, make_plan

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.nwb import axes, pieces
from miniscope_nwb.nwb.movie import ChunkWriter, chunk_shape, frame_runs, make_movie
from miniscope_nwb.nwb.pool import WorkPool


def test_axes_are_there_and_back_the_same():
    rng = np.random.default_rng(0)
    movie = rng.integers(0, 256, (3, 4, 6), dtype=np.uint8)
    stored = axes.movie_to_nwb(movie)
    assert stored.shape == (3, 6, 4)
    assert stored[1, 5, 2] == movie[1, 2, 5]
    np.testing.assert_array_equal(axes.movie_from_nwb(stored), movie)
    image = axes.image_to_nwb(movie[0])
    np.testing.assert_array_equal(image, stored[0])
    np.testing.assert_array_equal(axes.image_from_nwb(image), movie[0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3), (1, 5), (5, 1)])
def test_frames_are_written_in_place(dtype, shape):
    image = np.random.default_rng(0).integers(0, 255, shape).astype(dtype)
    stored = np.zeros((2, *axes.shape_in_nwb(shape)), dtype)
    axes.write_image(image, out=stored[1])
    np.testing.assert_array_equal(stored[1], axes.image_to_nwb(image))
    assert not stored[0].any()


def test_frames_of_another_size_are_refused():
    with pytest.raises(ValueError, match="does not go into"):
        axes.write_image(np.zeros((4, 6), np.uint8), out=np.zeros((4, 6), np.uint8))


@pytest.mark.parametrize(
    ("shape", "itemsize", "chunks"),
    [
        ((1000, 608, 608), 1, (10, 608, 608)),
        ((1000, 752, 480), 1, (10, 752, 480)),
        ((1000, 608, 608), 2, (5, 608, 608)),
        ((1000, 1280, 720, 3), 1, (1, 1280, 720, 3)),
        ((3, 64, 48), 1, (3, 64, 48)),
        ((1000, 2592, 1944), 1, (1, 2592, 1944)),
        ((1000, 2592, 1944), 2, (1, 1028, 1944)),
    ],
)
def test_chunks_follow_the_layout(shape, itemsize, chunks):
    assert chunk_shape(shape, itemsize) == chunks
    assert np.prod(chunks) * itemsize <= 8_000_000


def store(movie, path, *, threads):
    """Decode a movie with so many threads into an HDF5 file."""
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "data", movie.shape, movie.dtype, chunks=movie.chunks, compression="gzip"
        )
        writer = ChunkWriter(movie, dataset, "gzip")
        with WorkPool(threads) as pool:
            pieces.add_movie(pool, writer, before=lambda part: lambda: None)
            pool.open()
            pool.finish(lambda: None)
        assert writer.n_done == movie.n_frames
        assert not writer._waiting
        assert writer.n_bytes > 0
        return dataset[:]


@pytest.mark.parametrize("fourcc", ["FFV1", "GREY", "MJPG"])
@pytest.mark.parametrize("threads", [1, 3])
def test_pieces_make_the_whole_movie(tmp_path, monkeypatch, fourcc, threads):
    monkeypatch.setattr(pieces, "_MIN_FRAMES", 4)
    frames = grey_frames(75)
    made = make_plan(tmp_path, (Rig("Miniscope", frames, fourcc, per_file=30, skip=(3, 40, 41)),))
    movie = make_movie("Miniscope", made.plan.segments, is_camera=False)
    stored = axes.movie_from_nwb(store(movie, tmp_path / "x.h5", threads=threads))
    assert len(stored) == 72
    if fourcc != "MJPG":
        np.testing.assert_array_equal(stored, np.delete(frames, [3, 40, 41], axis=0))


def test_parts_are_cut_at_key_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "_MIN_FRAMES", 4)
    made = make_plan(tmp_path, (Rig("Miniscope", grey_frames(60), per_file=60),))
    (run,) = frame_runs("Miniscope", made.plan.segments)
    cut = list(pieces._pieces(run, 0, 2))
    assert len(cut) > 2
    assert all(piece.first % 12 == 0 for piece in cut), "FFV1 begins anew every 12 frames"
    assert [piece.stop for piece in cut[:-1]] == [piece.first for piece in cut[1:]]
    assert (cut[0].first, cut[-1].stop) == (0, 60)


def test_a_codec_without_known_key_frames_is_not_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "_MIN_FRAMES", 4)
    monkeypatch.setattr(pieces, "_can_be_cut", lambda part: False)
    frames = grey_frames(30)
    made = make_plan(tmp_path, (Rig("Miniscope", frames, per_file=30),))
    movie = make_movie("Miniscope", made.plan.segments, is_camera=False)
    (run,) = movie.runs
    assert [(p.first, p.stop) for p in pieces._pieces(run, 0, 2)] == [(0, 30)]
    stored = store(movie, tmp_path / "x.h5", threads=2)
    np.testing.assert_array_equal(axes.movie_from_nwb(stored), frames)


def test_large_frames_are_cut_by_their_width(tmp_path, monkeypatch):
    from miniscope_nwb.nwb import movie as module

    monkeypatch.setattr(module, "LARGE_FRAME_BYTES", 2000)
    monkeypatch.setattr(module, "CHUNK_BYTES", 1000)
    frames = grey_frames(5)
    made = make_plan(tmp_path, (Rig("Miniscope", frames),))
    movie = make_movie("Miniscope", made.plan.segments, is_camera=False)
    assert movie.chunks == (1, 20, 48)
    stored = store(movie, tmp_path / "x.h5", threads=2)
    np.testing.assert_array_equal(axes.movie_from_nwb(stored), frames)


def test_a_size_that_changes_between_parts_is_refused(tmp_path):
    made = make_plan(
        tmp_path, (Rig("A", grey_frames(10)), Rig("B", grey_frames(10, shape=(32, 48))))
    )
    from dataclasses import replace

    recording = made.plan.segments[0].recording
    first, second = recording.devices
    mixed = replace(first, parts=(first.parts[0], second.parts[0]))
    timeline = replace(made.plan.segments[0].timelines["A"], part=np.repeat([0, 1], 5))
    segment = replace(
        made.plan.segments[0],
        recording=replace(recording, devices=(mixed,)),
        timelines={"A": timeline},
    )
    with pytest.raises(RecordingError, match=r"B/0.avi holds frames of 48 x 32.*64 x 48"):
        make_movie("A", (segment,), is_camera=False)


def test_colour_only_where_there_is_colour(tmp_path):
    rigs = (
        Rig("Grey", grey_frames(4), "GREY", is_camera=True),
        Rig("Colour", colour_frames(4), "DIB ", is_camera=True),
    )
    made = make_plan(tmp_path, rigs)
    grey = make_movie("Grey", made.plan.segments, is_camera=True)
    colour = make_movie("Colour", made.plan.segments, is_camera=True)
    assert grey.shape == (4, 64, 48)
    assert colour.shape == (4, 64, 48, 3)


def test_early_tasks_run_before_the_pool_opens():
    order: list[str] = []
    early_done = threading.Event()

    def early():
        order.append("early")
        early_done.set()

    with WorkPool(1) as pool:
        pool.add(lambda: order.append("main"))
        pool.add_early(early)
        assert early_done.wait(5)
        pool.open()
        pool.finish(lambda: None)
    assert order == ["early", "main"]


def test_tasks_may_add_tasks_in_front():
    order: list[int] = []
    with WorkPool(1) as pool:
        pool.add(lambda: pool.add_next([lambda: order.append(1), lambda: order.append(2)]))
        pool.add(lambda: order.append(3))
        pool.open()
        pool.finish(lambda: None)
    assert order == [1, 2, 3]


def test_the_first_error_stops_the_pool():
    ran: list[int] = []

    def fail():
        raise RecordingError("broken")

    def slow(pool):
        while not pool.is_stopped:
            time.sleep(0.01)

    with WorkPool(2) as pool:
        pool.add(lambda: slow(pool))
        pool.add(fail)
        for number in range(100):
            pool.add(lambda number=number: ran.append(number))
        pool.open()
        with pytest.raises(RecordingError, match="broken"):
            pool.finish(lambda: None)
    assert len(ran) < 100


def test_a_part_of_few_key_frames_is_cut_where_it_can_be(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "_MIN_FRAMES", 4)
    monkeypatch.setattr(pieces, "keyframe_before", lambda index, file, n: 40 if n >= 40 else 0)
    made = make_plan(tmp_path, (Rig("Miniscope", grey_frames(60), per_file=60),))
    (run,) = frame_runs("Miniscope", made.plan.segments)
    assert [(p.first, p.stop) for p in pieces._pieces(run, 0, 2)] == [(0, 40), (40, 60)]


def test_threads_are_fewer_where_frames_are_large(tmp_path):
    from miniscope_nwb.nwb.movie import Movie
    from miniscope_nwb.nwb.space import threads_that_fit

    made = make_plan(tmp_path, (Rig("Miniscope", grey_frames(10)),))
    (run,) = frame_runs("Miniscope", made.plan.segments)
    usual = Movie("x", 608, 608, False, np.dtype("u1"), (run,))
    large = Movie("x", 2592, 1944, False, np.dtype("u2"), (run,))
    assert threads_that_fit([usual], 2) == 2
    assert threads_that_fit([usual], 64) > threads_that_fit([large], 64) >= 1
    assert threads_that_fit([], 4) == 4
