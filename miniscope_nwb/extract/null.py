"""What a movie without cells would reach: thresholds of seeds from a null movie.

The null movie is a piece of the movie itself in which nothing goes together: for the peak-to-noise
ratio every pixel's spectrum is kept and its phases are random, for the local correlation every
pixel is shifted in time, around the end, by a lag of its own. Both are done **before** the spatial
filter, which makes neighbours alike, and after what the filter takes off anyway (the mean of the
window around a pixel) was taken off: a pixel's share of the neuropil would be no noise of its own
otherwise. From there on the null movie goes the way of the data.

Maxima of noise follow Gumbel's distribution. It is fitted to the lower half of the local maxima,
which cells do not reach, and gives the threshold that a stated number of local maxima of the whole
field exceeds; over r times as many frames its place moves by the logarithm of r.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from miniscope_nwb.extract.frames import Frames
from miniscope_nwb.images.correlation import (
    LocalCorrelation,
    NoiseAndPeak,
    median_of_frames,
    peak_to_noise,
)
from miniscope_nwb.images.filtering import CenterSurround, highpass
from miniscope_nwb.movie import exhaust, map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import Float32, FloatImage

_SIDE = 96  # px of the piece: some hundred local maxima
_N_FRAMES = 1000  # of the piece
_AT_ONCE = 50  # frames of it that a thread filters
_LOW, _HIGH = 0.25, 0.6  # quantiles of local maxima through which Gumbel's distribution goes


@dataclass(frozen=True, slots=True)
class NullThresholds:
    """What noise alone reaches."""

    min_corr: float  # median of the null movie's local maxima: one in two passes
    min_pnr: float  # exceeded, with `min_corr`, `n_false` times in the field
    n_frames: int  # of the null movie


def null_thresholds(
    frames: Frames, kernel: CenterSurround, *, region: BoolArray, n_false: float, seed: int
) -> NullThresholds:
    """Measure the thresholds at which noise gives so many false seeds in the field."""
    own = _piece(frames, region)
    for frame in own:  # in place: these thousand frames are the largest arrays of the extraction
        frame -= _surround(frame, kernel)
    rng = np.random.default_rng(seed)
    n_threads = frames.n_threads
    pnr, _ = _images(_random_phases(own, rng, n_threads=n_threads), kernel, n_threads=n_threads)
    _, corr = _images(_random_lags(own, rng, n_threads=n_threads), kernel, n_threads=n_threads)
    margin = min(kernel.radius_px, min(pnr.shape) // 4)
    inside = np.s_[margin : pnr.shape[0] - margin, margin : pnr.shape[1] - margin]
    peaks = _local_maxima(pnr[inside], kernel)
    correlations = _local_maxima(corr[inside], kernel)
    share = float(region.sum()) / pnr[inside].size
    expected = max(n_false / max(0.5 * len(peaks) * share, 1.0), 1e-9)  # of each local maximum
    place, scale = _gumbel(peaks)
    place += scale * float(np.log(max(frames.n_usable / len(own), 1.0)))
    threshold = place - scale * float(np.log(-np.log1p(-min(expected, 0.5))))
    return NullThresholds(float(np.median(correlations)), threshold, len(own))


def _piece(frames: Frames, region: BoolArray) -> Float32:
    """Cut the middle of the region out of consecutive usable frames."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    top = _middle(int(rows[0]), int(rows[-1]) + 1)
    left = _middle(int(columns[0]), int(columns[-1]) + 1)
    usable = np.flatnonzero(~frames.is_left_out)
    first = max(0, (len(usable) - _N_FRAMES) // 2)
    numbers = usable[first : first + _N_FRAMES]
    piece = np.empty((len(numbers), top[1] - top[0], left[1] - left[0]), np.float32)
    done = 0
    for part in frames.sample(
        numbers,
        lambda block: block.pixels[:, top[0] : top[1], left[0] : left[1]].copy(),
    ):
        piece[done : done + len(part)] = part
        done += len(part)
    return piece


def _middle(start: int, stop: int) -> tuple[int, int]:
    side = min(_SIDE, stop - start)
    begin = start + (stop - start - side) // 2
    return begin, begin + side


def _surround(frame: FloatImage, kernel: CenterSurround) -> FloatImage:
    import cv2

    mean: FloatImage = cv2.boxFilter(frame, cv2.CV_32F, (kernel.width_px, kernel.width_px))
    return mean


def _random_phases(movie: Float32, rng: np.random.Generator, *, n_threads: int) -> Float32:
    """Return noise with each pixel's spectrum, row by row of the piece."""
    from scipy import fft

    out = np.empty_like(movie)
    shape = (len(movie) // 2 + 1, movie.shape[2])

    def turn(job: tuple[int, Float32]) -> None:
        row, turns = job
        spectrum = fft.rfft(movie[:, row], axis=0, workers=1)
        turned = np.abs(spectrum) * np.exp(1j * (turns * np.float32(2 * np.pi)))
        out[:, row] = fft.irfft(turned, n=len(movie), axis=0, workers=1)

    jobs = ((row, rng.random(shape, np.float32)) for row in range(movie.shape[1]))
    exhaust(map_in_order(turn, jobs, n_threads=n_threads))
    return out


def _random_lags(movie: Float32, rng: np.random.Generator, *, n_threads: int) -> Float32:
    """Return the movie with each pixel shifted in time by a lag of its own."""
    n, height, width = movie.shape
    out = np.empty_like(movie)

    def shift(job: tuple[int, Any]) -> None:
        row, lags = job
        frames = (np.arange(n)[:, None] - lags) % n
        out[:, row] = np.take_along_axis(movie[:, row], frames, axis=0)

    jobs = ((row, rng.integers(0, n, width)) for row in range(height))
    exhaust(map_in_order(shift, jobs, n_threads=n_threads))
    return out


def _images(
    movie: Float32, kernel: CenterSurround, *, n_threads: int
) -> tuple[FloatImage, FloatImage]:
    """Return peak-to-noise ratio and local correlation of the filtered movie."""
    filtered = np.empty_like(movie)

    def filter_some(first: int) -> None:
        some = slice(first, first + _AT_ONCE)
        filtered[some] = highpass(movie[some], kernel)

    exhaust(map_in_order(filter_some, range(0, len(movie), _AT_ONCE), n_threads=n_threads))
    levels = NoiseAndPeak(*movie.shape[1:])
    levels.add(filtered)
    baseline = median_of_frames(filtered)
    correlation = LocalCorrelation(baseline, levels.noise)
    correlation.add(filtered)
    pnr = peak_to_noise(levels.peak, baseline, levels.noise)
    return np.nan_to_num(pnr), np.nan_to_num(correlation.result())


def _local_maxima(image: FloatImage, kernel: CenterSurround) -> FloatArray:
    """Return the values of pixels that none within the filter's sigma exceeds."""
    from scipy import ndimage

    side = 2 * round(kernel.sigma_px) + 1
    is_highest = ndimage.maximum_filter(image, side) == image
    values: FloatArray = image[is_highest].astype(np.float64)
    return values


def _gumbel(values: FloatArray) -> tuple[float, float]:
    """Return place and scale of Gumbel's distribution through two quantiles of the values."""
    low, high = np.quantile(values, [_LOW, _HIGH])
    at = -np.log(-np.log(np.array([_LOW, _HIGH])))
    scale = max(float((high - low) / (at[1] - at[0])), 1e-3)
    return float(low - scale * at[0]), scale
