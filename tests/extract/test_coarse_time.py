"""Means of frames: what is averaged, and that cells and traces are those of the full rate."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from extraction_jobs import job_of, recording

from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.engines.base import Resources
from miniscope_nwb.extract import merging
from miniscope_nwb.extract.cnmfe import extract
from miniscope_nwb.extract.coarse import CoarseMovie, in_coarse_time
from miniscope_nwb.extract.frames import Frames
from miniscope_nwb.extract.state import Extraction
from miniscope_nwb.movie import ArrayMovie, FrameClock
from miniscope_nwb.results import MotionResult
from miniscope_nwb.testing.score import score

N, HEIGHT, WIDTH = 17, 9, 12
STEPS = np.array([1, 1, 1, 1, 1, 1, 1, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1])  # three frames lost before 7
SEGMENT = np.array([0] * 12 + [1] * 5)
EDGES = [0, 3, 6, 7, 10, 12, 15, 17]  # means of three, none across a gap or into the next part


@pytest.fixture
def movie():
    frames = np.random.default_rng(3).integers(0, 255, (N, HEIGHT, WIDTH), dtype=np.uint8)
    clock = FrameClock(np.cumsum(STEPS) / 20.0, STEPS, SEGMENT, 20.0)
    return ArrayMovie(frames, clock)


def shifted(movie):
    """Move each frame by whole pixels, so that edges are not seen."""
    shifts = np.random.default_rng(5).integers(-2, 3, (N, 2)).astype(np.float32)
    template = np.zeros((HEIGHT, WIDTH), np.float32)
    motion = MotionResult(template, shifts, None, None, np.ones(N, bool), 0.0)
    return CorrectedMovie(movie, motion)


def test_nothing_is_averaged_across_a_gap(movie):
    coarse = CoarseMovie(movie, np.zeros(N, bool), 3)
    assert coarse.edges.tolist() == EDGES
    assert coarse.is_thin.tolist() == [False, False, True, False, True, False, True]
    assert coarse.clock.steps.tolist() == [1, 1, 1, 2, 1, 1, 1]
    assert coarse.clock.segment.tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert coarse.clock.rate_hz == pytest.approx(20 / 3)
    frames = movie.read(0, N).astype(float)
    expected = [frames[a:b].mean(axis=0) for a, b in pairwise(EDGES)]
    np.testing.assert_allclose(coarse.read(0, 7), expected, rtol=1e-6)
    np.testing.assert_array_equal(coarse.take(np.array([1, 4, 5])), coarse.read(0, 7)[[1, 4, 5]])
    assert coarse.spread(np.arange(7)).tolist() == np.repeat(np.arange(7), np.diff(EDGES)).tolist()


def test_frames_left_out_have_no_part_in_a_mean(movie):
    left_out = np.zeros(N, bool)
    left_out[[4, 7, 8, 9]] = True
    coarse = CoarseMovie(movie, left_out, 3)
    frames = movie.read(0, N).astype(float)
    np.testing.assert_allclose(coarse.read(1, 2)[0], frames[[3, 5]].mean(axis=0), rtol=1e-6)
    assert np.isnan(coarse.read(3, 4)).all()
    assert coarse.is_thin[[1, 3]].all()
    assert (np.diff(coarse.seen(3, 4)[:, :2]) == 0).all()


def test_what_one_frame_did_not_see_the_mean_has_not_seen(movie):
    corrected = shifted(movie)
    coarse = CoarseMovie(corrected, np.zeros(N, bool), 3)
    for mean, (top, bottom, left, right) in zip(coarse.read(0, 7), coarse.seen(0, 7), strict=True):
        inside = np.zeros((HEIGHT, WIDTH), bool)
        inside[top:bottom, left:right] = True
        np.testing.assert_array_equal(np.isfinite(mean), inside)


def coarse_job(frames, factor, **options):
    job = job_of(frames, **options)
    return replace(job, prepared=replace(job.prepared, temporal_factor=factor))


def test_short_or_broken_movies_are_done_at_the_full_rate():
    frames = np.zeros((700, 4, 5), np.uint8)
    assert in_coarse_time(coarse_job(frames, 1)) is None
    assert in_coarse_time(coarse_job(frames, 2)) is not None
    assert in_coarse_time(coarse_job(frames[:590], 2)) is None
    every_third = np.arange(700) % 3 == 0
    assert in_coarse_time(coarse_job(frames, 2, left_out=every_third)) is None


def test_that_nothing_was_averaged_is_told(tmp_path):
    frames = np.random.default_rng(1).integers(90, 110, (120, 24, 30), dtype=np.uint8)
    for factor, told in ((2, [1]), (1, [])):
        folder = tmp_path / str(factor)
        folder.mkdir()
        result = extract(coarse_job(frames, factor), Resources(folder, n_threads=1))
        derived = [item for item in result.derived if item.parameter == "temporal_factor"]
        assert [item.value for item in derived] == told
        assert all("full rate" in item.basis for item in derived)


def test_cells_are_the_same_and_traces_at_the_full_rate_for_less_work(tmp_path, monkeypatch):
    frames, truth = recording("moderate", frames=1500, seed=1)
    found, work = {}, Counter()
    read = Frames.read

    def counting(self, start, stop):
        block = read(self, start, stop)
        work[factor] += len(block.pixels)
        return block

    monkeypatch.setattr(Frames, "read", counting)
    for factor in (1, 2):
        folder = tmp_path / str(factor)
        folder.mkdir()
        found[factor] = extract(coarse_job(frames, factor), Resources(folder, n_threads=1))
        assert not (folder / "coarse").exists()
    assert 0 < work[2] < 0.8 * work[1]  # six passes at half the length, and one at the full rate
    scores = {}
    for factor, result in found.items():
        assert result.raw.shape == result.denoised.shape == (result.n_cells, 1500)
        assert np.isfinite(result.raw).all()
        assert len(result.kernel[0]) == 2  # AR(2), as of 20 frames a second
        traces = {"raw": result.raw, "denoised": result.denoised}
        scores[factor] = score(result.footprints, truth, traces=traces)
    assert scores[2].recall >= scores[1].recall - 1e-9
    assert scores[2].f1 >= scores[1].f1 - 0.03
    for trace in ("raw", "denoised"):
        assert scores[2].correlation(trace) > scores[1].correlation(trace) - 0.003
    # Full-rate traces: neighbouring frames differ by the noise of single frames.
    rough = [float(np.abs(np.diff(result.raw, axis=1)).mean()) for result in found.values()]
    assert rough[1] == pytest.approx(rough[0], rel=0.1)


def test_merged_cells_need_no_pass_over_the_movie(tmp_path, monkeypatch):
    frames, _ = recording("moderate", frames=700, seed=1)
    state = Extraction.begin(
        in_coarse_time(coarse_job(frames, 2)), Resources(tmp_path, n_threads=1)
    )
    state.seed()
    state.fit_background()
    state.update_footprints()
    state.update_traces()
    groups = [np.array([1, 3]), np.array([2, 4, 5])]
    with monkeypatch.context() as patched:
        patched.setattr(merging, "groups_to_merge", lambda *_, **__: groups)
        assert state.merge()
    mixed = state.projections.copy()
    state.projections = None
    state.update_traces()
    assert len(mixed) == len(state.footprints)
    assert np.isfinite(mixed).all()
    spread = state.projections.std(axis=1, keepdims=True)
    np.testing.assert_allclose(mixed / spread, state.projections / spread, atol=1e-4)


def test_given_masks_stay_with_averaging(tmp_path):
    frames, truth = recording("moderate", frames=700, seed=1)
    seeds = truth.footprints
    job = coarse_job(frames, 2, seeds=seeds)
    result = extract(job, Resources(tmp_path, n_threads=1))
    assert result.n_cells == seeds.shape[1]
    assert result.raw.shape[1] == 700


class CountingMovie(ArrayMovie):
    """Counts the frames that are read."""

    n_read = 0

    def read(self, start, stop):
        self.n_read += stop - start
        return super().read(start, stop)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_held_means_are_read_once_and_nobody_changes_them(share):
    frames = np.random.default_rng(2).integers(0, 255, (2600, 40, 50), dtype=np.uint8)
    whole = CountingMovie(frames)
    means = CoarseMovie(whole, np.zeros(2600, bool), 2, hold_bytes=int(share * 1300 * 40 * 50 * 4))
    first = [means.read(start, stop) for start, stop in means.blocks()]
    expected = np.concatenate(first).copy()
    for block in first:
        block[:] = -1  # frames that were read belong to the reader
    whole.n_read = 0
    again = np.concatenate([means.read(start, stop) for start, stop in means.blocks()])
    np.testing.assert_array_equal(again, expected)
    held = {0.0: 0, 0.4: 500, 1.0: 1300}[share]  # whole blocks of 500, 500 and 300 means
    assert whole.n_read == 2 * (1300 - held)
    means.take(np.array([3, 400]))
    assert whole.n_read == 2 * (1300 - held) + (0 if held else 4)
    chosen = np.array([3, 4, 499, 500, 777, 1100, 1299])
    np.testing.assert_array_equal(means.take(chosen), expected[chosen])
    np.testing.assert_array_equal(means.read(490, 510), expected[490:510])
    means.forget()
    whole.n_read = 0
    np.testing.assert_array_equal(means.read(0, 500), expected[:500])
    assert whole.n_read == 1000


def test_the_memory_that_may_be_taken_changes_no_number(tmp_path):
    frames, _ = recording("moderate", frames=700, seed=1)
    results = []
    for held in (0, 1 << 30):
        folder = tmp_path / str(held)
        folder.mkdir()
        resources = Resources(folder, n_threads=2)
        results.append(extract(coarse_job(frames, 2), resources, hold_bytes=held))
    np.testing.assert_array_equal(*(result.footprints.toarray() for result in results))
    np.testing.assert_array_equal(*(result.denoised for result in results))
