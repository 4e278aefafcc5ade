"""Local correlation and peak-to-noise ratio of filtered frames: where cells are seen.

Both as in CNMF-E (Zhou et al. 2018, eLife 7:e28728): frames are filtered by `filtering.highpass`;
the peak-to-noise ratio is the largest value above the baseline over the noise, and the local
correlation is that of a pixel with its eight neighbours, after all that lies less than three
standard deviations of the noise above the baseline was set to zero.

Accumulators are filled with blocks in threads, one for a block, and merged in the order of the
blocks. They serve for whole fields, for tiles and for null movies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.images.seen import SeenCount
from miniscope_nwb.recording import IntArray
from miniscope_nwb.results import Float32, FloatImage

THRESHOLD_SIGMAS = 3.0  # below it a value is noise, and takes no part in the local correlation
_DIFFERENCE_GAIN = 6.0  # variance of y[t - 1] - 2 y[t] + y[t + 1] for white noise of variance 1
_CLIP = 7.0  # times the mean square of a run: larger differences are onsets, not noise
_CLIP_ROUNDS = 3
_CLIPPED_SHARE = 0.9173  # of the variance that is left of white noise after these rounds
_NEIGHBOURS = ((0, 1), (1, -1), (1, 0), (1, 1))  # (down, right), as `add_products` sums them


class NoiseAndPeak:
    """Noise and peak of every pixel, from runs of frames that follow each other directly.

    The noise is measured at high frequencies, where calcium is slow: from second differences in
    time, of which those far larger than the others of their run are left out, because bright cells
    light up within a frame. It is that of the values as they are given: of filtered frames, the
    filtered noise.
    """

    def __init__(self, height: int, width: int) -> None:
        self._squares = np.zeros((height, width), np.float64)
        self._count = np.zeros((height, width), np.int64)
        self._peak = np.full((height, width), -np.inf, np.float32)

    def add(self, frames: Float32, *, seen: IntArray | None = None) -> None:
        """Add a run of frames, (n, height, width); none is missing between them."""
        from miniscope_nwb.images import correlation_kernels as kernels

        bounds = _bounds(frames, seen)
        kernels.add_differences(frames, bounds, _CLIP, _CLIP_ROUNDS, self._squares, self._count)
        kernels.raise_peak(frames, bounds, self._peak)

    def merge(self, other: NoiseAndPeak) -> None:
        """Add what another accumulator has seen."""
        self._squares += other._squares
        self._count += other._count
        np.maximum(self._peak, other._peak, out=self._peak)

    @property
    def noise(self) -> FloatImage:
        """Standard deviation of the noise, (height, width); NaN where three frames never met."""
        variance = np.full(self._squares.shape, np.nan)
        gain = _DIFFERENCE_GAIN * _CLIPPED_SHARE
        np.divide(self._squares, gain * self._count, out=variance, where=self._count > 0)
        noise: FloatImage = np.sqrt(variance).astype(np.float32)
        return noise

    @property
    def peak(self) -> FloatImage:
        """Largest value, (height, width); NaN where no frame saw the pixel."""
        peak: FloatImage = np.where(np.isfinite(self._peak), self._peak, np.float32(np.nan))
        return peak


class LocalCorrelation:
    """Mean correlation of every pixel with its neighbours, of values well above the noise.

    Parameters
    ----------
    baseline, noise
        Of the filtered values, (height, width): their median, and the noise's standard deviation.
    sigmas
        Values less than so many times the noise above the baseline count as zero;
        ``-numpy.inf`` takes all values as they are.
    """

    def __init__(
        self, baseline: FloatImage, noise: FloatImage, *, sigmas: float = THRESHOLD_SIGMAS
    ) -> None:
        self._baseline = np.ascontiguousarray(baseline, np.float32)
        threshold = np.where(np.isfinite(noise), noise, np.inf) * sigmas
        if sigmas == -np.inf:
            threshold = np.full(noise.shape, -np.inf)
        self._cut = (self._baseline + threshold).astype(np.float32)
        self._sums = np.zeros((6, *noise.shape), np.float64)
        self._seen = SeenCount(*noise.shape)

    def add(self, frames: Float32, *, seen: IntArray | None = None) -> None:
        """Add filtered frames, (n, height, width), in any order and with any gaps."""
        from miniscope_nwb.images import correlation_kernels as kernels

        bounds = _bounds(frames, seen)
        kernels.add_products(frames, bounds, self._baseline, self._cut, self._sums)
        self._seen.add(bounds)

    def empty_copy(self) -> LocalCorrelation:
        """Return an accumulator of the same thresholds that has seen nothing."""
        copy = object.__new__(LocalCorrelation)
        copy._baseline, copy._cut = self._baseline, self._cut
        copy._sums, copy._seen = np.zeros_like(self._sums), SeenCount(*self._cut.shape)
        return copy

    def merge(self, other: LocalCorrelation) -> None:
        """Add what another accumulator has seen."""
        self._sums += other._sums
        self._seen.merge(other._seen)

    def result(self) -> FloatImage:
        """Return the local correlation, (height, width), -1 to 1.

        0 where a pixel never exceeds the threshold, NaN where no frame saw it.
        """
        count = self._seen.count()
        n = np.maximum(count, 1)
        mean = self._sums[0] / n
        variance = self._sums[1] / n - mean**2
        # What cancellation leaves of a constant is no variance.
        deviation = np.sqrt(np.where(variance > 1e-12 * self._sums[1] / n, variance, 0))
        total, neighbours = np.zeros_like(mean), np.zeros(mean.shape, np.int64)
        for number, (down, right) in enumerate(_NEIGHBOURS):
            here, there = _pairs(mean.shape, down, right)
            both = np.minimum(count[here], count[there])
            products = self._sums[2 + number][here] / np.maximum(both, 1)
            covariance = products - mean[here] * mean[there]
            scale = deviation[here] * deviation[there]
            value = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
            for part in (here, there):
                total[part] += np.where(both > 0, value, 0)
                neighbours[part] += both > 0
        image = np.clip(total / np.maximum(neighbours, 1), -1, 1)
        result: FloatImage = np.where(count > 0, image, np.nan).astype(np.float32)
        return result


def peak_to_noise(peak: FloatImage, baseline: FloatImage, noise: FloatImage) -> FloatImage:
    """Return the peak-to-noise ratio; 0 where there is no noise, NaN where nothing was seen."""
    ratio = np.zeros_like(peak)
    np.divide(peak - baseline, noise, out=ratio, where=noise > 0)
    ratio[~np.isfinite(peak) | ~np.isfinite(noise)] = np.nan
    return ratio


def median_of_frames(frames: npt.NDArray[Any]) -> FloatImage:
    """Return the median of every pixel over frames (n, height, width), without the NaN.

    NaN where no frame saw the pixel. Rows are taken one after another: memory stays small.
    """
    n, height, width = frames.shape
    out = np.empty((height, width), np.float32)
    for row in range(height):
        values = np.sort(frames[:, row], axis=0)  # NaN go last
        found = n - np.isnan(values).sum(axis=0)
        columns = np.arange(width)
        low, high = (found - 1) // 2, found // 2
        last = np.maximum(found - 1, 0)
        middle = values[np.maximum(low, 0), columns], values[np.minimum(high, last), columns]
        out[row] = (middle[0] + middle[1]) / 2
    return out


def _bounds(frames: Float32, seen: IntArray | None) -> IntArray:
    n, height, width = frames.shape
    if seen is None:
        return np.tile(np.array([0, height, 0, width], np.int64), (n, 1))
    return np.ascontiguousarray(seen, np.int64)


def _pairs(shape: tuple[int, ...], down: int, right: int) -> tuple[Any, Any]:
    """Return the slices of all pixels that have such a neighbour, and of these neighbours."""
    height, width = shape
    rows = slice(0, height - down), slice(down, height)
    if right >= 0:
        columns = slice(0, width - right), slice(right, width)
    else:
        columns = slice(-right, width), slice(0, width + right)
    return (rows[0], columns[0]), (rows[1], columns[1])
