"""Results of another movie are told by their r-values; right ones are not, even poor ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from miniscope_nwb.pipeline.fit import misfit, unfound
from miniscope_nwb.pipeline.process import _warn_of_another_movie
from miniscope_nwb.results import MetricColumn


def told(*r_values):
    column = MetricColumn("r-value", np.array(r_values, float))
    return misfit(SimpleNamespace(metrics={"r_value": column}))


@pytest.mark.parametrize(
    "r_values",
    [
        [0.9] * 9,
        [0.9] * 3 + [0.1] * 9,  # a quarter of cells, and much that is none
        [0.3] * 12,  # nothing good, but all of this movie
        [0.1, 0.0, np.nan, np.nan],  # too few to tell
        [],
    ],
)
def test_results_of_this_movie(r_values):
    assert told(*r_values) == ""


def test_results_of_another_movie():
    assert told(0.1, -0.2, 0.3, np.nan) == "none of the 3 components with events fits the movie"
    assert told(*[0.05] * 9, 0.6) == "only 1 of the 10 components with events fits the movie"
    assert told(*[0.05] * 9, 0.6, 0.5).startswith("only 2 of the 11 components with events fit ")


def sought(n_given, n_accepted):
    accepted = np.arange(n_given) < n_accepted
    return unfound(SimpleNamespace(decisions=SimpleNamespace(accepted=accepted)), n_given)


def test_masks_of_this_field():
    assert sought(12, 12) == ""
    assert sought(12, 3) == ""
    assert sought(2, 0) == "", "too few to tell"


def test_masks_of_another_field():
    assert sought(12, 2) == "only 2 of the 12 masks show an accepted cell"
    assert sought(6, 1) == "only 1 of the 6 masks shows an accepted cell"
    assert sought(3, 0) == "none of the 3 masks shows an accepted cell"


def test_a_run_with_masks_of_another_field_warns():
    said = []
    job = SimpleNamespace(
        source_hash="",
        masks=SimpleNamespace(footprints=np.zeros((9, 12))),
        options=SimpleNamespace(masks="other.nwb:run1"),
        path=Path("x.nwb"),
    )
    quality = SimpleNamespace(decisions=SimpleNamespace(accepted=np.arange(5) < 1))
    _warn_of_another_movie(job, quality, SimpleNamespace(say=said.append))
    assert said == [
        "Warning: only 1 of the 12 masks shows an accepted cell in this movie: make sure that "
        "other.nwb:run1 is of the same field of the same animal as x.nwb."
    ]
