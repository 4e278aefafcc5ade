"""A small scene without noise whose traces are known to the last digit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array, csr_array

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.movie import ArrayMovie, FrameClock, Movie, regular_clock
from miniscope_nwb.params.models import TracesParams
from miniscope_nwb.results import ExtractionResult, LowRankBackground, RingBackground
from miniscope_nwb.traces.stage import make_traces

HEIGHT, WIDTH, FACTOR = 27, 36, 2  # neither square nor whole in squares of two
RATE = 20.0
CENTRES = ((9.0, 8.0), (12.0, 9.5), (26.0, 18.0))  # x, y; the first two overlap


@dataclass(frozen=True)
class Scene:
    """Movie, extraction and truth."""

    frames: np.ndarray  # (n, height, width)
    footprints: np.ndarray  # (n_cells, height, width)
    calcium: np.ndarray  # (n_cells, n)
    still: np.ndarray  # (height, width): background that does not change
    course: np.ndarray  # (n,): background that does, the same everywhere
    clock: FrameClock
    extraction: ExtractionResult

    @property
    def movie(self) -> Movie:
        return ArrayMovie(self.frames, self.clock)


def make_scene(n=400, *, clock=None, background="ring", noise=0.0, seed=0) -> Scene:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    footprints = np.stack([np.exp(-((x - a) ** 2 + (y - b) ** 2) / 8.0) for a, b in CENTRES])
    footprints[footprints < 0.05] = 0
    footprints /= footprints.max(axis=(1, 2), keepdims=True)
    calcium = np.zeros((3, n))
    events = 20.0 * (rng.random((3, n)) < 0.02)
    for t in range(n):
        calcium[:, t] = events[:, t] + (0.9 * calcium[:, t - 1] if t else 0)
    still = 80.0 + 0.7 * x + 0.3 * y
    course = 6 * np.sin(np.arange(n) / 15)
    frames = still + course[:, None, None] + np.einsum("kt,kyx->tyx", calcium, footprints)
    frames = frames + noise * rng.normal(0, 1, frames.shape)
    extraction = ExtractionResult(
        height=HEIGHT,
        width=WIDTH,
        footprints=csc_array(footprints.reshape(3, -1).T.astype(np.float32)),
        denoised=calcium.astype(np.float32),
        deconvolved=events.astype(np.float32),
        raw=(calcium + 1.5).astype(np.float32),
        baseline=np.full(3, 1.5, np.float32),
        noise=np.array([2.0, 4.0, 0.0], np.float32),
        kernel=np.full((3, 1), 0.9, np.float32),
        background=_background(background, still, course),
        pixel_noise=None,
    )
    clock = clock or regular_clock(n, rate_hz=RATE)
    frames = frames.astype(np.float32)
    return Scene(frames, footprints, calcium, still, course, clock, extraction)


def _background(kind, still, course):
    if kind == "none":
        return None
    if kind == "low rank":
        images = np.stack([still, np.ones_like(still)]).astype(np.float32)
        traces = np.stack([np.ones_like(course), course]).astype(np.float32)
        return LowRankBackground(images, traces)
    rows, columns = -(-HEIGHT // FACTOR), -(-WIDTH // FACTOR)
    number = np.arange(rows * columns).reshape(rows, columns)
    weights = np.zeros((rows * columns, rows * columns))
    for row in range(rows):  # each square: the mean of squares five away in its row
        for column in range(columns):
            near = [c for c in (column - 5, column + 5) if 0 <= c < columns]
            weights[number[row, column], number[row, near]] = 1 / len(near)
    return RingBackground(
        csr_array(weights.astype(np.float32)), still.astype(np.float32), FACTOR, 10.0
    )


def run(scene: Scene, folder, *, movie=None, recorded=None, left_out=None, n_threads=1, **params):
    """Make the traces; by default of the scene's own movie, recorded as it is."""
    movie = movie or scene.movie
    folder.mkdir(exist_ok=True)
    return make_traces(
        movie,
        recorded or movie,
        extraction=scene.extraction,
        is_left_out=np.zeros(len(scene.frames), bool) if left_out is None else left_out,
        params=TracesParams(**params),
        resources=Resources(folder, n_threads=n_threads),
    )


def with_frames(scene: Scene, frames) -> Scene:
    return replace(scene, frames=frames)
