"""`import`: what CaImAn saved elsewhere comes into the same tables, judged by the same movie."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest
from engines import saved_layout
from nwb.foreign_files import write_foreign
from processed_files import SMALL, make_recording, raw_checksum
from scipy.sparse import csc_matrix

import miniscope_nwb
from miniscope_nwb.testing.score import simulated_truth


@pytest.fixture(scope="module")
def results(recording, tmp_path_factory):
    """What a perfect CaImAn would have saved of the recording."""
    return save_truth(SMALL, recording, tmp_path_factory.mktemp("results"))


def save_truth(options, recording, folder):
    """Write the truth of a simulated recording in CaImAn's layout."""
    truth = simulated_truth(options)
    n_cells, n_frames = truth.fluorescence.shape
    with h5py.File(recording.parent / "raw" / "ground_truth.nwb") as file:
        correction = file["processing/ophys/xy_translation/data"][()]
    images = truth.footprints.toarray().T.reshape(n_cells, truth.height, truth.width)
    lengths = np.linalg.norm(images.reshape(n_cells, -1), axis=1)
    masks = np.stack([image.ravel(order="F") for image in images], axis=1) / lengths
    rng = np.random.default_rng(0)
    found = saved_layout.estimates() | {
        "A": csc_matrix(masks),
        "C": truth.fluorescence * lengths[:, None],
        "S": truth.spikes,
        "YrA": rng.normal(0, 2, (n_cells, n_frames)),
        "bl": np.zeros(n_cells),
        "neurons_sn": np.full(n_cells, 2.0),
        "g": np.full((n_cells, 1), 0.9),
        "W": None,
        "b0": None,
        "sn": np.full(truth.height * truth.width, 4.0),
        "SNR_comp": np.full(n_cells, 5.0),
        "r_values": np.full(n_cells, 0.9),
        "idx_components": np.arange(1, n_cells),
        "idx_components_bad": np.array([0]),
        "shifts": correction[:, ::-1],
        "dims": np.array([truth.height, truth.width]),
    }
    return saved_layout.write(folder / "analysis.hdf5", found)


def test_results_come_into_the_same_tables(shell, path, results, recording):
    done = shell("import", path, results, "--json")
    assert done.code == 0, done.err
    truth = simulated_truth(SMALL)
    assert done.answer["n_components"] == len(truth.in_focus)
    assert not misfits(done)
    assert raw_checksum(path) == raw_checksum(recording)
    with miniscope_nwb.open(path) as session:
        run = session.run()
        assert run.info["engine"] == "caiman"
        assert "1.12.1" in run.info["engine_version"]
        assert "analysis.hdf5" in run.info["engine_reason"]
        np.testing.assert_allclose(
            run.footprints.toarray(),
            (truth.footprints / truth.footprints.max(axis=0).toarray()).toarray(),
            atol=1e-5,
        )
        np.testing.assert_allclose(run.deconvolved.sum(axis=1) > 0, truth.spikes.sum(axis=1) > 0)
        assert np.isfinite(run.dff).any()
        assert run.images["mean"].shape == (SMALL.height, SMALL.width)
        given = run.parameters[run.parameters.source == "user"]
        assert given.empty, "nothing was asked for"
        rounds = run.rounds
        assert len(rounds) == 2  # CaImAn's own decision, and ours over it
        own = session.run(round=1).cells
        assert own.accepted.tolist() == [False] + [True] * (len(own) - 1)
        sharp = truth.in_focus & (truth.spikes.sum(axis=1) > 5)
        assert run.cells.accepted[sharp].mean() > 0.7  # the movie bears the true cells out


def misfits(done):
    return [text for text in done.answer["warnings"] if "components with events" in text]


def test_results_of_another_recording_of_the_same_size_are_told(shell, path, tmp_path):
    other = replace(SMALL, seed=5)
    recording = make_recording(tmp_path / "other", other)
    done = shell("import", path, save_truth(other, recording, tmp_path), "--json")
    assert done.code == 0, done.err
    (warning,) = misfits(done)
    assert "components with events fit" in warning
    assert "results imported from analysis.hdf5 belong to recording.nwb" in warning
    assert warning in done.err


def test_the_same_import_again_does_nothing(shell, path, results):
    assert shell("import", path, results, "--quiet").code == 0
    again = shell("import", path, results)
    assert again.code == 0
    assert "holds this run already" in again.out
    with_extra = shell("import", path, results, "-p", "caiman.gSig=[3,3]", "--json")
    assert with_extra.answer["was_done"], with_extra.err
    why = "caiman.gSig has no effect: results imported from analysis.hdf5 are taken as they are."
    assert why in with_extra.err
    other = shell("import", path, results, "--run", "again")
    assert other.code == 1
    assert "'run1' was made with the same" in other.err


def test_an_interrupted_import_goes_on_where_it_stood(shell, path, results, monkeypatch):
    from miniscope_nwb.pipeline import stages

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as while_interrupted:
        while_interrupted.setattr(stages, "make_traces", interrupted)
        stopped = shell("import", path, results, "--quiet")
    assert stopped.code == 130
    assert "the same command goes on where it stood" in stopped.err
    done = shell("import", path, results, "--json")
    was_done = {stage["stage"]: stage["was_done"] for stage in done.answer["stages"]}
    assert was_done["motion quality"]
    assert was_done["extract"]
    assert not was_done["traces"]


@pytest.mark.parametrize("what", ["field", "frames"])
def test_results_of_another_movie_are_refused_with_both_sizes(shell, path, tmp_path, what):
    found = saved_layout.estimates()
    if what == "frames":
        masks = np.zeros((SMALL.height * SMALL.width, saved_layout.N_CELLS))
        masks[500:600] = 1
        found |= {"A": csc_matrix(masks), "dims": np.array([SMALL.height, SMALL.width])}
    other = saved_layout.write(tmp_path / "other.hdf5", found)
    refused = shell("import", path, other)
    assert refused.code == 1
    words = ["other.hdf5", "60 frames", "300 frames", "96 x 120"]
    for word in [*words, *(["14 x 20"] if what == "field" else [])]:
        assert word in refused.err
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


def test_results_of_a_crop(shell, tmp_path, path):
    rng = np.random.default_rng(1)
    n_cells, n_frames, rows, columns = saved_layout.N_CELLS, SMALL.frames, 40, 60
    masks = np.zeros((n_cells, columns, rows))  # CaImAn's pixels run down the columns
    for cell in range(n_cells):
        masks[cell, 12 * cell + 4 : 12 * cell + 11, 8 * cell + 3 : 8 * cell + 9] = 0.2
    found = saved_layout.estimates() | {
        "A": csc_matrix(masks.reshape(n_cells, -1).T),
        "C": rng.uniform(0, 9, (n_cells, n_frames)),
        "S": rng.uniform(0, 1, (n_cells, n_frames)),
        "YrA": rng.normal(0, 1, (n_cells, n_frames)),
        "W": None,
        "b0": None,
        "sn": None,
        "dims": np.array([rows, columns]),
    }
    small = saved_layout.write(tmp_path / "crop.hdf5", found)
    done = shell("import", path, small, "--crop", "30,50,90,10", "--json")
    assert done.code == 0, done.err
    assert "no shifts" in done.err
    with miniscope_nwb.open(path) as session:
        cells = session.run().cells
        np.testing.assert_allclose(cells.center_x, 30 + 12 * np.arange(n_cells) + 7)
        np.testing.assert_allclose(cells.center_y, 10 + 8 * np.arange(n_cells) + 5.5)


def test_binned_results_cannot_be(shell, path, results):
    refused = shell("import", path, results, "-p", "spatial_factor=2")
    assert refused.code == 1
    assert "spatial_factor 1" in refused.err


def test_real_one_photon_results(shell, real_data, tmp_path):
    saved = real_data / "caiman_results" / "sample_cellset_msr_1.hdf5"
    if not saved.is_file():
        pytest.skip(f"no {saved}")
    frames = np.random.default_rng(0).integers(80, 120, (100, 400, 640)).astype(np.uint8)
    path = write_foreign(tmp_path / "movie.nwb", frames, rate=20.0)
    done = shell("import", path, saved, "--json")
    assert done.code == 0, done.err
    assert done.answer["n_components"] == 5
