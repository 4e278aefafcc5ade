"""What `process` finds with no parameter given, against what was planted: cells, and none."""

import pytest

from benchmarks.builtin import run_builtin
from benchmarks.movies import simulated
from benchmarks.opponents.watch import Limits
from benchmarks.rows import DONE


def figures_of(folder, **choices):
    movie = simulated(folder, **choices)
    row = run_builtin(movie, {}, Limits(), work=folder)
    assert row.outcome == DONE
    return row.figures


@pytest.mark.parametrize("seed", [21, 22])
def test_accepted_components_are_the_planted_cells(seed, tmp_path):
    found = figures_of(tmp_path, level="moderate", width=200, height=160, frames=600, seed=seed)
    assert found["n_true"] >= 10
    assert found["precision"] >= 0.9
    assert found["recall"] >= 0.9
    assert found["denoised_r"] >= 0.9
    assert found["raw_r"] >= 0.9
    assert found["shift_px"] <= 0.2


def test_where_no_cell_is_none_is_accepted(tmp_path):
    """Tissue, vessels, motion and noise: at most one in each of five movies, none in three."""
    accepted = [
        figures_of(tmp_path, level="noise", width=160, height=120, frames=400, seed=seed)[
            "n_accepted"
        ]
        for seed in range(31, 36)
    ]
    assert max(accepted) <= 1
    assert accepted.count(0) >= 3
