"""The stage of the summary images against numpy, with unseen pixels, gaps and frames left out."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.engines.base import Resources, Scale
from miniscope_nwb.images.filtering import center_surround_kernel, highpass
from miniscope_nwb.images.moments import SEEN_SHARE
from miniscope_nwb.images.sampled import choose_runs, sampled_images
from miniscope_nwb.images.stage import summary_images
from miniscope_nwb.movie import ArrayMovie, FrameClock
from miniscope_nwb.params.models import ImagesParams
from miniscope_nwb.results import Derived, MotionResult, Prepared

N, HEIGHT, WIDTH = 300, 100, 144
FROM_RAW = Derived("preprocess", "cell_diameter_px", 9.0, "told from raw frames")


class BorderMovie(ArrayMovie):
    """A movie whose frames lack other borders each, as corrected ones do."""

    def __init__(self, frames, bounds, clock=None):
        frames = frames.copy()
        for frame, (top, bottom, left, right) in zip(frames, bounds, strict=True):
            frame[:top], frame[bottom:], frame[:, :left], frame[:, right:] = (np.nan,) * 4
        super().__init__(frames, clock)
        self.bounds = bounds

    def seen(self, start, stop):
        return self.bounds[start:stop]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def cell_frames(rng, *, diameter=8.0, n=N):
    """Discs that light up, in noise; positions (y, x) at the middle of the field."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    places = [(30, 34), (68, 110), (32, 102), (72, 38)]
    frames = rng.normal(100, 2.0, (n, HEIGHT, WIDTH))
    decay = 25 * np.exp(-np.arange(25) / 8)
    for number, start in enumerate(range(8, n - 25, 12)):
        row, column = places[number % len(places)]
        disc = np.clip(diameter / 2 - np.hypot(y - row, x - column) + 0.5, 0, 1)
        frames[start : start + 25] += decay[:, None, None] * disc
    return frames.astype(np.float32), places


def prepared_of(n, *, derived=(FROM_RAW,), diameter=9.0):
    empty = np.zeros(n)
    return Prepared(
        (0, 0, WIDTH, HEIGHT), 1, 1, empty > 0, ("",) * n, np.empty((0, 2), int), None, None,
        None, "none", None, empty.astype(np.float32), np.empty(0, int), diameter, derived,
    )  # fmt: skip


def images_of(movie, tmp_path, *, left_out=None, n_threads=1, n_sample=3000, say=print, **choices):
    n = movie.n_frames
    motion = MotionResult(
        template=np.ones((HEIGHT, WIDTH), np.float32),
        shifts_px=np.zeros((n, 2), np.float32),
        blocks=None, block_shifts_px=None, is_registered=np.ones(n, bool), block_residual_px=0.0,
    )  # fmt: skip
    return summary_images(
        movie,
        motion=motion,
        prepared=prepared_of(n, **choices),
        is_left_out=np.zeros(n, bool) if left_out is None else left_out,
        params=ImagesParams(n_sample_frames=n_sample),
        scale=Scale(1.64, 20.0),
        resources=Resources(tmp_path, n_threads=n_threads, say=say),
    )


def moving_bounds(rng, n=N):
    top, left = rng.integers(0, 4, n), rng.integers(0, 6, n)
    bottom, right = HEIGHT - rng.integers(0, 3, n), WIDTH - rng.integers(0, 5, n)
    return np.stack([top, bottom, left, right], axis=1)


def test_images_over_time_leave_out_what_was_not_seen(rng, tmp_path):
    frames, _ = cell_frames(rng)
    bounds = moving_bounds(rng)
    bounds[:, 1] = np.minimum(bounds[:, 1], HEIGHT - 1)  # the last row is never seen
    movie = BorderMovie(frames, bounds)
    left_out = rng.random(N) < 0.1
    spoilt = movie._frames.copy()
    spoilt[left_out] = 1e6
    movie._frames = spoilt
    images = images_of(movie, tmp_path, left_out=left_out)
    used = movie._frames[~left_out].astype(np.float64)
    inside = np.s_[:-1]
    np.testing.assert_allclose(images.mean[inside], np.nanmean(used[:, :-1], axis=0), rtol=1e-6)
    np.testing.assert_array_equal(
        images.max[inside], np.nanmax(used[:, :-1], axis=0).astype(np.float32)
    )
    np.testing.assert_allclose(images.variance[inside], np.nanvar(used[:, :-1], axis=0), rtol=1e-5)
    np.testing.assert_allclose(images.std, np.sqrt(images.variance))
    share = np.isfinite(used).mean(axis=0)
    np.testing.assert_array_equal(images.region, share >= SEEN_SHARE)
    assert images.region.any()
    assert not images.region.all()
    for image in (images.mean, images.max, images.std, images.correlation, images.pnr):
        assert image.dtype == np.float32
        assert np.isnan(image[-1]).all()
    np.testing.assert_array_equal(images.template, 1)


def test_cells_stand_out_of_correlation_and_pnr(rng, tmp_path):
    frames, places = cell_frames(rng)
    images = images_of(ArrayMovie(frames), tmp_path)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    far = np.min([np.hypot(y - a, x - b) for a, b in places], axis=0) > 14
    for row, column in places:
        assert images.correlation[row, column] > 0.9
        assert images.pnr[row, column] > 20
    assert np.percentile(images.correlation[far], 95) < 0.7
    assert images.pnr[far].max() < 8  # noise over 300 frames: about 3.5; the surround of a cell


def test_diameter_is_refined_unless_it_was_given(rng, tmp_path):
    frames, _ = cell_frames(rng, diameter=11.0)
    refined = images_of(ArrayMovie(frames), tmp_path)
    assert refined.cell_diameter_px == pytest.approx(11.0, rel=0.1)
    [told] = refined.derived
    assert (told.stage, told.parameter) == ("images", "cell_diameter_px")
    assert "corrected movie" in told.basis
    given = images_of(ArrayMovie(frames), tmp_path, derived=())
    assert given.cell_diameter_px == 9.0
    assert given.derived == ()
    noise = rng.normal(100, 2, frames.shape).astype(np.float32)
    kept = images_of(ArrayMovie(noise), tmp_path)
    assert kept.cell_diameter_px == 9.0
    assert kept.derived[0].basis == FROM_RAW.basis


def test_sample_is_spread_over_the_recording_and_never_crosses_a_gap(rng):
    steps, segment = np.ones(4000, np.int64), np.zeros(4000, np.int64)
    steps[1000], segment[2500:] = 4, 1
    movie = ArrayMovie(
        np.zeros((4000, 8, 9), np.uint8), FrameClock(np.arange(4000) / 20, steps, segment, 20.0)
    )
    used = rng.random(4000) > 0.002
    runs = choose_runs(movie, used, 1000)
    assert sum(stop - start for start, stop in runs) == pytest.approx(1000, rel=0.1)
    starts = np.array([start for start, _ in runs])
    assert np.diff(starts).max() < 400  # no part of the recording goes unseen
    for start, stop in runs:
        assert used[start:stop].all()
        for gap in (1000, 2500):
            assert not start < gap < stop
    everything = choose_runs(movie, used, 5000)
    assert sum(stop - start for start, stop in everything) > 0.97 * used.sum()


def test_a_jump_between_joined_recordings_is_no_noise(rng):
    frames = rng.normal(100, 2, (200, 40, 50)).astype(np.float32)
    pattern = 60 * rng.random((40, 50)).astype(np.float32)
    segment = np.repeat(np.arange(20), 10)
    jumping = frames + np.where(segment % 2 == 1, 1, 0)[:, None, None] * pattern
    clock = FrameClock(np.arange(200) / 20, np.ones(200, np.int64), segment, 20.0)
    kernel, used = center_surround_kernel(7.0), np.ones(200, bool)
    still, joined, together = (
        sampled_images(movie, used, kernel, n_frames=300, resources=Resources(None))
        for movie in (ArrayMovie(frames), ArrayMovie(jumping, clock), ArrayMovie(jumping))
    )
    # Half of the jump is above the baseline; only the clock tells that it is no noise.
    height = np.abs(highpass(pattern[None], kernel)[0]) / 2
    noise = 2.0 * np.sqrt((kernel.array() ** 2).sum())
    strong = height > 6 * noise
    assert strong.sum() > 20
    expected = np.median(height[strong] / noise + still.pnr[strong])
    assert np.median(joined.pnr[strong]) == pytest.approx(expected, rel=0.15)
    assert np.median(together.pnr[strong]) < 0.8 * expected


def test_threads_and_sample_size(rng, tmp_path):
    frames, places = cell_frames(rng, n=600)
    movie = BorderMovie(frames, moving_bounds(rng, 600))
    one = images_of(movie, tmp_path, n_threads=1)
    three = images_of(movie, tmp_path, n_threads=3)
    for name in ("mean", "max", "std", "correlation", "pnr"):
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name))
    few = images_of(movie, tmp_path, n_sample=200)
    for row, column in places:
        assert few.correlation[row, column] > 0.8


def test_where_no_frame_is_left_the_images_show_those_recorded_well(rng, tmp_path):
    """Motion found nothing to hold on to: the user is told, and sees why."""
    frames, _ = cell_frames(rng)
    nothing = np.ones(N, bool)
    told = []
    found = images_of(ArrayMovie(frames), tmp_path, left_out=nothing, say=told.append)
    whole = images_of(ArrayMovie(frames), tmp_path)
    np.testing.assert_array_equal(found.mean, whole.mean)
    assert len(told) == 1
    assert "could place no frame" in told[0]
