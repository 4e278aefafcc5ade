"""What counts as found, false and neutral, on a hand-made field."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_array

from miniscope_nwb.simulate.options import SimulateOptions, resolve
from miniscope_nwb.testing.score import Truth, matched_snr, score, simulated_truth, true_cells

HEIGHT, WIDTH, N = 40, 60, 400


def disc(x, y, radius=3.0):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (np.hypot(rows - y, columns - x) <= radius).astype(np.float32).ravel()


def matrix(*columns):
    return csc_array(np.stack(columns, axis=1))


@pytest.fixture
def truth():
    """Cells: loud, loud, out of focus, with one event only, cut by the edge, faint."""
    centres = [(12, 12), (30, 12), (48, 12), (12, 30), (30, 39), (48, 30)]
    spikes = np.zeros((6, N), np.float32)
    spikes[:, 50] = 1
    spikes[[0, 1, 2, 4, 5], 150] = 1
    spikes[[0, 1, 2, 4, 5], 250] = 1
    spikes[1, 152] = 1  # the same event
    decay = np.exp(-np.arange(60) / 10)
    traces = np.stack([np.convolve(row, decay)[:N] for row in spikes]).astype(np.float32)
    traces *= np.array([10, 20, 10, 10, 10, 0.5], np.float32)[:, None]
    masks = matrix(*(disc(*c) for c in centres))
    focus = np.array([True, True, False, True, True, True])
    return Truth(HEIGHT, WIDTH, masks, focus, traces, spikes, 4.0, 20.0, 7.0)


def test_true_cells_are_loud_whole_and_fire_thrice(truth):
    assert true_cells(truth).tolist() == [True, True, False, False, False, False]
    energy = np.sqrt((truth.footprints[:, [0]] ** 2).sum())
    assert matched_snr(truth)[0] == pytest.approx(10 * energy / 4)
    region = np.ones((HEIGHT, WIDTH), bool)
    region[:, :11] = False
    assert true_cells(truth, region=region).tolist() == [False, True, False, False, False, False]


def test_right_false_neutral_and_double(truth):
    found = matrix(
        disc(13, 12), disc(11, 12), disc(48, 12), disc(12, 30), disc(30, 25), disc(48, 30)
    )
    scored = score(found, truth)
    assert scored.n_true == 2
    assert scored.n_right == 1
    assert scored.n_neutral == 2  # one event only; faint
    assert scored.n_out_of_focus == 1
    assert scored.n_duplicates == 1
    assert scored.n_found == 4
    assert scored.matched.tolist()[2:] == [2, 3, -1, 5]
    assert sorted(scored.matched.tolist()[:2]) == [-1, 0]
    assert scored.recall == 0.5
    assert scored.precision == 0.25
    assert scored.f1 == pytest.approx(1 / 3)


def test_only_accepted_components_count(truth):
    found = matrix(disc(30, 25), disc(30, 12), disc(12, 12))
    scored = score(found, truth, accepted=np.array([False, True, True]))
    assert scored.f1 == 1
    assert scored.matched.tolist() == [-1, 1, 0]


def test_too_far_or_too_different_is_not_found(truth):
    assert score(matrix(disc(16, 12)), truth).n_right == 0
    assert score(matrix(disc(12, 12, radius=9)), truth).n_right == 0


def test_a_constant_offset_is_taken_off(truth):
    found = matrix(disc(17, 9), disc(35, 9))
    assert score(found, truth).n_right == 0
    assert score(found, truth, offset_px=(5.0, -3.0)).f1 == 1


def test_traces_are_compared_where_they_are_known(truth):
    traces = {
        "raw": 3 * truth.fluorescence[:2] + 7,
        "deconvolved": truth.spikes[:2],
        "flat": np.ones((2, N)),
    }
    traces["raw"][:, :40] = np.nan
    scored = score(truth.footprints[:, :2], truth, traces=traces)
    assert scored.correlation("raw") == pytest.approx(1)
    assert scored.correlation("deconvolved") == pytest.approx(1)
    assert scored.correlation("flat") == 0


def test_nothing_found_and_nothing_planted(truth):
    empty = csc_array((HEIGHT * WIDTH, 0), dtype=np.float32)
    assert score(empty, truth).recall == 0
    options = resolve(SimulateOptions(level="noise", width=60, height=40, frames=50), format="v4")
    nothing = simulated_truth(options)
    scored = score(truth.footprints, nothing)
    assert scored.n_found == 6
    assert scored.precision == 0
    assert score(empty, nothing).f1 == 1


def test_the_truth_is_that_of_the_simulated_movie():
    options = resolve(SimulateOptions(width=90, height=70, frames=60, seed=3), format="v4")
    truth = simulated_truth(options)
    assert truth.footprints.shape[0] == 90 * 70
    assert truth.fluorescence.shape == truth.spikes.shape == (truth.footprints.shape[1], 60)
    assert truth.noise_grey == 4.0
