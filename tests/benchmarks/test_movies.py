"""The movies of the table: found again, mapped by anybody, and with their truth."""

import json
import sys

import cv2
import h5py
import numpy as np
import pytest

from benchmarks import movies
from benchmarks.movie_files import as_nwb
from miniscope_nwb.testing.jobs import simulated_movie
from miniscope_nwb.testing.score import true_cells

SMALL = {"width": 60, "height": 48, "frames": 120, "seed": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("movies")


@pytest.mark.parametrize("level", ["moderate", "hard", "nonrigid", "noise"])
def test_frames_and_truth_are_those_of_the_simulator(folder, level):
    movie = movies.simulated(folder, level=level, **SMALL)
    expected = simulated_movie(level=level, **SMALL)
    np.testing.assert_array_equal(movie.frames(), expected.frames)
    with h5py.File(movie.path) as file:
        np.testing.assert_array_equal(file["mov"], expected.frames)
    truth = movie.truth()
    np.testing.assert_allclose(truth.shifts, -expected.rigid_px)
    assert abs(truth.cells.footprints - expected.truth.footprints).sum() == 0
    np.testing.assert_array_equal(truth.cells.spikes, expected.truth.spikes)
    assert truth.cells.cell_diameter_px == expected.truth.cell_diameter_px
    assert (truth.blocks is not None) == movie.is_bending == (level in ("hard", "nonrigid"))
    if truth.blocks is not None:
        assert truth.blocks.centres.shape == (4, 2)
        assert truth.blocks.centres[:2].tolist() == [[14.5, 11.5], [44.5, 11.5]]
        np.testing.assert_allclose(truth.blocks.shifts.mean(axis=1), truth.shifts, atol=1e-5)


def test_a_movie_is_made_once(folder, monkeypatch):
    movie = movies.simulated(folder, level="moderate", **SMALL)
    monkeypatch.setattr(movies, "_simulate", None)
    assert movies.simulated(folder, level="moderate", **SMALL) == movie
    assert json.dumps(movie.as_job())
    assert not list(folder.glob("*.making"))


def test_the_nwb_file_holds_the_same_frames(folder, tmp_path):
    movie = movies.simulated(folder, level="moderate", **SMALL)
    path = as_nwb(movie, tmp_path / "movie.nwb")
    with h5py.File(path) as file:
        series = file["acquisition/OnePhotonSeries"]
        np.testing.assert_array_equal(series["data"][:].transpose(0, 2, 1), movie.frames())
        assert series["starting_time"].attrs["rate"] == 20


def test_clips_that_are_called_alike_are_different_movies(folder, tmp_path):
    made = []
    for value in (40, 90):
        source = tmp_path / str(value) / "0.avi"
        source.parent.mkdir()
        video = cv2.VideoWriter(str(source), cv2.VideoWriter_fourcc(*"FFV1"), 20, (32, 24))
        for _ in range(3):
            video.write(np.full((24, 32, 3), value, np.uint8))
        video.release()
        made.append(movies.clip(folder, source))
    assert [int(movie.frames().mean()) for movie in made] == [40, 90]
    assert {group for movie in made for group in (movie.name.rsplit("-", 1)[0],)} == {"clip"}
    with pytest.raises(SystemExit, match="is not there"):
        movies.clip(folder, tmp_path / "none.avi")


def test_a_clip_without_frames_is_refused(folder, tmp_path):
    (tmp_path / "empty.avi").write_bytes(b"no video")
    with pytest.raises(SystemExit, match="no frame"):
        movies.clip(folder, tmp_path / "empty.avi")


FAKE_MINISIM = """
import json, sys
import numpy as np
job = json.load(open(sys.argv[1]))
shape = (job["frames"], job["height"], job["width"])
masks = np.zeros((3, *shape[1:]), np.float32)
masks[0, 10:16, 12:18] = 0.5
masks[1, 30:36, 40:46] = 0.25
masks[1, 28, 40] = 0.001  # the far end of a blur
masks[2, 20:30, 20:30] = 0.5
spikes = np.zeros((3, shape[0]))
spikes[:, 10::30] = 5
spikes[:, 22] = 1  # a single spike
calcium = np.repeat(np.arange(shape[0])[None] / 10, 3, axis=0)
np.savez(
    job["result"], frames=np.full(shape, 7, np.uint8), footprints=masks, calcium=calcium,
    is_sharp=np.array([True, True, False]), spikes=spikes,
    displacements=np.stack([np.full(shape[0], 2.0), np.full(shape[0], -1.0)], axis=1),
    known=json.dumps({"version": "0", "rate_hz": 20.0, "noise_grey": 1.0, "grey_per_unit": 40.0,
                      "pixel_size_um": 1.5, "decay_s": 0.5, "cell_diameter_px": 8.0}),
)
"""


def test_an_independent_simulator_in_our_terms(folder, tmp_path, monkeypatch):
    (tmp_path / "worker.py").write_text(FAKE_MINISIM)
    monkeypatch.setattr(movies, "_WORKER", tmp_path / "worker.py")
    movie = movies.minisim(folder, "v4", python=sys.executable, **SMALL)
    assert (movie.n_frames, movie.height, movie.width) == (120, 48, 60)
    assert (movie.cell_diameter_px, movie.is_bending) == (8.0, False)
    assert (movie.frames() == 7).all()
    truth = movie.truth()
    assert truth.shifts[5].tolist() == [-2.0, 1.0]
    cells = truth.cells
    assert cells.footprints.max(axis=0).toarray().ravel().tolist() == [1, 1, 1]
    assert (cells.footprints > 0).sum(axis=0).tolist() == [36, 36, 100]
    # peaks in grey levels: 0.5 of 40 grey levels, and calcium of 11.9
    assert cells.fluorescence[0].max() == pytest.approx(0.5 * 40 * 11.9)
    assert np.flatnonzero(cells.spikes[0]).tolist() == [10, 40, 70, 100]
    assert true_cells(cells).tolist() == [True, True, False]  # the blurred one is neutral
    assert cells.in_focus.all()
    assert movies.minisim(folder, "v4", python="none", **SMALL) == movie
