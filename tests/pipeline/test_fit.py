"""Results of another movie are told by their r-values; right ones are not, even poor ones."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from miniscope_nwb.pipeline.fit import misfit
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
