"""The real CaImAn keeps the contract of engines; skipped where it is not installed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.engines.caiman.engine import CaimanEngine
from miniscope_nwb.errors import EngineError
from miniscope_nwb.movie import ArrayMovie, FrameClock
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.results import LowRankBackground, RingBackground
from miniscope_nwb.testing.engine_suite import EngineContract
from miniscope_nwb.testing.jobs import extract_job, motion_job, resources, simulated_movie

# CaImAn takes minutes where other work shares the cores.
pytestmark = pytest.mark.timeout(1200)


class TestCaiman(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self, caiman_python):
        return CaimanEngine(caiman_python)


@pytest.fixture(scope="module")
def engine(caiman_python):
    return CaimanEngine(caiman_python)


@pytest.fixture(scope="module")
def small():
    return simulated_movie(level="easy", width=90, height=70, frames=300, seed=5, motion=0)


def test_blocks_of_a_bending_field(engine, tmp_path):
    """A field that bends is noticed and corrected block by block; then the cells are found."""
    moving = simulated_movie(level="nonrigid", width=220, height=180, frames=200, seed=5)
    said = []
    job = motion_job(moving.movie, piecewise_threshold_px=0.4)
    found = engine.motion(job, resources(tmp_path, say=said.append))
    assert said[0].startswith("After rigid correction the field still bends by")
    assert found.bending_px > 0.4
    assert abs(found.template.mean() - moving.frames.mean()) < 5  # in grey levels
    assert found.blocks.n_down * found.blocks.n_across == found.block_shifts_px.shape[1]
    assert found.blocks.x_stop.max() == 220
    assert found.blocks.y_stop.max() == 180
    whole = found.block_shifts_px.mean(axis=1) + moving.rigid_px
    whole -= np.median(whole, axis=0)
    assert np.sqrt((whole**2).sum(axis=1).mean()) < 0.6
    corrected = CorrectedMovie(moving.movie, found)
    job = replace(extract_job(moving.movie), movie=corrected, motion=found)
    components = engine.extract(job, resources(tmp_path))
    assert components.n_cells > 0


def test_parameters_pass_through(engine, small, tmp_path):
    """CaImAn's own names win, bare or in their group, and the ring model follows."""
    extra = {"min_corr": 0.7, "init": {"ssub_B": 1}}
    found = engine.extract(extract_job(small.movie, extra=extra), resources(tmp_path))
    derived = {item.parameter: item.value for item in found.derived}
    assert derived["parameters"]["init"]["min_corr"] == 0.7
    assert isinstance(found.background, RingBackground)
    assert found.background.factor == 1
    assert "init.min_corr" not in derived
    assert "init.gSig" in derived


@pytest.mark.parametrize(
    ("extra", "nearest"),
    [({"ringsize_factor": 2}, "ring_size_factor"), ({"init": {"gsig": [2, 2]}}, "gSig")],
)
def test_unknown_parameter(engine, small, tmp_path, extra, nearest):
    with pytest.raises(EngineError, match=f"nearest is '{nearest}'"):
        engine.extract(extract_job(small.movie, extra=extra), resources(tmp_path))
    assert not list((tmp_path / "scratch_0").iterdir())


def test_fault_of_caiman_is_shown(engine, small, tmp_path):
    job = extract_job(small.movie, extra={"method_init": "nonsense"})
    with pytest.raises(EngineError, match=r"(?s)CaImAn broke down.*last words:.*nonsense"):
        engine.extract(job, resources(tmp_path))


def test_network_is_left_out_with_a_note(engine, small, tmp_path, monkeypatch):
    """Scores of the network are there, or a sentence says why they are not."""
    monkeypatch.setenv("CAIMAN_DATA", str(tmp_path / "no_models"))
    said = []
    job = replace(extract_job(small.movie), quality=QualityParams(use_cnn=True))
    found = engine.extract(job, resources(tmp_path / "scratch", say=said.append))
    assert "cnn" not in found.scores
    assert "network was asked for" in said[0]


def test_time_that_was_lost(engine, small, tmp_path):
    """Frames lost and recordings joined: as many samples come back as were recorded."""
    steps = np.ones(300, np.int64)
    steps[120] = 6
    segment = np.repeat([0, 1], [200, 100])
    movie = ArrayMovie(small.frames, FrameClock(np.cumsum(steps) / 20.0, steps, segment, 20.0))
    said = []
    found = engine.extract(extract_job(movie), resources(tmp_path, say=said.append))
    assert found.raw.shape == (found.n_cells, 300)
    assert np.isfinite(found.raw).all()
    assert said[0].startswith("55 frames")  # 5 lost, and 5 decays of 0.5 s between the recordings


def test_masks_have_a_background_of_low_rank(engine, small, tmp_path):
    job = extract_job(small.movie, seeds=small.truth.footprints)
    found = engine.extract(job, resources(tmp_path))
    assert isinstance(found.background, LowRankBackground)
    assert found.background.traces.shape[1] == 300
