"""The figures of the table against cases that can be worked out by hand."""

import numpy as np
import pytest
from scipy.sparse import csc_array

from benchmarks.scoring import Blocks, Result, block_error, event_area, figures, shift_error
from miniscope_nwb.testing.score import Truth

HEIGHT, WIDTH, N_FRAMES = 24, 32, 400


def masks(*centres):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    images = [np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 8.0) for cx, cy in centres]
    return csc_array(np.stack([np.where(image > 0.1, image, 0).ravel() for image in images], 1))


def planted(rng):
    spikes = np.zeros((2, N_FRAMES), np.float32)
    spikes[0, 20::60] = 1
    spikes[1, 45::70] = 1
    decay = np.exp(-np.arange(40) / 10)
    fluorescence = np.stack([np.convolve(row, decay)[:N_FRAMES] for row in spikes])
    return Truth(
        height=HEIGHT,
        width=WIDTH,
        footprints=masks((9, 8), (22, 15)),
        in_focus=np.ones(2, bool),
        fluorescence=(100 * fluorescence).astype(np.float32),
        spikes=spikes,
        noise_grey=1.0,
        rate_hz=20.0,
        cell_diameter_px=6.0,
    )


def result(truth, **changes):
    traces = {
        "raw": truth.fluorescence,
        "denoised": truth.fluorescence,
        "deconvolved": truth.spikes,
    }
    given = {
        "footprints": truth.footprints,
        "accepted": np.ones(2, bool),
        "traces": traces,
        "shifts": np.zeros((N_FRAMES, 2)),
    }
    return Result(**{**given, **changes})


def test_the_truth_itself_is_perfect():
    truth = planted(np.random.default_rng(1))
    found = figures(result(truth), truth, true_shifts=np.zeros((N_FRAMES, 2)))
    assert (found.n_true, found.n_found, found.n_accepted) == (2, 2, 2)
    perfect = (found.f1, found.f1_all, found.raw_r, found.deconvolved_r, found.event_auc)
    assert perfect == pytest.approx((1, 1, 1, 1, 1))
    assert found.footprint_cosine == pytest.approx(1)
    assert found.shift_px == 0
    assert found.as_json()["block_px"] is None


def test_what_is_not_accepted_counts_only_among_all():
    truth = planted(np.random.default_rng(1))
    found = figures(
        result(truth, accepted=np.array([True, False])),
        truth,
        true_shifts=np.zeros((N_FRAMES, 2)),
    )
    assert (found.precision, found.recall, found.f1_all) == (1, 0.5, 1)


def test_a_field_found_elsewhere_is_laid_over_the_truth():
    truth = planted(np.random.default_rng(1))
    moved = result(
        truth, footprints=masks((11, 9), (24, 16)), shifts=np.tile([2.0, 1.0], (N_FRAMES, 1))
    )
    found = figures(moved, truth, true_shifts=np.zeros((N_FRAMES, 2)))
    assert found.f1 == 1
    assert found.footprint_cosine == pytest.approx(1, abs=1e-6)


def test_the_error_of_shifts_is_a_length_without_its_constant():
    true = np.zeros((4, 2))
    found = np.array([[5.0, 7.0], [5, 7], [8, 7], [5, 3]])
    error, offset = shift_error(found, true)
    assert offset.tolist() == [5, 7]
    assert error == pytest.approx(np.sqrt((3**2 + 4**2) / 4))


def test_blocks_are_read_between_their_centres():
    # A displacement that is linear in place is read exactly from any grid.
    def field(centres, frames):
        scale = np.arange(frames)[:, None, None]
        return scale * np.stack([centres[:, 0] * 0.1, centres[:, 1] * -0.2], axis=1)

    coarse = np.array([[x, y] for y in (4.0, 20.0) for x in (6.0, 16.0, 26.0)])
    fine = np.array([[x, y] for y in (6.0, 11.0) for x in (8.0, 13.0, 25.0)])
    shuffled = coarse[[3, 0, 5, 1, 4, 2]]
    found = Result(
        masks((9, 8)), np.ones(1, bool), {}, np.zeros((5, 2)), Blocks(shuffled, field(shuffled, 5))
    )
    assert block_error(found, Blocks(fine, field(fine, 5))) == pytest.approx(0, abs=1e-12)
    rigid = Result(masks((9, 8)), np.ones(1, bool), {}, np.zeros((5, 2)))
    centred = field(fine, 5) - np.median(field(fine, 5), axis=0)
    by_hand = np.sqrt((centred**2).sum(axis=2).mean())
    assert block_error(rigid, Blocks(fine, field(fine, 5))) == pytest.approx(by_hand)


@pytest.mark.parametrize(("late", "area"), [(0, 1.0), (2, 1.0), (20, 0.0)])
def test_events_found_in_time_are_all_and_late_ones_none(late, area):
    spikes = np.zeros(400)
    spikes[50::100] = 1
    activity = np.full(400, 0.5)
    activity[50::100] = 0.0  # at the spikes less than anywhere, but for what is found
    for frame in np.flatnonzero(spikes):
        activity[frame - 5 : frame + 6] = 0.0
        activity[frame + late] = 1.0
    assert event_area(activity, spikes, rate_hz=20.0) == pytest.approx(area, abs=0.06)


def test_activity_that_knows_nothing_has_half_the_area():
    rng = np.random.default_rng(3)
    spikes = rng.random(20000) < 0.01
    assert event_area(rng.random(20000), spikes, rate_hz=20.0) == pytest.approx(0.5, abs=0.05)
    assert event_area(np.ones(20000), spikes, rate_hz=20.0) == pytest.approx(0.5)
    assert np.isnan(event_area(np.ones(50), np.zeros(50), rate_hz=20.0))


def test_the_mean_shift_of_a_bent_field_is_taken_at_the_same_places():
    """An engine whose blocks crowd at one side is not charged for it."""
    truth = planted(np.random.default_rng(1))
    x, y = (np.array([4.0, 12.0, 20.0, 28.0]), np.array([6.0, 18.0]))
    bend = np.sin(np.arange(N_FRAMES) / 5)

    def blocks(x):
        grid = np.stack([item.ravel() for item in np.meshgrid(x, y)], axis=1)
        moved = np.zeros((N_FRAMES, len(grid), 2))
        moved[:, :, 0] = bend[:, None] * (grid[:, 0] - x_middle) / x_middle
        return Blocks(grid, moved)

    x_middle = x.mean()
    crowded = blocks(np.array([4.0, 22.0, 25.0, 28.0]))
    found = result(truth, blocks=crowded, shifts=crowded.shifts.mean(axis=1))
    true = blocks(x)
    judged = figures(found, truth, true_shifts=true.shifts.mean(axis=1), true_blocks=true)
    assert judged.shift_px == pytest.approx(0, abs=1e-6)
    assert shift_error(found.shifts, true.shifts.mean(axis=1))[0] > 0.1
