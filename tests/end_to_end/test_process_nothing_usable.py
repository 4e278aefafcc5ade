"""A movie in which motion finds nothing to hold on to: a valid file without cells, and why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from nwb.foreign_files import write_foreign
from recordings import opened

import miniscope_nwb
from miniscope_nwb.engines.builtin import BuiltinEngine
from miniscope_nwb.engines.nothing import NO_FRAME


@pytest.fixture
def blank(tmp_path):
    """Uniform noise, which is as like to itself at one shift as at another."""
    frames = np.random.default_rng(3).integers(100, 104, (300, 48, 64)).astype(np.uint8)
    return write_foreign(tmp_path / "blank.nwb", frames, rate=20.0)


def test_a_movie_of_uniform_noise(shell, blank):
    done = shell("process", blank, "--engine", "builtin", "--quiet")
    assert done.code == 0, done.err
    assert "the segmentation is empty" in done.err
    assert "no frame of the movie is usable" not in done.err


def test_no_frame_could_be_placed(shell, blank, monkeypatch):
    estimate = BuiltinEngine.motion

    def placed_nowhere(self, job, resources):
        found = estimate(self, job, resources)
        return replace(found, is_registered=np.zeros_like(found.is_registered))

    monkeypatch.setattr(BuiltinEngine, "motion", placed_nowhere)
    done = shell("process", blank, "--engine", "builtin", "--quiet")
    assert done.code == 0, done.err
    assert "could place no frame on its template" in done.err
    assert "-p motion.method=none" in done.err
    assert f"no component was found ({NO_FRAME}); the segmentation is empty" in done.err
    run = miniscope_nwb.open(blank).run()
    assert run.n_cells == 0
    assert run.info["emptied_by"] == NO_FRAME
    assert run.info["n_left_out"] == 300
    with opened(blank) as nwb:
        images = nwb.processing["ophys"]["SummaryImages"]
        mean = images["mean"].data[:]
    assert 100 < np.nanmean(mean) < 103  # the picture shows that there is nothing
    assert not shell("process", blank, "--engine", "builtin", "-p", "motion.method=none").code
