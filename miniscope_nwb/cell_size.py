"""How wide a cell is in a movie, told from the movie: blobs that light up.

A transient rises within a fraction of a second. The difference of two short means of frames that
lie so far apart shows the cell that lit up, alone: tissue, vessels and neuropil stand still for
that long, even in a movie that nobody has registered yet. Where they do not, what moves away makes
as strong a blob as what comes in, and a cell, which decays slowly, does not: a blob counts if it is
stronger than the strongest one of the largest falls. The size of a blob is the scale at which its
scale-normalised Laplacian of Gaussian is strongest (Lindeberg 1998, Int J Comput Vis 30:79-116):
for a disc, its diameter over the square root of eight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.movie import Movie, map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import Float32, FloatImage

DIAMETER_PER_SCALE = float(np.sqrt(8))  # diameter of a disc over the scale that suits it best
_SCALES_PX = 1.0 * 2 ** (np.arange(17) / 4)  # 1 to 16 px: diameters of 2.8 to 45 px
_RISE_S = 0.3  # between the two means: longer than the rise of all indicators in use
_MEAN_S = 0.15  # length of each
_RUN_S = 1.5  # of the frames that give one picture: few cells light up twice in it
_MOST_RUNS = 96
_BAND_ROWS = 16  # whose frames fit the processor's cache
_RUNS_AT_ONCE = 8  # after each lot it is seen whether there are enough blobs
_ENOUGH_BLOBS = 40
_ENOUGH_VALUES = 40_000  # of which a spread is told to half a per cent
LEAST_BLOBS = 6  # fewer: no estimate
_LEAST_SNR = 10.0  # response over its noise: 6 for white noise, 9 for tissue that moves
_MOST_CURVATURE_RATIO = 3.0  # of the two principal curvatures: more is an edge


@dataclass(frozen=True, slots=True)
class CellSize:
    """Width of the cells of a movie."""

    diameter_px: float  # median; NaN where too few blobs were found
    n_blobs: int


def estimate_cell_size(movie: Movie, usable: BoolArray, *, n_threads: int = 1) -> CellSize:
    """Estimate the diameter of a soma.

    Parameters
    ----------
    movie
        Raw, prepared or corrected; unseen pixels have no part.
    usable
        (n_frames,): frames that may be looked at.
    n_threads
        Threads; the result does not depend on it.

    Returns
    -------
    size
        NaN where fewer than `LEAST_BLOBS` blobs stand out from the noise.
    """
    runs = iter(_choose_runs(movie, usable))
    diameters = np.empty(0)
    while lot := list(islice(runs, _RUNS_AT_ONCE)):
        found = list(map_in_order(partial(_blobs_of_run, movie), lot, n_threads=n_threads))
        diameters = np.concatenate([diameters, *found])
        if len(diameters) >= _ENOUGH_BLOBS:
            break
    if len(diameters) < LEAST_BLOBS:
        return CellSize(float("nan"), len(diameters))
    return CellSize(float(np.median(diameters)), len(diameters))


def _choose_runs(movie: Movie, usable: BoolArray) -> list[tuple[int, int]]:
    """Choose runs of frames without a gap, so that each first few are spread over the movie."""
    length = _n_frames(_RUN_S, movie) + _n_frames(_RISE_S, movie)
    runs = [
        (start, start + length)
        for first, last in movie.clock.runs()
        for start in range(first, last - length + 1, length)
        if usable[start : start + length].all()
    ]
    chosen = np.linspace(0, len(runs) - 1, min(len(runs), _MOST_RUNS)).round().astype(int)
    golden = (np.arange(len(chosen)) * 0.6180339887498949) % 1  # a low-discrepancy order
    return [runs[chosen[k]] for k in np.argsort(golden, kind="stable")]


def _n_frames(seconds: float, movie: Movie) -> int:
    return max(1, round(seconds * movie.clock.rate_hz))


def _blobs_of_run(movie: Movie, run: tuple[int, int]) -> FloatArray:
    """Return the diameters (px) of the blobs that light up in a run of frames."""
    width = _n_frames(_MEAN_S, movie)
    lag = max(width, _n_frames(_RISE_S, movie))
    rise, fall = largest_changes(movie.read(*run), width=width, lag=lag)
    is_seen: BoolArray = np.isfinite(rise)
    rise[~is_seen] = fall[~is_seen] = 0
    diameters, snr = find_blobs(rise, is_seen)
    if not len(diameters):
        return diameters
    _, falling = find_blobs(fall, is_seen)
    stands_out = snr > max(_LEAST_SNR, float(falling.max(initial=0.0)))
    return np.asarray(diameters[stands_out])


def largest_changes(
    frames: npt.NDArray[Any], *, width: int, lag: int
) -> tuple[FloatImage, FloatImage]:
    """Return the largest rise and the largest fall of each pixel.

    Parameters
    ----------
    frames
        (n, height, width), at least as many as `width` and twice `lag` together.
    width
        Frames of each of the two means that are compared.
    lag
        Frames from one mean to the other.

    Returns
    -------
    rise, fall
        (height, width): largest difference of the later mean and the earlier one, and the other
        way round; NaN where a frame has it.
    """
    highest = np.full(frames.shape[1:], -np.inf, np.float32)
    lowest = -highest
    for top in range(0, len(highest), _BAND_ROWS):
        band = slice(top, top + _BAND_ROWS)
        _add_changes(frames[:, band], highest[band], lowest[band], width=width, lag=lag)
    return highest / np.float32(width), lowest / np.float32(-width)


def _add_changes(
    frames: npt.NDArray[Any], highest: FloatImage, lowest: FloatImage, *, width: int, lag: int
) -> None:
    """Take the changes of the sums of `width` frames into the highest and lowest so far."""
    n_sums = len(frames) - width + 1
    sums = frames[:n_sums].astype(np.float32)
    for shift in range(1, width):
        sums += frames[shift : n_sums + shift]
    change = np.empty_like(highest)
    for earlier, later in zip(sums[:-lag], sums[lag:], strict=True):
        np.subtract(later, earlier, out=change)
        np.maximum(highest, change, out=highest)
        np.minimum(lowest, change, out=lowest)


def find_blobs(image: FloatImage, is_seen: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the diameters (px) of bright round blobs, and their signal-to-noise ratios."""
    scales = _SCALES_PX[min(image.shape) > _SCALES_PX * 4]
    responses = np.empty((len(scales), *image.shape), np.float32)
    for scale, response in zip(scales, responses, strict=True):
        response[:] = _laplacian(image, float(scale))
    seen = np.flatnonzero(is_seen)
    seen = seen[:: max(1, len(seen) // _ENOUGH_VALUES)]
    noise = np.array([_spread(response.ravel()[seen]) for response in responses])
    if not (noise > 0).all():
        return np.empty(0), np.empty(0)
    strongest = responses.max(axis=0)
    rows, columns = _peaks(strongest, (strongest > _LEAST_SNR * noise.min()) & is_seen)
    levels = responses[:, rows, columns].argmax(axis=0)
    ratios = strongest[rows, columns] / noise[levels]
    # The best scale may lie outside of those that were tried.
    good = np.flatnonzero((ratios > _LEAST_SNR) & (levels > 0) & (levels < len(scales) - 1))
    found: list[tuple[float, float]] = []
    for k in good.tolist():
        y, x, level = int(rows[k]), int(columns[k]), int(levels[k])
        if _is_round(responses[level], y, x, float(scales[level])):
            scale = _refine(scales, responses[:, y, x], level)
            found.append((DIAMETER_PER_SCALE * scale, float(ratios[k])))
    diameters, strengths = np.array(found).reshape(-1, 2).T
    return diameters, strengths


def _laplacian(image: FloatImage, scale: float) -> FloatImage:
    """Scale-normalised Laplacian of Gaussian, its sign turned round: blobs are bright."""
    import cv2

    if scale >= 4.0:  # a picture half as fine holds all that such a filter sees
        height, width = image.shape
        half = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        small = _laplacian(half, scale / 2)
        large: FloatImage = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        return large
    x = np.arange(-round(4 * scale) - 1, round(4 * scale) + 2, dtype=np.float64)
    bell = np.exp(-0.5 * (x / scale) ** 2)
    bell /= bell.sum()
    curved = bell * (1 - (x / scale) ** 2)
    curved -= bell * curved.sum()  # no answer to a constant
    down = cv2.sepFilter2D(image, cv2.CV_32F, bell, curved)
    response: FloatImage = down + cv2.sepFilter2D(image, cv2.CV_32F, curved, bell)
    return response


def _spread(values: npt.NDArray[np.float32]) -> float:
    """Return the standard deviation of the bulk, from the lower half: blobs are no noise."""
    if not len(values):
        return float("nan")
    middle, low = (_at_rank(values, share * (len(values) - 1)) for share in (0.5, 0.15865))
    return middle - low


def _at_rank(values: npt.NDArray[np.float32], place: float) -> float:
    """Return the value at a place, from 0, between two values of the sorted ones.

    A partition at one place is made by vector instructions; numpy's percentile asks for several.
    """
    below = int(place)
    parted = np.partition(values, below)
    low = float(parted[below])
    if place == below:
        return low
    return (float(parted[below + 1 :].min()) - low) * (place - below) + low


def _peaks(image: FloatImage, allowed: BoolArray) -> tuple[npt.NDArray[np.intp], ...]:
    """Return rows and columns of the local maxima."""
    import cv2

    largest = cv2.dilate(image, np.ones((3, 3), np.uint8))
    return np.nonzero((image == largest) & allowed)


def _refine(scales: FloatArray, response: Float32, level: int) -> float:
    """Return the scale of the strongest response, by a parabola through three scales."""
    below, here, above = (float(value) for value in response[level - 1 : level + 2])
    bend = below - 2 * here + above
    offset = 0.5 * (below - above) / bend if bend < 0 else 0.0
    ratio = scales[1] / scales[0]
    return float(scales[level] * ratio ** np.clip(offset, -0.5, 0.5))


def _is_round(response: FloatImage, y: int, x: int, scale: float) -> bool:
    """Tell a blob from an edge by the two principal curvatures of the response."""
    step = max(1, round(scale))
    height, width = response.shape
    if not (step <= y < height - step and step <= x < width - step):
        return False
    window = response[y - step : y + step + 1 : step, x - step : x + step + 1 : step]
    here = float(window[1, 1])
    yy = float(window[0, 1] + window[2, 1]) - 2 * here
    xx = float(window[1, 0] + window[1, 2]) - 2 * here
    xy = float(window[0, 0] + window[2, 2] - window[0, 2] - window[2, 0]) / 4
    determinant, trace = xx * yy - xy**2, xx + yy
    limit = (_MOST_CURVATURE_RATIO + 1) ** 2 / _MOST_CURVATURE_RATIO
    return determinant > 0 and trace < 0 and trace**2 < limit * determinant
