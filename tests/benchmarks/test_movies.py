"""The movies of the table: found again, mapped by anybody, and with their truth."""

import json

import h5py
import numpy as np
import pytest

from benchmarks import movies
from benchmarks.movie_files import as_nwb
from miniscope_nwb.testing.jobs import simulated_movie

SMALL = {"width": 60, "height": 48, "frames": 120, "seed": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("movies")


@pytest.mark.parametrize("level", ["moderate", "nonrigid", "noise"])
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
    assert (truth.blocks is not None) == (level == "nonrigid")
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


def test_a_clip_without_frames_is_refused(folder, tmp_path):
    (tmp_path / "empty.avi").write_bytes(b"no video")
    with pytest.raises(SystemExit, match="no frame"):
        movies.clip(folder, tmp_path / "empty.avi")
