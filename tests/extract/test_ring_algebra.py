"""Projections and statistics with the background folded in, against a background made in full."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from miniscope_nwb.extract import ring as ring_model
from miniscope_nwb.extract.boxes import from_patches, from_sparse, joined, tight
from miniscope_nwb.extract.frames import FrameBlock, Frames, bin_frames
from miniscope_nwb.extract.project import make_projector
from miniscope_nwb.extract.ring import Ring, fit_ring, ring_offsets
from miniscope_nwb.extract.statistics import gather
from miniscope_nwb.movie import ArrayMovie

HEIGHT, WIDTH, FACTOR = 13, 18, 2  # odd: squares at the edge are cut


def some_footprints(rng, n=4):
    patches = [rng.random((3 + k % 2, 4)).astype(np.float32) for k in range(n)]
    top, left = rng.integers(0, HEIGHT - 4, n), rng.integers(0, WIDTH - 4, n)
    return from_patches(patches, top, left)


def some_ring(rng, n_components=0):
    """Weights on the true neighbours of a ring, so that the boxes around it reach them all."""
    rows, columns = -(-HEIGHT // FACTOR), -(-WIDTH // FACTOR)
    n = rows * columns
    dense = np.zeros((n, n), np.float32)
    for pixel in range(n):
        for down, right in ring_offsets(2.0):
            r, c = pixel // columns + down, pixel % columns + right
            if 0 <= r < rows and 0 <= c < columns:
                dense[pixel, r * columns + c] = rng.normal(0, 0.2)
    images = np.linalg.qr(rng.normal(size=(n, max(n_components, 1))))[0].T[:n_components]
    return Ring(HEIGHT, WIDTH, FACTOR, 4.0, csr_array(dense), images.astype(np.float32))


def whole(ring):
    """The background operator on fine pixels, dense: B = W' Y."""
    weights = ring.weights.toarray().astype(float)
    images = ring.images.astype(float)
    weights = weights + images.T @ images @ (np.eye(len(weights)) - weights)
    up = (ring.to_sum.toarray() > 0).T.astype(float)
    return up @ weights @ ring.to_mean.toarray()


def frames_of(movie):
    mean = movie.mean(axis=0)
    return Frames(ArrayMovie(movie), np.zeros(len(movie), bool), mean, 1)


@pytest.mark.parametrize("n_components", [0, 2])
def test_projections_solve_the_self_consistent_problem(n_components):
    """With C the solution, A^T (Y - B - A C) = 0 where B = W' (Y - A C)."""
    rng = np.random.default_rng(1)
    footprints, ring = some_footprints(rng), some_ring(rng, n_components)
    movie = rng.normal(size=(30, HEIGHT, WIDTH)).astype(np.float32)
    projector = make_projector(footprints, ring)
    block = frames_of(movie).read(0, 30)
    traces = np.linalg.solve(projector.matrix, projector.project(block))
    a, operator = footprints.sparse(HEIGHT, WIDTH).toarray(), whole(ring)
    y = block.pixels.reshape(30, -1).T
    rest = y - a @ traces
    left = a.T @ (rest - operator @ rest)
    np.testing.assert_allclose(left, 0, atol=2e-5)


@pytest.mark.parametrize("n_components", [0, 2])
def test_statistics_are_those_of_the_movie_less_its_background(n_components):
    rng = np.random.default_rng(2)
    footprints, ring = some_footprints(rng), some_ring(rng, n_components)
    movie = rng.normal(size=(40, HEIGHT, WIDTH)).astype(np.float32)
    frames = frames_of(movie)
    traces = rng.random((4, 40)).astype(np.float32) + 0.2
    share = np.ones((HEIGHT, WIDTH), np.float32)
    found = gather(frames, footprints, traces, ring, margin=1, share=share)
    a, operator = footprints.sparse(HEIGHT, WIDTH).toarray(), whole(ring)
    y = (movie - frames.mean).reshape(40, -1).T
    centred = traces - traces.mean(axis=1, keepdims=True)
    products = (y - operator @ (y - a @ centred)) @ centred.T
    starts = found.boxes.starts
    for k in range(4):
        ours = found.products[starts[k] : starts[k + 1]]
        theirs = products[:, k].reshape(HEIGHT, WIDTH)[found.boxes.slices(k)].ravel()
        np.testing.assert_allclose(ours, theirs, atol=2e-3)
    np.testing.assert_allclose(found.gram, centred @ centred.T, rtol=1e-4, atol=1e-4)


def test_ring_weights_predict_a_smooth_background():
    """A background that is smooth in space is predicted from the ring, noise is not copied."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:40, :52]
    shapes = np.stack([np.cos(y / 15), np.sin(x / 20), 1 + 0 * x])
    light = np.tensordot(rng.normal(size=(800, 3)) * 5, shapes, axes=1)
    movie = (light + rng.normal(size=light.shape)).astype(np.float32)
    frames = frames_of(movie)
    nothing = from_patches([], np.zeros(0), np.zeros(0))
    ring = fit_ring(
        frames, nothing, np.zeros((0, 800), np.float32),
        region=np.ones((40, 52), bool), radius_px=8.0, factor=2,
    )  # fmt: skip
    coarse = bin_frames(frames.read(0, 500), 2).reshape(500, -1)
    truth = (light[:500] - light.mean(0)).reshape(500, 20, 2, 26, 2).mean(axis=(2, 4))
    predicted = (ring.weights @ coarse.T).T
    assert np.corrcoef(predicted.ravel(), truth.ravel())[0, 1] > 0.98
    assert ring.weights.diagonal().max() == 0
    distance = np.hypot(*(ring_offsets(4.0).T))
    assert (abs(distance - 4) <= 0.5).all()


@pytest.mark.parametrize("n_components", [0, 2])
def test_bands_of_rows_give_the_same_ring_as_the_field_at_once(monkeypatch, n_components):
    rng = np.random.default_rng(5)
    movie = rng.normal(size=(150, 45, 32)).astype(np.float32)
    movie += rng.normal(size=(150, 1, 1)) * np.hypot(*np.mgrid[:45, :32])
    nothing = from_patches([], np.zeros(0), np.zeros(0))

    def fitted():
        return fit_ring(
            frames_of(movie), nothing, np.zeros((0, 150), np.float32),
            region=np.ones((45, 32), bool), radius_px=6.0, factor=2, n_components=n_components,
        )  # fmt: skip

    at_once = fitted()
    monkeypatch.setattr(ring_model, "BAND_BYTES", 4 * 150 * 16 * 5)  # five rows of the coarse grid
    in_bands = fitted()
    assert len(ring_model._bands(23, 16, 150)) == 5
    np.testing.assert_array_equal(in_bands.weights.toarray(), at_once.weights.toarray())
    np.testing.assert_array_equal(in_bands.images, at_once.images)


def test_ring_weights_leave_out_what_is_outside_the_region():
    rng = np.random.default_rng(4)
    movie = rng.normal(size=(200, 30, 40)).astype(np.float32)
    region = np.zeros((30, 40), bool)
    region[6:24, 8:32] = True
    nothing = from_patches([], np.zeros(0), np.zeros(0))
    ring = fit_ring(
        frames_of(movie), nothing, np.zeros((0, 200), np.float32),
        region=region, radius_px=6.0, factor=2,
    )  # fmt: skip
    inside = region[::2, ::2].ravel()
    dense = ring.weights.toarray()
    assert not dense[~inside].any()
    assert not dense[:, ~inside].any()
    assert dense[inside].any()


@given(
    top=st.integers(0, 5), left=st.integers(0, 5), bottom=st.integers(8, 13),
    right=st.integers(8, 18), factor=st.integers(1, 4),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_binning_keeps_means_and_fills_what_was_not_seen(top, left, bottom, right, factor):
    pixels = np.zeros((1, HEIGHT, WIDTH), np.float32)
    pixels[0, top:bottom, left:right] = 7
    seen = np.array([[top, bottom, left, right]])
    block = FrameBlock(np.array([0]), pixels, seen, 0, 1)
    binned = bin_frames(block, factor)
    # No coarse pixel seen as a whole: nothing is known, else all take the value of what was seen.
    rows = bottom // factor if bottom < HEIGHT else -(-HEIGHT // factor)
    columns = right // factor if right < WIDTH else -(-WIDTH // factor)
    known = rows > -(-top // factor) and columns > -(-left // factor)
    np.testing.assert_allclose(binned, 7 if known else 0, rtol=1e-6)


@given(seed=st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_footprints_survive_the_way_through_a_sparse_matrix(seed):
    footprints = some_footprints(np.random.default_rng(seed), 5)
    matrix = footprints.sparse(HEIGHT, WIDTH)
    again = from_sparse(matrix, WIDTH)
    np.testing.assert_array_equal(again.sparse(HEIGHT, WIDTH).toarray(), matrix.toarray())
    both = joined(footprints, tight(again))
    assert len(both) == 10
    np.testing.assert_array_equal(both.sparse(HEIGHT, WIDTH)[:, 5:].toarray(), matrix.toarray())
    np.testing.assert_allclose(footprints.energies(), (matrix.toarray() ** 2).sum(0), rtol=1e-5)
