"""Every trace of a scene without noise is what it is by its definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csc_array
from traces_scene import HEIGHT, WIDTH, make_scene, run

from miniscope_nwb.movie import ArrayMovie


class SmallBlocks(ArrayMovie):
    """Many blocks, so that their borders and threads matter."""

    def blocks(self, n_frames=None):
        return super().blocks(n_frames or 70)


def weighted(scene, images):
    """Footprint-weighted mean of images, (n_cells, ...)."""
    a = scene.footprints
    return np.einsum("kyx,...yx->k...", a, images) / a.sum(axis=(1, 2)).reshape(
        (-1,) + (1,) * (np.ndim(images) - 2)
    )


@pytest.mark.parametrize("background", ["ring", "low rank"])
def test_neuropil_is_the_weighted_background(background, tmp_path):
    scene = make_scene(background=background)
    traces = run(scene, tmp_path)
    expected = weighted(scene, scene.still)[:, None] + scene.course
    np.testing.assert_allclose(traces.neuropil, expected, rtol=1e-5)


@pytest.mark.parametrize("background", ["ring", "low rank"])
def test_either_half_gives_the_calcium_alone(background, tmp_path):
    """Overlapping cells and the background are taken off; the cell's own trace is not used."""
    scene = make_scene(background=background)
    blind = scene.calcium.copy()
    blind[2] = 0  # the third cell touches no other: what is thought of it changes nothing
    extraction = replace(scene.extraction, denoised=blind.astype(np.float32))
    traces = run(replace(scene, extraction=extraction), tmp_path)
    for half in traces.halves:
        # What is not known of the third cell lies on the ring of the others.
        np.testing.assert_allclose(half, scene.calcium, atol=0.01)
        np.testing.assert_allclose(half[2], scene.calcium[2], atol=2e-3)


def test_halves_are_a_checkerboard_of_pixels(tmp_path):
    """Light on even fields alone is seen by the first half alone."""
    scene = make_scene(background="none", n=30)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    even = (x + y) % 2 == 0
    frames = np.where(even, scene.footprints[2] * 7.0, 0.0)[None].repeat(30, axis=0)
    traces = run(replace(scene, frames=frames.astype(np.float32)), tmp_path)
    np.testing.assert_allclose(traces.halves[0, 2], 7.0, rtol=1e-5)
    np.testing.assert_allclose(traces.halves[1, 2], 0.0, atol=1e-5)


def test_noise_of_the_halves_is_independent(tmp_path):
    scene = make_scene(n=3000, noise=5.0, background="low rank")
    traces = run(scene, tmp_path)
    rest = np.asarray(traces.halves[:, 2]) - scene.calcium[2]
    assert abs(np.corrcoef(rest)[0, 1]) < 0.06
    assert rest.std() == pytest.approx(5.0 / np.sqrt((scene.footprints[2] ** 2).sum() / 2), rel=0.1)


def test_fluorescence_and_noise_units(tmp_path):
    scene = make_scene()
    traces = run(scene, tmp_path)
    np.testing.assert_allclose(traces.fluorescence, scene.calcium + 1.5, rtol=1e-6)
    np.testing.assert_allclose(traces.noise_normalized[0], scene.calcium[0] / 2, atol=1e-5)
    np.testing.assert_allclose(traces.noise_normalized[1], scene.calcium[1] / 4, atol=1e-5)
    assert np.isnan(traces.noise_normalized[2]).all()  # without noise there is no such unit
    assert traces.denoised is scene.extraction.denoised
    assert traces.deconvolved is scene.extraction.deconvolved


def test_dff_is_a_true_ratio(tmp_path):
    """A cell alone that brightens its area by a tenth has a dF/F of a tenth there."""
    scene = make_scene(background="low rank")
    course = np.zeros_like(scene.course)
    quiet = scene.frames - scene.course[:, None, None].astype(np.float32)
    traces = run(replace(scene, frames=quiet, course=course), tmp_path)
    intensity = weighted(scene, quiet)[2]
    own = weighted(scene, scene.footprints[2][None] * scene.calcium[2][:, None, None])[2]
    resting = weighted(scene, scene.still)[2]
    np.testing.assert_allclose(intensity, resting + own, rtol=1e-5)
    np.testing.assert_allclose(traces.f0[2], resting, rtol=0.01)
    np.testing.assert_allclose(traces.dff[2], own / traces.f0[2], atol=1e-6)
    assert traces.dff[2].max() == pytest.approx((intensity / resting - 1).max(), rel=0.03)


def test_f0_is_of_the_recorded_movie(tmp_path):
    """What was taken off the movie is in F0."""
    scene = make_scene()
    recorded = ArrayMovie(scene.frames + np.float32(50), scene.clock)
    plain = run(scene, tmp_path / "plain")
    lit = run(scene, tmp_path / "lit", recorded=recorded)
    np.testing.assert_allclose(lit.f0, np.asarray(plain.f0) + 50, rtol=1e-5)
    np.testing.assert_allclose(lit.dff * lit.f0, plain.dff * plain.f0, atol=1e-3)
    np.testing.assert_array_equal(lit.neuropil, plain.neuropil)
    assert "recorded intensity" in lit.f0_text
    assert "10th percentile" in lit.f0_text


def test_f0_not_above_zero_gives_nan(tmp_path):
    scene = make_scene()
    recorded = ArrayMovie(scene.frames - np.float32(200), scene.clock)
    traces = run(scene, tmp_path, recorded=recorded)
    assert np.isnan(traces.dff).all()
    assert np.isnan(traces.f0).all()
    assert np.isfinite(traces.fluorescence).all()


def test_frames_left_out_are_not_measured(tmp_path):
    """Wild frames touch nothing measured; the model goes on through them."""
    scene = make_scene()
    left_out = np.zeros(400, bool)
    left_out[[0, 50, 51, 399]] = True
    frames = scene.frames.copy()
    frames[left_out] = 1e6
    traces = run(replace(scene, frames=frames), tmp_path, left_out=left_out)
    plain = run(scene, tmp_path / "plain")
    for name in ("fluorescence", "noise_normalized", "neuropil", "dff", "halves"):
        found, expected = getattr(traces, name), getattr(plain, name)
        assert np.isnan(found[..., left_out]).all(), name
        if name != "dff":
            np.testing.assert_array_equal(found[..., ~left_out], expected[..., ~left_out])
    np.testing.assert_allclose(traces.dff[:2, ~left_out], plain.dff[:2, ~left_out], rtol=0.02)
    assert np.isfinite(traces.denoised).all()
    assert np.isfinite(traces.deconvolved).all()


def test_pixels_not_seen_are_left_out_of_the_sums(tmp_path):
    """A strip cut through the first cell hardly moves its traces; too little seen is NaN."""
    scene = make_scene(background="low rank")
    frames = scene.frames.copy()
    frames[100:200, :, :8] = np.nan  # the first cell's centre lies at x = 9
    frames[200:210, :, :14] = np.nan
    traces = run(replace(scene, frames=frames), tmp_path)
    for half in traces.halves:
        np.testing.assert_allclose(half[0, 100:200], scene.calcium[0, 100:200], atol=0.5)
        np.testing.assert_allclose(half[2], scene.calcium[2], atol=2e-3)
        assert np.isnan(half[0, 200:210]).all()
    assert np.isfinite(traces.f0[0]).all()
    assert np.isnan(run(scene, tmp_path / "w", movie=ArrayMovie(frames)).halves[0, 0, 205])


def test_the_ring_does_without_what_was_not_seen(tmp_path):
    scene = make_scene()
    frames = scene.frames.copy()
    frames[100:120, :, :8] = np.nan  # the ring of the second cell on its left
    traces = run(replace(scene, frames=frames), tmp_path)
    expected = weighted(scene, scene.still)[1] + scene.course
    np.testing.assert_allclose(traces.neuropil[1], expected, atol=0.05)
    frames[100:120] = np.nan
    dark = run(replace(scene, frames=frames), tmp_path / "dark")
    assert np.isnan(dark.neuropil[:, 100:120]).all()
    assert np.isnan(dark.halves[:, :, 100:120]).all()


def test_blocks_and_threads_change_nothing(tmp_path):
    scene = make_scene(noise=3.0)
    movie = SmallBlocks(scene.frames, scene.clock)
    reference = run(scene, tmp_path / "one")
    for n_threads in (1, 3):
        traces = run(scene, tmp_path / f"{n_threads}", movie=movie, n_threads=n_threads)
        for name in ("neuropil", "halves", "f0", "dff", "noise_normalized"):
            np.testing.assert_array_equal(getattr(traces, name), getattr(reference, name))


def test_without_a_background_there_is_no_neuropil(tmp_path):
    traces = run(make_scene(background="none"), tmp_path)
    assert np.isnan(traces.neuropil).all()
    assert np.isfinite(traces.dff).all()


def test_no_cells(tmp_path):
    scene = make_scene(n=40)
    nothing = np.zeros((0, 40), np.float32)
    extraction = replace(
        scene.extraction,
        footprints=csc_array((HEIGHT * WIDTH, 0), dtype=np.float32),
        denoised=nothing,
        deconvolved=nothing,
        raw=nothing,
        baseline=np.zeros(0, np.float32),
        noise=np.zeros(0, np.float32),
        kernel=np.zeros((0, 1), np.float32),
    )
    traces = run(replace(scene, extraction=extraction), tmp_path)
    assert traces.fluorescence.shape == (0, 40)
    assert traces.halves.shape == (2, 0, 40)
    assert list(tmp_path.iterdir()) == []


def test_large_traces_are_maps(tmp_path):
    traces = run(make_scene(), tmp_path)
    for name in ("fluorescence", "noise_normalized", "neuropil", "dff", "f0", "halves"):
        assert isinstance(getattr(traces, name), np.memmap)
