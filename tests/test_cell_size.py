"""The width of the cells is found in raw frames that move, and not made up where there are none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from miniscope_nwb.cell_size import DIAMETER_PER_SCALE, estimate_cell_size, find_blobs
from miniscope_nwb.cell_size import _spread as spread_of_bulk
from miniscope_nwb.movie import ArrayMovie, FrameClock
from miniscope_nwb.simulate.cells import SOMA_UM
from miniscope_nwb.simulate.field import Field
from miniscope_nwb.simulate.options import PIXEL_SIZE_UM, SimulateOptions, resolve

TRUE_PX = np.mean(SOMA_UM) / PIXEL_SIZE_UM


def simulated(level, *, frames=600, seed=0):
    options = SimulateOptions(level=level, width=240, height=200, frames=frames, seed=seed)
    field = Field(resolve(options, format="v4"), device=0)
    with ThreadPoolExecutor(2) as workers:
        blocks = field.stream(np.arange(frames), workers)
        return np.stack([frame for block in blocks for frame in block.frames])


@pytest.mark.parametrize("level", ["easy", "moderate", "hard", "sparse", "nonrigid"])
def test_diameter_is_that_of_the_somata(level):
    movie = ArrayMovie(simulated(level, frames=800 if level == "sparse" else 500))
    size = estimate_cell_size(movie, np.ones(movie.n_frames, bool), n_threads=2)
    assert size.diameter_px == pytest.approx(TRUE_PX, rel=0.2)


def test_nothing_is_made_up_where_there_are_no_cells():
    movie = ArrayMovie(simulated("noise"))
    size = estimate_cell_size(movie, np.ones(movie.n_frames, bool))
    assert np.isnan(size.diameter_px)


def blinking(diameter, *, n_frames=400, height=130, width=170):
    """Discs of one size that light up one after another, in white noise."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:height, :width]
    frames = 80 + rng.normal(0, 2, (n_frames, height, width))
    decay = 20 * np.exp(-np.arange(20) / 10)
    for start in range(10, n_frames - 20, 12):
        at = rng.uniform(0.2, 0.8, 2) * (height, width)
        disc = np.clip(diameter / 2 - np.hypot(y - at[0], x - at[1]) + 0.5, 0, 1)
        frames[start : start + 20] += decay[:, None, None] * disc
    return frames.astype(np.float32)


@pytest.mark.parametrize("diameter", [5.0, 11.0, 22.0])
def test_every_size_is_found(diameter):
    movie = ArrayMovie(blinking(diameter))
    size = estimate_cell_size(movie, np.ones(movie.n_frames, bool))
    assert size.diameter_px == pytest.approx(diameter, rel=0.1)
    assert size.n_blobs >= 10


def test_unseen_pixels_and_frames_left_out_have_no_part():
    frames = blinking(8.0)
    plain = ArrayMovie(frames)
    usable = np.ones(len(frames), bool)
    frames = frames.copy()
    frames[:, :4], frames[:, :, -3:] = np.nan, np.nan
    frames[100:120] = 200 * np.random.default_rng(0).random(frames[100:120].shape)
    usable[100:120] = False
    size = estimate_cell_size(ArrayMovie(frames), usable)
    assert size.diameter_px == pytest.approx(8.0, rel=0.1)
    assert estimate_cell_size(plain, ~usable).n_blobs == 0


def test_lost_frames_are_no_rise():
    """Between two parts of the recording everything changes; that is no cell."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:90, :120]
    spots = 30 * np.exp(-0.5 * (((y % 30) - 15) ** 2 + ((x % 30) - 15) ** 2) / 3**2)
    frames = 80 + rng.normal(0, 2, (400, 90, 120))
    segment = np.repeat(np.arange(20), 20)
    frames[segment % 2 == 1] += spots
    clock = FrameClock(np.arange(400) / 20, np.ones(400, np.int64), segment, 20.0)
    movie = ArrayMovie(frames.astype(np.float32), clock)
    assert estimate_cell_size(movie, np.ones(400, bool)).n_blobs == 0
    together = ArrayMovie(frames.astype(np.float32))
    assert estimate_cell_size(together, np.ones(400, bool)).n_blobs > 10  # the clock made it


def test_a_line_is_no_blob():
    y, x = np.mgrid[:160, :220]
    image = 10 * np.exp(-0.5 * (y - 80 - 0.2 * x) ** 2 / 3**2)
    image += 10 * np.exp(-0.5 * ((y - 15) ** 2 + (x - 80) ** 2) / 3**2)
    image += np.random.default_rng(0).normal(0, 0.1, image.shape)
    diameters, _ = find_blobs(image.astype(np.float32), np.ones(image.shape, bool))
    # A Gaussian of sigma s suits a scale of s best.
    assert len(diameters) == 1
    assert diameters[0] == pytest.approx(3 * DIAMETER_PER_SCALE, rel=0.05)


def test_threads_do_not_change_the_result():
    movie = ArrayMovie(blinking(9.0, n_frames=200))
    usable = np.ones(200, bool)
    one = estimate_cell_size(movie, usable, n_threads=1)
    assert estimate_cell_size(movie, usable, n_threads=3) == one


@pytest.mark.parametrize("n_values", [1, 2, 3, 6, 7, 1000, 40_001])
def test_the_spread_is_that_of_the_lower_half(n_values):
    values = np.random.default_rng(0).normal(3.0, 2.0, n_values).astype(np.float32)
    middle, low = np.percentile(values.astype(float), [50, 15.865])
    assert spread_of_bulk(values) == pytest.approx(middle - low, abs=1e-6)
