"""What the extraction derives before it begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from miniscope_nwb.extract.plan import make_plan
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.testing.jobs import extract_job


@pytest.mark.parametrize(
    ("indicator", "decay_s"),
    [
        ("jGCaMP8f", 0.3),
        ("GCaMP6f (simulated)", 0.5),
        ("AAV1-GCaMP6s", 1.8),
        ("unheard of", 0.6),
    ],
)
def test_decay_time_follows_the_indicator_however_it_is_written(indicator, decay_s):
    job = extract_job(ArrayMovie(np.ones((20, 24, 30), np.uint8)))
    plan = make_plan(replace(job, scale=replace(job.scale, indicator=indicator)))
    assert plan.decay_s == decay_s
    assert any(
        told.parameter == "decay_time_s" and indicator in told.basis for told in plan.derived
    )


@pytest.mark.parametrize(
    ("pixel_size_um", "parameter", "factor"),
    [(1.5, "min_distance_um", 1.5), (np.nan, "min_distance_px", 1.0)],
)
def test_distance_of_seeds_that_nobody_gave_is_told(pixel_size_um, parameter, factor):
    job = extract_job(ArrayMovie(np.ones((20, 24, 30), np.uint8)))
    job = replace(job, scale=replace(job.scale, pixel_size_um=pixel_size_um))
    plan = make_plan(job)
    told = {item.parameter: item for item in plan.derived}[parameter]
    assert told.value == pytest.approx(plan.min_distance_px * factor, abs=1e-3)
    assert "a quarter of a cell diameter" in told.basis


def test_distance_of_seeds_that_was_given_is_not_told_as_derived():
    job = extract_job(ArrayMovie(np.ones((20, 24, 30), np.uint8)))
    plan = make_plan(replace(job, params=job.params.model_copy(update={"min_distance_um": 9.0})))
    assert plan.min_distance_px == pytest.approx(9.0 / job.scale.pixel_size_um)
    assert not any("distance" in item.parameter for item in plan.derived)
