"""Inner loops of the local correlation and of the noise, compiled.

Frames are (n, height, width) float32. ``bounds`` (n, 4) say what was seen of each frame: first
row, row after the last, first column, column after the last; nothing else is looked at.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]

_STRETCH = 64  # pixels of a row that are looked at together


@njit(cache=True, nogil=True)
def add_differences(
    frames: Array, bounds: Array, clip: float, n_rounds: int, squares: Array, count: Array
) -> None:
    """Add squared second differences in time of frames that follow each other directly.

    Those more than `clip` times the mean of the run's others are left out, in `n_rounds` rounds:
    the onset of a transient is no noise. ``squares`` and ``count`` (height, width) are added to.
    """
    n, height, width = frames.shape
    row = np.empty((max(n - 2, 0), width))  # of squares; NaN where one of the three was not seen
    mean, limit, number = np.empty(width), np.empty(width), np.empty(width)
    for y in range(height):
        for t in range(1, n - 1):
            _square_differences(frames, bounds, t, y, row[t - 1])
        limit[:] = np.inf
        for _ in range(n_rounds + 1):
            mean[:], number[:] = 0.0, 0.0
            for t in range(n - 2):
                _add_below(row[t], limit, mean, number)
            for x in range(width):
                limit[x] = clip * mean[x] / max(number[x], 1.0)
        for x in range(width):
            squares[y, x] += mean[x]
            count[y, x] += np.int64(number[x])


@njit(cache=True, nogil=True)
def _square_differences(frames: Array, bounds: Array, t: int, y: int, out: Array) -> None:
    """Square the second differences of row `y` around frame `t`."""
    three = bounds[t - 1 : t + 2]
    left, right = np.max(three[:, 2]), np.min(three[:, 3])
    if not (np.max(three[:, 0]) <= y < np.min(three[:, 1])) or left >= right:
        out[:] = np.nan
        return
    out[:left], out[right:] = np.nan, np.nan
    before, now, after = frames[t - 1, y], frames[t, y], frames[t + 1, y]
    for x in range(left, right):
        d = np.float64(before[x] - np.float32(2.0) * now[x] + after[x])
        out[x] = d * d


@njit(cache=True, nogil=True)
def _add_below(values: Array, limit: Array, total: Array, number: Array) -> None:
    """Add values up to the limit, and count them; NaN are not. No branch: it is vectorised."""
    for x in range(len(values)):
        is_below = values[x] <= limit[x]
        total[x] += values[x] if is_below else 0.0
        number[x] += 1.0 if is_below else 0.0


@njit(cache=True, nogil=True)
def raise_peak(frames: Array, bounds: Array, peak: Array) -> None:
    """Raise `peak` (height, width) to the largest value of each pixel."""
    for t in range(len(frames)):
        for y in range(bounds[t, 0], bounds[t, 1]):
            row, highest = frames[t, y], peak[y]
            for x in range(bounds[t, 2], bounds[t, 3]):
                highest[x] = row[x] if row[x] > highest[x] else highest[x]


@njit(cache=True, nogil=True)
def add_products(frames: Array, bounds: Array, baseline: Array, cut: Array, sums: Array) -> None:
    """Add moments of the values above a threshold; the rest counts as zero.

    ``sums`` (6, height, width) are the sums of a value, of its square and of its products with the
    pixels to the right, below to the left, below, and below to the right. A value is what exceeds
    `baseline`, where a pixel is above `cut`. Few are: a stretch of a row without one is passed over
    at once, and with rows outside of frames what the loop needs stays in the cache.
    """
    n, height, _ = frames.shape
    for y in range(height):
        for t in range(n):
            if y < bounds[t, 0] or y >= bounds[t, 1]:
                continue
            row, right = frames[t, y], bounds[t, 3]
            for left in range(bounds[t, 2], right, _STRETCH):
                end = min(left + _STRETCH, right)
                if _is_any_above(row[left:end], cut[y, left:end]):
                    _add_stretch(frames[t], bounds[t], baseline, cut, sums, y, left, end)


@njit(cache=True, nogil=True)
def _is_any_above(values: Array, cut: Array) -> bool:
    """Say whether a value is above its threshold. No branch: it is vectorised."""
    number = np.int32(0)
    for x in range(len(values)):
        number += np.int32(values[x] > cut[x])
    return bool(number > 0)


@njit(cache=True, nogil=True)
def _add_stretch(
    frame: Array,
    bounds: Array,
    baseline: Array,
    cut: Array,
    sums: Array,
    y: int,
    start: int,
    stop: int,
) -> None:
    """Add the moments of the pixels of a row from `start` to `stop`."""
    left, right, row, has_below = bounds[2], bounds[3], frame[y], y + 1 < bounds[1]
    for x in range(start, stop):
        if not row[x] > cut[y, x]:
            continue
        value = np.float64(row[x] - baseline[y, x])
        sums[0, y, x] += value
        sums[1, y, x] += value * value
        if x + 1 < right and row[x + 1] > cut[y, x + 1]:
            sums[2, y, x] += value * np.float64(row[x + 1] - baseline[y, x + 1])
        if not has_below:
            continue
        for other in range(max(x - 1, left), min(x + 2, right)):
            below = frame[y + 1, other]
            if below > cut[y + 1, other]:
                product = value * np.float64(below - baseline[y + 1, other])
                sums[4 + other - x, y, x] += product
