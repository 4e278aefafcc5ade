"""Correlation and peak-to-noise images of a movie, from a sample of its frames.

The sample is made of short runs of frames that follow each other directly, evenly spread over the
recording: the noise is told from neighbours in time. Noise and baseline, which the correlation
needs before it begins, are told from a part of the runs; those are filtered twice rather than kept,
so memory does not grow with the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.images.correlation import (
    LocalCorrelation,
    NoiseAndPeak,
    median_of_frames,
    peak_to_noise,
)
from miniscope_nwb.images.filtering import CenterSurround, highpass
from miniscope_nwb.movie import Movie, block_length, map_in_order
from miniscope_nwb.recording import BoolArray, IntArray
from miniscope_nwb.results import Float32, FloatImage

_RUN_FRAMES = 50  # of a run: a few transients long
_LEAST_RUN = 5  # frames; three give one value of the noise
_NOISE_FRAMES = 600  # from which a pixel's noise is told to 4 %
_MEDIAN_FRAMES = 75  # from which the baseline is told, to an eighth of the noise


@dataclass(frozen=True, slots=True)
class SampledImages:
    """Images of the filtered sample, (height, width); NaN where nothing was seen."""

    correlation: FloatImage
    pnr: FloatImage


Run = tuple[int, int]  # frames [start, stop)


def sampled_images(
    movie: Movie,
    used: BoolArray,
    kernel: CenterSurround,
    *,
    n_frames: int,
    resources: Resources,
) -> SampledImages:
    """Make the correlation image and the peak-to-noise image.

    Parameters
    ----------
    movie
        Corrected.
    used
        (n_frames,).
    kernel
        Of the size of the cells.
    n_frames
        Size of the sample, about.
    resources
        Threads; the result does not depend on their number.
    """
    runs = choose_runs(movie, used, n_frames)
    if not runs:
        empty = np.full((movie.height, movie.width), np.nan, np.float32)
        return SampledImages(correlation=empty, pnr=empty.copy())
    baseline, noise = _baseline_and_noise(movie, kernel, runs, resources)
    correlation = LocalCorrelation(baseline, noise)
    peak = np.full(noise.shape, np.nan, np.float32)
    correlate = partial(_correlate, movie, kernel, correlation)
    for number, (part, highest) in enumerate(
        map_in_order(correlate, runs, n_threads=resources.n_threads)
    ):
        correlation.merge(part)
        np.fmax(peak, highest, out=peak)
        resources.progress(number + 1, len(runs))
    pnr = peak_to_noise(peak, baseline, noise)
    return SampledImages(correlation=correlation.result(), pnr=pnr)


def _baseline_and_noise(
    movie: Movie, kernel: CenterSurround, runs: list[Run], resources: Resources
) -> tuple[FloatImage, FloatImage]:
    """Tell the baseline and the noise of every pixel from some of the runs."""
    total = sum(stop - start for start, stop in runs)
    few = runs[:: max(1, -(-total // _NOISE_FRAMES))]
    stride = max(1, sum(stop - start for start, stop in few) // _MEDIAN_FRAMES)
    measured = NoiseAndPeak(movie.height, movie.width)
    kept: list[Float32] = []
    work = partial(_measure, movie, kernel, stride)
    for part, frames in map_in_order(work, few, n_threads=resources.n_threads):
        measured.merge(part)
        kept.append(frames)
    return median_of_frames(np.concatenate(kept)), measured.noise


def choose_runs(movie: Movie, used: BoolArray, n_frames: int) -> list[Run]:
    """Cut the used frames into runs without a gap, and choose as many as the sample holds."""
    length = min(_RUN_FRAMES, 2 * block_length(movie.height, movie.width))
    pieces: list[Run] = []
    for first, last in movie.clock.runs():
        inside = np.concatenate([[False], used[first:last], [False]]).astype(np.int8)
        edges = np.flatnonzero(np.diff(inside)).reshape(-1, 2) + first
        for start, stop in edges.tolist():
            cuts = [*range(start, stop, length), stop]
            pieces += pairwise(cuts)
    long = [piece for piece in pieces if piece[1] - piece[0] >= _LEAST_RUN]
    n_runs = min(len(long), max(1, round(n_frames / length)))
    if sum(stop - start for start, stop in long) <= n_frames:
        n_runs = len(long)
    return [long[k] for k in np.linspace(0, len(long) - 1, n_runs).round().astype(int)]


def _filtered(movie: Movie, kernel: CenterSurround, run: Run) -> tuple[Float32, IntArray]:
    seen = movie.seen(*run)
    return highpass(movie.read(*run), kernel, seen=seen), seen


def _measure(
    movie: Movie, kernel: CenterSurround, stride: int, run: Run
) -> tuple[NoiseAndPeak, Float32]:
    filtered, seen = _filtered(movie, kernel, run)
    part = NoiseAndPeak(movie.height, movie.width)
    part.add(filtered, seen=seen)
    # Where in the run the first one lies depends on the run, lest all lie at its beginning.
    return part, filtered[min(run[0] % stride, len(filtered) - 1) :: stride].copy()


def _correlate(
    movie: Movie, kernel: CenterSurround, whole: LocalCorrelation, run: Run
) -> tuple[LocalCorrelation, FloatImage]:
    filtered, seen = _filtered(movie, kernel, run)
    part = whole.empty_copy()
    part.add(filtered, seen=seen)
    return part, np.fmax.reduce(filtered, axis=0)
