"""Faint cells under noise and flashes: frames lie where most of the tissue says."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from simulated_motion import estimate, prepared

from miniscope_nwb.correct.rigid import bootstrap
from miniscope_nwb.correct.settings import settle
from miniscope_nwb.correct.template import take_sample
from miniscope_nwb.engines.base import MotionInput, Scale
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.params.models import MotionParams
from miniscope_nwb.simulate.options import PIXEL_SIZE_UM

MARGIN = 30  # px of tissue beside the field
HEIGHT, WIDTH, N = 120, 150, 300
SIGMA_PX = 3.0  # of a cell
NOISE = 7.0  # grey levels, several times what most cells shine with
FAR_PX = 5.0


@dataclass(frozen=True)
class Cells:
    places: np.ndarray  # (n_cells, 2) y, x, px of the tissue
    light: np.ndarray  # (n_frames, n_cells), grey levels at the middle


def flashing_cells(rng) -> Cells:
    places = rng.uniform(5, (HEIGHT + 55, WIDTH + 55), (80, 2))
    light = np.zeros((N, 80))
    for frame in range(1, N):
        flashes = (rng.random(80) < 0.01) * 40 * rng.exponential(1, 80)
        light[frame] = 0.9 * light[frame - 1] + flashes
    return Cells(places, light + 1.5 * rng.exponential(1, 80))


def filmed(cells: Cells, rng, noise=NOISE) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames, and the true corrections (n_frames, 2)."""
    shape = HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN
    y, x = np.mgrid[: shape[0], : shape[1]]
    masks = [np.exp(-((y - a) ** 2 + (x - b) ** 2) / (2 * SIGMA_PX**2)) for a, b in cells.places]
    tissue = np.tensordot(cells.light, masks, 1).astype(np.float32)
    walk = np.zeros((N, 2))
    for frame in range(1, N):
        walk[frame] = 0.8 * walk[frame - 1] + rng.normal(0, 0.9, 2)
    glow = 100 * np.exp(-((y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2) / (2 * 70**2))
    frames = []
    for picture, (right, down) in zip(tissue, walk, strict=True):
        move = np.array([[1, 0, right], [0, 1, down]])
        seen = glow + cv2.warpAffine(picture, move, shape[::-1], flags=cv2.INTER_CUBIC)
        seen = seen[MARGIN:-MARGIN, MARGIN:-MARGIN] + rng.normal(0, noise, (HEIGHT, WIDTH))
        frames.append(np.clip(seen.round(), 0, 255).astype(np.uint8))
    return np.stack(frames), -walk


def errors(found, truth):
    difference = found - truth
    return np.linalg.norm(difference - np.median(difference, axis=0), axis=1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_first_template_that_shows_nothing_does_no_harm(seed):
    rng = np.random.default_rng(seed)
    frames, truth = filmed(flashing_cells(rng), rng)
    job = MotionInput(
        ArrayMovie(frames), MotionParams(), prepared(frames), Scale(PIXEL_SIZE_UM, 20.0)
    )
    settings = settle(job)
    sample = take_sample(job.movie, np.ones(N, bool), N)
    nothing = rng.normal(100, 3, (HEIGHT, WIDTH)).astype(np.float32)
    start = bootstrap(sample, nothing, settings, n_rounds=3, n_threads=1)
    error = errors(start.sample_shifts_px, truth)
    assert start.reach_px == settings.max_shift_px  # nothing moves that far
    assert np.median(error) < 1.0
    assert (error > FAR_PX).mean() < 0.03


def test_two_flashing_cells_are_not_taken_for_two_others():
    rng = np.random.default_rng(5)
    cells = flashing_cells(rng)
    bright = np.array([[70.0, 90.0], [95.0, 120.0]])
    shown = slice(140, 144)
    always, flash = np.full((N, 2), 12.0), np.zeros((N, 2))
    flash[shown] = 60
    alike = Cells(
        np.concatenate([cells.places, bright, bright + 10]),
        np.concatenate([0.3 * cells.light, always, flash], axis=1),
    )
    frames, truth = filmed(alike, rng)
    error = errors(estimate(frames, method="rigid").shifts_px, truth)
    assert error[shown].max() < FAR_PX
    assert (error > FAR_PX).mean() < 0.01


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cells_that_flash_hardly_pull_the_frame(seed):
    rng = np.random.default_rng(seed)
    frames, truth = filmed(flashing_cells(rng), rng, noise=2.0)
    error = errors(estimate(frames, method="rigid").shifts_px, truth)
    assert np.median(error) < 0.47  # 0.51 to 0.57 where every pixel is believed alike
