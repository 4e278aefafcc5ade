"""A change redoes the stages that depend on it, and no other."""

from __future__ import annotations

import dataclasses

import pytest

from miniscope_nwb.params.load import load_parameters
from miniscope_nwb.pipeline.keys import STAGES, Ingredients, stage_keys

BASE = Ingredients(
    input_hash="i", series="OnePhotonSeries", scale=(1.6, 20.0, "GCaMP6f"),
    parameters=load_parameters().values, engine="builtin", engine_version="1",
    uses_quality=False, seed=0, masks_hash="",
)  # fmt: skip


def first_change(**changes):
    before, after = stage_keys(BASE), stage_keys(dataclasses.replace(BASE, **changes))
    changed = [stage for stage in STAGES if before[stage] != after[stage]]
    if not changed:
        return None
    assert changed == list(STAGES[STAGES.index(changed[0]) :])  # and all that come after it
    return changed[0]


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ({}, None),
        ({"input_hash": "j"}, "prepare"),
        ({"scale": (float("nan"), 20.0, "")}, "prepare"),
        ({"seed": 1}, "prepare"),
        ({"engine_version": "2"}, "motion"),
        ({"engine": "caiman"}, "motion"),
        ({"masks_hash": "m"}, "extract"),
        ({"source_hash": "s"}, "motion"),
        ({"uses_quality": True}, "extract"),
    ],
)
def test_first_stage_that_a_change_redoes(changes, stage):
    assert first_change(**changes) == stage


@pytest.mark.parametrize(
    ("assignment", "stage"),
    [
        ("crop=0,0,50,50", "prepare"),
        ("motion.method=rigid", "motion"),
        ("motion.outlier_deviation=4", "motion quality"),
        ("n_sample_frames=500", "images"),
        ("min_pnr=8", "extract"),
        ("f0_window_s=30", "traces"),
        ("event_confirm=1.5", "quality"),
        ("caiman.gSig=[3,3]", "motion"),  # a job has none where the engine does not read them
    ],
)
def test_first_stage_that_a_parameter_redoes(assignment, stage):
    assert first_change(parameters=load_parameters(assignments=[assignment]).values) == stage
