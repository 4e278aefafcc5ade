"""The lasso that mends CaImAn, against conditions that only its minimum meets."""

import sys
from pathlib import Path

import numpy as np
import pytest

import benchmarks.opponents
from benchmarks.opponents import lasso

N_CELLS, N_FRAMES, N_PIXELS = 6, 400, 50


@pytest.fixture
def job():
    rng = np.random.default_rng(5)
    spikes = (rng.random((N_CELLS, N_FRAMES)) < 0.02) * rng.gamma(3, 1, (N_CELLS, N_FRAMES))
    kernel = np.exp(-np.arange(60) / 8)
    traces = np.stack([np.convolve(row, kernel)[:N_FRAMES] for row in spikes])
    traces[5] += 4 * traces[4]  # strongly correlated
    traces /= np.linalg.norm(traces, axis=1, keepdims=True)
    masks = rng.random((N_PIXELS, N_CELLS)) * (rng.random((N_PIXELS, N_CELLS)) < 0.4) * 40
    movie = masks @ traces + rng.normal(0, 0.4, (N_PIXELS, N_FRAMES)) + 60
    allowed = [np.flatnonzero(rng.random(N_CELLS) < 0.7) for _ in range(N_PIXELS)]
    allowed[7] = np.zeros(0, int)
    noise = np.full(N_PIXELS, 0.4)
    noise[9] = 0  # a pixel outside
    energies = np.diag(traces @ traces.T)
    return movie.astype(np.float32), traces, noise, allowed, list(range(N_PIXELS)), "", energies


def test_weights_meet_the_conditions_of_the_minimum(job):
    movie, traces, noise, allowed, *_, energies = job
    found = lasso.regression(job)
    assert [pixel for pixel, _, _ in found] == [p for p in range(N_PIXELS) if p not in (7, 9)]
    scaled = (traces - traces.mean(1, keepdims=True)) / traces.std(1, keepdims=True)
    some = 0
    for pixel, cells, weights in found:
        np.testing.assert_array_equal(cells, allowed[pixel])
        alpha = 0.5 * noise[pixel] * np.sqrt(energies[cells].max()) / N_FRAMES
        y = movie[pixel].astype(float) - movie[pixel].astype(float).mean()
        slope = scaled[cells] @ (y - weights @ scaled[cells]) / N_FRAMES - alpha
        assert (weights >= 0).all()
        np.testing.assert_allclose(slope[weights > 0], 0, atol=1e-6)
        assert (slope[weights == 0] < 1e-6).all()
        some += (weights > 0).sum()
    assert some > 60


def test_a_flat_component_gets_nothing(job):
    movie, traces, *rest = job
    traces = traces.copy()
    traces[2] = 0.1
    for _, cells, weights in lasso.regression((movie, traces, *rest)):
        assert not weights[cells == 2].any()
        assert np.isfinite(weights).all()


def test_it_runs_without_this_package():
    folder = Path(benchmarks.opponents.__file__).parent
    ours = ("lasso.py", "saved.py", "worker_start.py", "caiman_worker.py", "minian_worker.py")
    for name in ours:
        text = (folder / name).read_text()
        assert "import benchmarks" not in text
        assert "from benchmarks" not in text
        assert "import miniscope_nwb" not in text
        assert "from miniscope_nwb" not in text
    assert "lasso" not in sys.modules
