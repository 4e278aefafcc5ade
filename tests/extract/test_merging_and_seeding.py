"""Merging, weeding, seeding and null thresholds, each on its own."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from extract.extraction_jobs import DIAMETER_PX, recording
from hypothesis import given, settings
from hypothesis import strategies as st

from miniscope_nwb.deconvolve import Fits
from miniscope_nwb.extract.boxes import from_patches
from miniscope_nwb.extract.bright import find_bright, measure_level
from miniscope_nwb.extract.frames import rough_frames
from miniscope_nwb.extract.merging import groups_to_merge, merge
from miniscope_nwb.extract.null import null_thresholds
from miniscope_nwb.extract.seeding import SeedRules, find_seeds, write_traces
from miniscope_nwb.extract.temporal import TraceMaps, independent_groups
from miniscope_nwb.extract.weeding import MIN_JUMP, find_weeds, satellites
from miniscope_nwb.images.filtering import center_surround_kernel
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.testing.score import score

HEIGHT, WIDTH = 30, 44


def disc(radius=4):
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.clip(1.2 - np.hypot(y, x) / radius, 0, 1).astype(np.float32)


def events(rng, n=400):
    spikes = (rng.random(n) < 0.03) * 10.0
    return np.convolve(spikes, np.exp(-np.arange(60) / 10))[:n].astype(np.float32)


def grouped(footprints, traces, threshold=0.7):
    return groups_to_merge(
        footprints, traces, height=HEIGHT, width=WIDTH, threshold=threshold
    )  # fmt: skip


def test_two_halves_of_a_cell_become_one_and_explain_the_same_light():
    rng = np.random.default_rng(0)
    trace, other = events(rng), events(rng)
    left, right = disc(), disc()
    left[:, 6:], right[:, :4] = 0, 0
    footprints = from_patches([left, disc(), right], np.array([5, 15, 5]), np.array([5, 25, 5]))
    traces = np.stack([trace, other, trace])
    groups = grouped(footprints, traces)
    assert [group.tolist() for group in groups] == [[0, 2]]
    before = footprints.sparse(HEIGHT, WIDTH).toarray() @ traces
    old = footprints.sparse(HEIGHT, WIDTH).toarray()
    merged, kept, [(members, share)] = merge(footprints, traces, groups, height=HEIGHT, width=WIDTH)
    assert kept.tolist() == [0, 1]
    masks = merged.sparse(HEIGHT, WIDTH).toarray()
    np.testing.assert_allclose(old[:, members] @ share, masks[:, 0], rtol=1e-5)
    assert masks.max(axis=0) == pytest.approx(1)
    np.testing.assert_allclose(masks @ traces[kept], before, atol=1e-3)


@pytest.mark.parametrize(("share", "are_one"), [(0.0, False), (0.25, False), (0.45, True)])
def test_cells_above_each_other_stay_two_where_their_traces_differ(share, are_one):
    """Footprints of a cosine of 0.9; the second trace holds a share of the first one's events."""
    rng = np.random.default_rng(0)
    first, own = events(rng, 4000), events(rng, 4000)
    footprints = from_patches([disc(), disc()], np.array([5, 5]), np.array([5, 6]))
    traces = np.stack([first, share * first + (1 - share) * own])
    masks = footprints.sparse(HEIGHT, WIDTH).toarray()
    masks = masks / np.linalg.norm(masks, axis=0)
    assert 0.8 < masks[:, 0] @ masks[:, 1] < 0.95
    assert bool(grouped(footprints, traces)) == are_one


@given(
    cuts=st.lists(st.sets(st.integers(2, 7), max_size=3), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_however_cells_were_cut_they_are_put_together_and_keep_their_light(cuts, seed):
    """Each cell is cut into pieces of peak 1 with scaled traces, in any order."""
    rng = np.random.default_rng(seed)
    pieces = []
    for cell, columns in enumerate(cuts):
        trace, edges = events(rng), [0, *sorted(columns), 9]
        for first, stop in pairwise(edges):
            piece = disc()
            piece[:, :first] = piece[:, stop:] = 0
            place = 2 + 15 * (cell // 3), 1 + 15 * (cell % 3)
            pieces.append((cell, piece / piece.max(), place, trace * piece.max()))
    pieces = [pieces[k] for k in rng.permutation(len(pieces))]
    cells, patches, places, traces = zip(*pieces, strict=True)
    footprints = from_patches(list(patches), *np.array(places).T)
    traces = np.stack(traces)
    before = footprints.sparse(HEIGHT, WIDTH).toarray() @ traces
    groups = grouped(footprints, traces)
    merged, kept, _ = merge(footprints, traces, groups, height=HEIGHT, width=WIDTH)
    assert all(len({cells[k] for k in group.tolist()}) == 1 for group in groups)
    assert len(kept) == len(merged) == len(cuts)
    masks = merged.sparse(HEIGHT, WIDTH).toarray()
    np.testing.assert_allclose(masks @ traces[kept], before, atol=2e-3)


@pytest.mark.parametrize(
    ("apart", "same_trace", "is_one"),
    [(0, False, True), (0, True, True), (3, True, True), (5, False, False), (20, True, False)],
)
def test_what_is_one_cell(apart, same_trace, is_one):
    rng = np.random.default_rng(1)
    first, second = events(rng), events(rng)
    footprints = from_patches([disc(), disc()], np.array([5, 5]), np.array([5, 5 + apart]))
    traces = np.stack([first, first if same_trace else second])
    assert bool(grouped(footprints, traces)) is is_one


def test_weeding_keeps_events_and_drops_noise_slow_changes_and_specks():
    rng = np.random.default_rng(2)
    jump = np.zeros(300, np.float32)
    jump[100] = MIN_JUMP + 1
    slow = np.full(300, 0.3, np.float32)
    deconvolved = np.stack([jump, 0.2 * rng.random(300).astype(np.float32), slow, jump])
    footprints = from_patches(
        [disc(), disc(), disc(), np.ones((1, 2), np.float32)], np.full(4, 3), np.arange(4) * 10
    )
    ones = np.ones(4)
    maps = TraceMaps(deconvolved, deconvolved, deconvolved, ones, Fits(ones, ones, ones))
    weeds = find_weeds(footprints, maps, height=HEIGHT, width=WIDTH, diameter_px=7.0)
    assert weeds.keep.tolist() == [True, False, False, False]
    assert weeds.words() == (
        "of 4 components, 2 without an event 4.5 times above the noise of its trace, "
        "1 smaller than 12 px"
    )


@pytest.mark.parametrize(("alone", "is_satellite"), [(0.0, True), (1.0, False)])
def test_a_satellite_is_silent_when_its_cell_is(alone, is_satellite):
    rng = np.random.default_rng(5)
    host, own = events(rng), events(rng)
    weak = 0.3 * host * rng.uniform(0.5, 1.5, len(host)).astype(np.float32) + 0.3 * alone * own
    traces = np.stack([host, weak])
    small = disc()
    small[:, :5] = 0
    footprints = from_patches([disc(), small], np.array([5, 5]), np.array([5, 6]))
    ones = np.ones(2)
    maps = TraceMaps(traces, traces, traces, 0.1 * ones, Fits(ones, ones, ones))
    found = satellites(footprints, maps, height=HEIGHT, width=WIDTH)
    assert found.tolist() == [False, is_satellite]


def test_groups_hold_cells_that_do_not_touch():
    rng = np.random.default_rng(3)
    matrix = np.diag(np.full(40, 5.0))
    pairs = rng.integers(0, 40, (60, 2))
    matrix[pairs[:, 0], pairs[:, 1]] = 2.0
    groups = independent_groups(matrix)
    assert sorted(np.concatenate(groups).tolist()) == list(range(40))
    for group in groups:
        part = matrix[np.ix_(group, group)]
        assert not (part - np.diag(np.diag(part))).any()


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    movie, truth = recording("easy")
    frames = rough_frames(ArrayMovie(movie), np.zeros(len(movie), bool), n_threads=1)
    kernel = center_surround_kernel(DIAMETER_PX)
    level = measure_level(frames, kernel)
    region = np.ones(movie.shape[1:], bool)
    bright = find_bright(
        frames, kernel, level, region=region, scratch=tmp_path_factory.mktemp("bright")
    )
    return movie, truth, frames, kernel, bright


def test_bright_pixels_are_few_and_in_the_order_of_frames(searched):
    movie, _, _, _, bright = searched
    assert 0.002 < len(bright.values) / movie.size < 0.05
    assert (bright.values > 3).all()
    for pixel in range(0, bright.height * bright.width, 97):
        frames = bright.frames[bright.starts[pixel] : bright.starts[pixel + 1]]
        assert (np.diff(frames) > 0).all()


def test_seeds_lie_on_cells_and_traces_follow_them(searched):
    movie, truth, _, kernel, bright = searched
    rules = SeedRules(0.8, 10, DIAMETER_PX, DIAMETER_PX / 2, 1000)
    seeds = find_seeds(bright, kernel, rules, n_frames=len(movie))
    traces = np.zeros((len(seeds), len(movie)), np.float32)
    write_traces(seeds, traces)
    scored = score(seeds.footprints.sparse(120, 160), truth, traces={"first": traces})
    assert scored.recall == 1
    assert scored.n_duplicates == 0
    assert scored.correlation("first") > 0.9
    assert (seeds.corr >= 0.8).all()
    assert (seeds.pnr >= 10).all()


def test_null_thresholds_let_through_as_much_noise_as_they_say(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.normal(100, 4, (500, 90, 120)).astype(np.float32)
    frames = rough_frames(ArrayMovie(noise), np.zeros(500, bool), n_threads=1)
    kernel = center_surround_kernel(DIAMETER_PX)
    region = np.ones((90, 120), bool)
    found = {}
    for n_false in (1.0, 15.0):
        null = null_thresholds(frames, kernel, region=region, n_false=n_false, seed=0)
        assert null == null_thresholds(frames, kernel, region=region, n_false=n_false, seed=0)
        level = measure_level(frames, kernel)
        bright = find_bright(frames, kernel, level, region=region, scratch=tmp_path)
        rules = SeedRules(null.min_corr, null.min_pnr, DIAMETER_PX, DIAMETER_PX / 2, 1000)
        found[n_false] = len(find_seeds(bright, kernel, rules, n_frames=500))
    assert found[1.0] <= 4
    assert 4 <= found[15.0] <= 30


def test_cells_do_not_raise_what_counts_as_noise(searched):
    region = np.ones((120, 160), bool)
    null = null_thresholds(searched[2], searched[3], region=region, n_false=1.0, seed=0)
    assert null.min_pnr < 8
    assert null.min_corr < 0.8


def test_groups_of_cells_are_as_small_as_is_asked_for():
    matrix = np.eye(11)
    matrix[2, 3] = matrix[3, 2] = 0.5
    groups = independent_groups(matrix, most=4)
    assert max(map(len, groups)) <= 4
    assert sorted(np.concatenate(groups).tolist()) == list(range(11))
    assert not any({2, 3} <= set(group.tolist()) for group in groups)
