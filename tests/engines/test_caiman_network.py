"""The scores of CaImAn's network: where they go, and what is said where it is not there."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from engines.stand_in import EXTRACT, make_stand_in
from scipy.sparse import csc_matrix

from miniscope_nwb.engines.caiman.engine import CaimanEngine
from miniscope_nwb.engines.caiman.worker.extract import _evaluate, _save
from miniscope_nwb.metrics.measures import DESCRIPTIONS
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.testing.jobs import extract_job, resources, simulated_movie

N_CELLS = 3


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script with #!")
def test_scores_have_the_names_that_the_quality_stage_reads(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (40, 24, 36), dtype=np.uint8)
    engine = CaimanEngine(make_stand_in(tmp_path / "bin", EXTRACT))
    found = engine.extract(extract_job(ArrayMovie(frames)), resources(tmp_path / "scratch"))
    assert found.scores.keys() == {"snr", "r_value", "cnn"}
    assert found.scores.keys() <= DESCRIPTIONS.keys()
    assert found.scores["cnn"].tolist() == [0.9, 0.2, 0.1]
    assert found.engine_reasons == (
        "CaImAn: SNR 9.00 reaches 3, r 0.90 reaches 0.85",
        "CaImAn: SNR 1.00 below 3, r 0.10 below 0.85, network 0.20 below 0.95",
        "CaImAn: network 0.10 not above 0.15",
    )


class Estimates(SimpleNamespace):
    """CaImAn's estimates, evaluated with a network that may fail."""

    def evaluate_components(self, images, options, dview=None):
        use_cnn = options.get("quality", "use_cnn")
        if use_cnn and self.fault is not None:
            raise self.fault
        self.cnn_preds = np.linspace(0, 1, N_CELLS) if use_cnn else []
        self.SNR_comp = self.r_values = np.ones(N_CELLS)
        self.idx_components = [0, 2]


class Options:
    """CaImAn's parameters."""

    def __init__(self):
        self.use_cnn = True

    def get(self, group, name):
        return self.use_cnn

    def set(self, group, values):
        self.use_cnn = values["use_cnn"]


def evaluated(tmp_path, fault):
    """Evaluate and save as the worker does; return what is stored and what was said."""
    estimates = Estimates(A=csc_matrix(np.eye(8, N_CELLS)), fault=fault)
    said = []
    channel = SimpleNamespace(tell=lambda **message: said.append(message["say"]))
    _evaluate(estimates, None, Options(), None, channel)
    _save(estimates, tmp_path)
    with np.load(tmp_path / "estimates.npz") as arrays:
        return dict(arrays), said


def test_a_network_that_is_there(tmp_path):
    stored, said = evaluated(tmp_path, None)
    assert stored["cnn_preds"].tolist() == [0, 0.5, 1]
    assert not said


@pytest.mark.parametrize(
    "fault",
    [
        FileNotFoundError("File for requested model cnn_model not found"),
        ModuleNotFoundError("No module named 'tensorflow'"),
        TypeError("Could not locate class 'Sequential'\nMake sure that it is registered"),
    ],
)
def test_a_network_that_is_not(tmp_path, fault):
    """The components are evaluated without it, and one line says why."""
    stored, said = evaluated(tmp_path, fault)
    assert "cnn_preds" not in stored
    assert stored["accepted"].tolist() == [True, False, True]
    first = str(fault).splitlines()[0]
    assert said == [
        f"CaImAn's network was asked for but cannot be used ({type(fault).__name__}: {first}); "
        "its scores are left out."
    ]


# Weights as they come by chance: the scores mean nothing, but they are scores.
MAKE_MODEL = """
import shutil, sys
from pathlib import Path
from tensorflow.keras.models import model_from_json
source = Path(sys.prefix) / "share" / "caiman" / "model" / "cnn_model.json"
if not source.is_file():
    sys.exit(77)
target = Path(sys.argv[1])
shutil.copy(source, target)
model_from_json(source.read_text()).save_weights(str(target / "cnn_model.h5"))
"""


@pytest.mark.timeout(1200)
def test_the_real_network(caiman_python, tmp_path, monkeypatch):
    folder = tmp_path / "data" / "model"
    folder.mkdir(parents=True)
    made = subprocess.run([caiman_python, "-c", MAKE_MODEL, folder], check=False)
    if made.returncode:
        pytest.skip("this CaImAn brings no network for TensorFlow")
    monkeypatch.setenv("CAIMAN_DATA", str(Path(folder).parent))
    said = []
    small = simulated_movie(level="easy", width=90, height=70, frames=300, seed=5, motion=0)
    job = replace(extract_job(small.movie), quality=QualityParams(use_cnn=True))
    found = CaimanEngine(caiman_python).extract(job, resources(tmp_path, say=said.append))
    assert not said
    assert found.n_cells > 0
    assert found.scores["cnn"].shape == (found.n_cells,)
    assert ((found.scores["cnn"] >= 0) & (found.scores["cnn"] <= 1)).all()
