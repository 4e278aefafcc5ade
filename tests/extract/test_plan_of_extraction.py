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
