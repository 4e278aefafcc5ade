"""Pictures of the light that does not come from activity: vignette, glow, trend and baseline.

Frames are not registered yet when these are taken off. Whatever had the structure of the tissue
would stay in the picture as a ghost that does not move with it; so all of these are smooth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from miniscope_nwb.engines.base import Resources, map_array
from miniscope_nwb.movie import FrameClock, Movie, map_in_order, spread_frames
from miniscope_nwb.prepare.brightness import recordings
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import FloatImage, Trend

_GRID_PX = 8  # of the coarse pictures that are looked at
_SMOOTH_DIAMETERS = 2.0  # cell diameters: sigma of what is subtracted; cells stay
_DEGREE = 2  # of the vignette's surface
_DARKEST_DIAMETERS = 0.25  # the same of the picture in which the darkest part is looked for
_FIT_ROUNDS = 5  # of its robust fit
_CLIP_SIGMAS = 2.0  # vessels and bright cells are no vignette
_DARKEST = 0.01  # of the field: its darkest part, where glow is all the light
_LEAST_BASELINE = 0.05  # of the mean baseline: less is no divisor
_LINEAR_FRAMES = 600  # of each recording, from which its line is told
_MEDIAN_FRAMES = 41  # of each knot
_BASELINE_FRAMES = 201


@dataclass(frozen=True, slots=True)
class _Grid:
    """Mean over cells of a coarse grid, of frames given by number."""

    movie: Movie

    def at(self, frames: IntArray) -> FloatArray:
        """Return coarse pictures, (n, down, across)."""
        pictures = self.movie.take(frames).astype(np.float32, copy=False)
        n, height, width = pictures.shape
        down, across = self.size
        rows = np.linspace(0, height, down + 1).astype(int)
        columns = np.linspace(0, width, across + 1).astype(int)
        sums = np.add.reduceat(pictures.astype(np.float64), rows[:-1], axis=1)
        sums = np.add.reduceat(sums, columns[:-1], axis=2)
        area = np.diff(rows)[:, None] * np.diff(columns)
        return np.asarray(sums / area).reshape(n, down, across)

    @property
    def size(self) -> tuple[int, int]:
        """Cells of the grid, down and across."""
        return max(1, self.movie.height // _GRID_PX), max(1, self.movie.width // _GRID_PX)


def find_vignette(mean: FloatImage) -> FloatImage:
    """Return the relative brightness of the field, 1 where it is brightest.

    A surface of second degree through the logarithm of the mean picture, so that vessels and
    bright cells have no part in it.
    """
    height, width = mean.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack(
        [x**i * y**j for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)], axis=-1
    ).reshape(height * width, -1)
    level = np.log(np.maximum(mean, 1e-3)).astype(np.float64).ravel()
    kept = np.ones(level.shape, bool)
    for _ in range(_FIT_ROUNDS):
        weights = np.linalg.lstsq(terms[kept], level[kept], rcond=None)[0]
        rest = level - terms @ weights
        sigma = 1.4826 * np.median(np.abs(rest[kept] - np.median(rest[kept])))
        kept = np.abs(rest) <= max(_CLIP_SIGMAS * sigma, 1e-6)
    surface = np.exp(terms @ weights).reshape(height, width)
    vignette: FloatImage = (surface / surface.max()).astype(np.float32)
    return vignette


def find_glow(darkest: FloatImage, vignette: FloatImage, *, diameter_px: float) -> FloatImage:
    """Return the light that is everywhere and always there, in the shape of the vignette.

    Parameters
    ----------
    darkest
        Low percentile of each pixel over time, (height, width).
    vignette
        Of `find_vignette`.
    diameter_px
        Of a cell.

    Returns
    -------
    glow
        (height, width): no more than the darkest part of the field sends. How much of it was sent
        back by tissue cannot be told from a movie; it is taken off because it never changes.
    """
    import cv2

    # Only as smooth as the noise asks for: the darkest vessel must not fall below zero.
    flat = cv2.GaussianBlur(darkest / vignette, (0, 0), _DARKEST_DIAMETERS * diameter_px)
    glow: FloatImage = (vignette * np.float32(np.quantile(flat, _DARKEST))).astype(np.float32)
    return glow


def find_baseline(movie: Movie, usable: BoolArray, *, diameter_px: float) -> FloatImage:
    """Return the baseline of a movie dF/F: the median over frames, without fine structure."""
    grid = _Grid(movie)
    pictures = grid.at(spread_frames(usable, _BASELINE_FRAMES))
    coarse = np.median(pictures, axis=0)
    baseline = _enlarge(coarse, movie, diameter_px)
    least = max(_LEAST_BASELINE * float(baseline.mean()), 1e-3)
    return np.asarray(np.maximum(baseline, np.float32(least)))


def linear_trend(
    movie: Movie, usable: BoolArray, resources: Resources, *, diameter: float
) -> Trend:
    """Return a straight line in true time for every pixel and every joined recording."""
    grid = _Grid(movie)
    times: list[float] = []
    knots: list[FloatArray] = []
    for start, stop in recordings(movie.clock):
        frames = _few(usable, start, stop, _LINEAR_FRAMES)
        if not len(frames):
            continue
        seconds = movie.clock.times_s[frames]
        pictures = grid.at(frames)
        centred = seconds - seconds.mean()
        spread = float((centred**2).sum())
        slope = np.tensordot(centred, pictures, axes=1) / spread if spread > 0 else 0.0
        first, last = _ends(movie.clock, start, stop)
        level = pictures.mean(axis=0)
        times += [first, last]
        knots += [level + slope * (time - seconds.mean()) for time in (first, last)]
    return _as_trend(movie, times, knots, usable, resources.scratch, diameter)


def median_trend(
    movie: Movie, usable: BoolArray, resources: Resources, *, window_s: float, diameter: float
) -> Trend:
    """Return the running median of every pixel, with knots half a window apart in true time."""
    grid = _Grid(movie)
    wanted: list[tuple[float, IntArray]] = []
    for start, stop in recordings(movie.clock):
        first, last = _ends(movie.clock, start, stop)
        n_knots = max(2, int(np.ceil((last - first) / (window_s / 2))) + 1)
        seconds = movie.clock.times_s[start:stop]
        for time in np.linspace(first, last, n_knots).tolist():
            inside = np.searchsorted(seconds, [time - window_s / 2, time + window_s / 2])
            frames = _few(usable, start + int(inside[0]), start + int(inside[1]), _MEDIAN_FRAMES)
            if len(frames):
                wanted.append((time, frames))
    medians = map_in_order(
        partial(_median_at, grid), [item[1] for item in wanted], n_threads=resources.n_threads
    )
    times = [item[0] for item in wanted]
    return _as_trend(movie, times, list(medians), usable, resources.scratch, diameter)


def _median_at(grid: _Grid, frames: IntArray) -> FloatArray:
    return np.asarray(np.median(grid.at(frames), axis=0))


def _as_trend(
    movie: Movie,
    times: list[float],
    knots: list[FloatArray],
    usable: BoolArray,
    scratch: Path,
    diameter: float,
) -> Trend:
    """Take the mean over the recording off the knots, and enlarge them to the frame's size."""
    times_s = np.array(times)
    seconds = movie.clock.times_s[spread_frames(usable, _LINEAR_FRAMES)]
    stack = np.array(knots)
    flat = stack.reshape(len(stack), -1)
    # Weights of the knots in the mean over time: those of linear interpolation at the frames.
    weights = np.array([np.interp(seconds, times_s, row).mean() for row in np.eye(len(stack))])
    mean = (weights @ flat).reshape(stack.shape[1:])
    images = map_array(scratch / "trend.npy", (len(stack), movie.height, movie.width))
    for number, coarse in enumerate(stack):
        images[number] = _enlarge(coarse - mean, movie, diameter)
    images.flush()  # type: ignore[attr-defined]
    return Trend(times_s, images)


def _ends(clock: FrameClock, start: int, stop: int) -> tuple[float, float]:
    """Return the times of the first frame and just after the last: knots of two recordings differ.

    Even a recording of one frame has two knots.
    """
    first, last = float(clock.times_s[start]), float(clock.times_s[stop - 1])
    return first, max(last, first + 0.5 / clock.rate_hz)


def _few(usable: BoolArray, start: int, stop: int, n: int) -> IntArray:
    return spread_frames(usable[start:stop], n) + start


def _enlarge(coarse: FloatArray, movie: Movie, diameter_px: float) -> FloatImage:
    import cv2

    size = (movie.width, movie.height)
    sigma = max(1.0, _SMOOTH_DIAMETERS * diameter_px / _GRID_PX)
    smooth = cv2.GaussianBlur(
        coarse.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE
    )
    image: FloatImage = cv2.resize(smooth, size, interpolation=cv2.INTER_CUBIC)
    return image
