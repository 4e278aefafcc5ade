"""The whole extraction, against what was planted."""

from __future__ import annotations

import numpy as np
import pytest
from extract.extraction_jobs import DIAMETER_PX, job_of, recording, run
from scipy.sparse import csc_array

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.extract.cnmfe import extract
from miniscope_nwb.extract.state import Extraction
from miniscope_nwb.movie import ArrayMovie, FrameClock
from miniscope_nwb.params.models import ExtractParams
from miniscope_nwb.simulate.tissue import make_optics
from miniscope_nwb.testing.score import score, true_cells


def traces_of(result):
    return {name: getattr(result, name) for name in ("raw", "denoised", "deconvolved")}


@pytest.fixture(scope="module")
def moderate():
    return recording("moderate")


@pytest.fixture(scope="module")
def found(moderate, tmp_path_factory):
    return run(moderate[0], tmp_path_factory.mktemp("moderate") / "scratch")


@pytest.mark.parametrize(("level", "recall"), [("easy", 0.95), ("moderate", 0.95), ("hard", 0.9)])
def test_planted_cells_are_found(level, recall, tmp_path):
    movie, truth = recording(level, frames=600)
    result = run(movie, tmp_path / "scratch")
    scored = score(result.footprints, truth, traces=traces_of(result))
    assert scored.n_true >= 5
    assert scored.recall >= recall
    assert scored.n_duplicates == 0
    others = scored.n_found - scored.n_right - scored.n_out_of_focus
    assert others <= 1 + 0.05 * scored.n_found
    assert scored.correlation("denoised") > 0.98
    assert scored.correlation("raw") > 0.93


def test_noise_gives_nothing_and_says_which_threshold(tmp_path):
    movie, _ = recording("noise")
    result = run(movie, tmp_path / "scratch")
    assert result.n_cells == 0
    assert result.footprints.shape == (160 * 120, 0)
    assert result.raw.shape == (0, 600)
    assert result.emptied_by


@pytest.mark.parametrize(
    ("thresholds", "words"),
    [({}, "kept a footprint"), ({"min_pnr": 5.0, "min_corr": 0.5}, "without an event")],
)
def test_what_goes_whole_is_not_searched_again(thresholds, words, tmp_path, monkeypatch):
    searches = []
    seed = Extraction.seed
    monkeypatch.setattr(Extraction, "seed", lambda state: searches.append(seed(state)))
    movie, _ = recording("noise")
    result = run(movie, tmp_path / "scratch", params=ExtractParams(**thresholds))
    assert result.n_seeds > 0
    assert len(searches) == 1
    assert words in result.emptied_by


def test_a_threshold_that_nothing_reaches_is_named(moderate, tmp_path):
    params = ExtractParams(min_pnr=500.0)
    result = run(moderate[0], tmp_path / "scratch", params=params)
    assert result.n_cells == 0
    assert "min_pnr 500" in result.emptied_by


def test_the_record_keeps_its_word(found, moderate):
    movie, truth = moderate
    n = found.n_cells
    peaks = found.footprints.max(axis=0).toarray().ravel()
    np.testing.assert_allclose(peaks, 1, rtol=1e-6)
    assert found.footprints.min() >= 0
    assert found.raw.shape == found.denoised.shape == found.deconvolved.shape == (n, len(movie))
    assert (np.asarray(found.denoised) >= 0).all()
    assert (np.asarray(found.deconvolved) >= 0).all()
    assert np.isfinite(found.raw).all()
    assert {item.parameter for item in found.derived} >= {"min_corr", "min_pnr", "ring_radius_px"}
    background = found.background
    assert background is not None
    assert background.b0.shape == (120, 160)
    # Traces are in grey levels at the footprint's peak, and noise is that of the raw trace.
    scored = score(found.footprints, truth)
    optics = make_optics(width=160, height=120, seed=0, device=0)
    vignette = optics.vignette.ravel() @ truth.footprints / truth.footprints.sum(axis=0)
    for component, cell in enumerate(scored.matched.tolist()):
        if cell < 0 or not scored.is_true[cell]:
            continue
        slope = np.polyfit(truth.fluorescence[cell], found.denoised[component], 1)[0]
        # What is true holds before the vignette; bleaching takes 5 % and the ring a little.
        assert 0.75 < slope / vignette[cell] < 1.1
        above = found.raw[component] - found.baseline[component] - found.denoised[component]
        assert np.std(above) == pytest.approx(found.noise[component], rel=0.2)


def test_background_explains_the_neuropil(found, moderate):
    """B = b0 + W (Y - A C - b0) leaves little but the pixels' noise."""
    movie, _ = moderate
    background = found.background
    frames = movie[100:160].astype(np.float32)
    cells = (found.footprints @ found.denoised[:, 100:160]).T.reshape(frames.shape)
    rest = (frames - cells - background.b0).reshape(60, 60, 2, 80, 2).mean(axis=(2, 4))
    rest = rest.reshape(60, -1)
    left = rest - (background.weights @ rest.T).T
    assert left.std() < 0.75 * rest.std()
    assert left.std() < 1.35 * 4.0 / 2


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_a_bit(found, moderate, tmp_path, threads):
    again = run(moderate[0], tmp_path / "scratch", threads=threads)
    assert np.array_equal(again.footprints.toarray(), found.footprints.toarray())
    for name, trace in traces_of(again).items():
        assert np.array_equal(trace, traces_of(found)[name], equal_nan=True)


class CutMovie(ArrayMovie):
    """A movie whose frames lose a part at the edge, as after shifting."""

    def __init__(self, frames, bounds):
        super().__init__(frames.astype(np.float32))
        self.bounds = bounds
        for frame, (top, bottom, left, right) in zip(self._frames, bounds.tolist(), strict=True):
            frame[:top], frame[bottom:], frame[:, :left], frame[:, right:] = (np.nan,) * 4

    def seen(self, start, stop):
        return self.bounds[start:stop]


def test_what_was_not_seen_takes_no_part(found, moderate, tmp_path):
    movie, truth = moderate
    n, height, width = movie.shape
    bounds = np.tile(np.array([0, height, 0, width]), (n, 1))
    rng = np.random.default_rng(0)
    often = rng.random(n) < 0.3
    bounds[often] = [4, height - 3, 5, width - 2]
    far = np.arange(200, 212)
    bounds[far] = [0, height, 40, width]
    region = np.zeros((height, width), bool)
    region[4:-3, 5:-2] = True
    cut = CutMovie(movie, bounds)
    result = run(cut, tmp_path / "scratch", region=region)
    assert not result.footprints.toarray()[~region.ravel()].any()
    scored = score(result.footprints, truth, traces=traces_of(result), region=region)
    assert scored.recall >= 0.9
    assert scored.correlation("raw") > 0.95
    masks = result.footprints.toarray().reshape(height, width, -1)
    share = (masks[:, 40:] ** 2).sum(axis=(0, 1)) / (masks**2).sum(axis=(0, 1))
    assert np.isnan(result.raw[share < 0.4][:, far]).all()
    assert np.isfinite(result.raw[share > 0.99][:, far]).all()
    assert (share < 0.4).any()
    assert np.isfinite(result.denoised).all()


def test_frames_left_out_take_no_part(found, moderate, tmp_path):
    """A flash that is left out changes nothing but its own samples."""
    movie, truth = moderate
    flashed, left_out = movie.copy(), np.zeros(len(movie), bool)
    left_out[[50, 51, 300]] = True
    flashed[left_out] = 255
    result = run(flashed, tmp_path / "scratch", left_out=left_out)
    assert np.isnan(result.raw[:, left_out]).all()
    assert np.isfinite(result.denoised).all()
    scored = score(result.footprints, truth, traces=traces_of(result))
    assert scored.recall >= 0.95
    assert scored.correlation("denoised") > 0.98


def test_given_masks_stay_one_to_one(moderate, tmp_path):
    movie, truth = moderate
    order = np.arange(len(truth.in_focus))[::-1]
    masks = (truth.footprints[:, order] > 0.3).astype(np.float32)
    silent = np.zeros((masks.shape[0], 1), np.float32)
    silent[160 * 3 + 4] = 1
    masks = csc_array(np.concatenate([masks.toarray(), silent], axis=1))
    result = run(movie, tmp_path / "scratch", seeds=masks)
    assert result.n_cells == len(order) + 1
    ours, theirs = result.footprints[:, :-1].toarray(), truth.footprints[:, order].toarray()
    cosine = (ours * theirs).sum(0) / np.linalg.norm(ours, axis=0) / np.linalg.norm(theirs, axis=0)
    is_true = true_cells(truth)[order]
    assert (cosine[is_true] > 0.85).all()
    for number in np.flatnonzero(is_true).tolist():
        trace = truth.fluorescence[order[number]]
        assert np.corrcoef(result.raw[number], trace)[0, 1] > 0.9


def test_a_cell_that_fires_once_is_found(tmp_path):
    """One transient in the whole recording, in a place of its own."""
    movie, _ = recording("sparse", cells=0, frames=800)
    y, x = np.mgrid[:120, :160]
    disc = 1 / (1 + np.exp((np.hypot(y - 70, x - 40) / (DIAMETER_PX / 2) - 1) / 0.12))
    decay = 25 * np.exp(-np.arange(40) / 10.0)
    planted = movie.astype(np.float32)
    planted[500:540] += decay[:, None, None] * disc
    result = run(np.clip(planted.round(), 0, 255).astype(np.uint8), tmp_path / "scratch")
    places = [
        np.average(np.stack([y, x], -1).reshape(-1, 2), axis=0, weights=column)
        for column in result.footprints.toarray().T
    ]
    near = [np.hypot(*(place - [70, 40])) < 2 for place in places]
    assert sum(near) == 1
    assert abs(int(np.argmax(result.denoised[near.index(True)])) - 500) <= 1


def test_decay_follows_true_time_over_lost_frames(moderate, tmp_path):
    """After lost frames the calcium has decayed as long as they took."""
    movie, _ = moderate
    keep = np.r_[:300, 340:600]
    steps = np.ones(len(keep), np.int64)
    steps[300] = 41
    clock = FrameClock(keep / 20.0, steps, np.zeros(len(keep), np.int64), 20.0)
    (tmp_path / "scratch").mkdir()
    job = job_of(ArrayMovie(movie[keep], clock))
    result = extract(job, Resources(tmp_path / "scratch", n_threads=1))
    g = result.kernel[0, 0] if result.kernel.shape[1] == 1 else None
    before, after = result.denoised[:, 299], result.denoised[:, 300]
    quiet = result.deconvolved[:, 300] == 0
    assert quiet.any()
    most = 0.2 if g is None else 1.5 * g**41
    assert (after[quiet] <= most * before[quiet] + 1e-3).all()


def test_at_most_as_many_cells_as_asked_for(moderate, tmp_path):
    result = run(moderate[0], tmp_path / "scratch", params=ExtractParams(max_cells=3))
    assert 1 <= result.n_cells <= 3


def test_without_deconvolution_traces_are_what_was_measured(moderate, tmp_path):
    movie, truth = moderate
    result = run(movie, tmp_path / "scratch", params=ExtractParams(deconvolve=False))
    scored = score(result.footprints, truth, traces=traces_of(result))
    assert scored.recall >= 0.9
    assert scored.correlation("denoised") > 0.95
