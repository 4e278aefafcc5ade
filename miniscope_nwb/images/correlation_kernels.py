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


@njit(cache=True, nogil=True)
def add_differences(frames: Array, bounds: Array, squares: Array, count: Array) -> None:
    """Add squared second differences in time of frames that follow each other directly."""
    for t in range(1, len(frames) - 1):
        before, now, after = frames[t - 1], frames[t], frames[t + 1]
        top = max(bounds[t - 1, 0], bounds[t, 0], bounds[t + 1, 0])
        bottom = min(bounds[t - 1, 1], bounds[t, 1], bounds[t + 1, 1])
        left = max(bounds[t - 1, 2], bounds[t, 2], bounds[t + 1, 2])
        right = min(bounds[t - 1, 3], bounds[t, 3], bounds[t + 1, 3])
        for y in range(top, bottom):
            for x in range(left, right):
                d = before[y, x] - np.float32(2.0) * now[y, x] + after[y, x]
                squares[y, x] += d * d
                count[y, x] += 1


@njit(cache=True, nogil=True)
def raise_peak(frames: Array, bounds: Array, peak: Array) -> None:
    """Raise `peak` (height, width) to the largest value of each pixel."""
    for t in range(len(frames)):
        frame = frames[t]
        for y in range(bounds[t, 0], bounds[t, 1]):
            for x in range(bounds[t, 2], bounds[t, 3]):
                peak[y, x] = max(peak[y, x], frame[y, x])


@njit(cache=True, nogil=True)
def add_products(
    frames: Array, bounds: Array, baseline: Array, threshold: Array, sums: Array, count: Array
) -> None:
    """Add moments of the values above a threshold; the rest counts as zero.

    ``sums`` (6, height, width) are the sums of a value, of its square and of its products with the
    pixels to the right, below to the left, below, and below to the right. A value is what exceeds
    `baseline`, where it is above `threshold`. Few values are: the loop is cheap.
    """
    for t in range(len(frames)):
        frame = frames[t]
        top, bottom, left, right = bounds[t, 0], bounds[t, 1], bounds[t, 2], bounds[t, 3]
        for y in range(top, bottom):
            for x in range(left, right):
                count[y, x] += 1
                value = frame[y, x] - baseline[y, x]
                if not value > threshold[y, x]:
                    continue
                sums[0, y, x] += value
                sums[1, y, x] += np.float64(value) * value
                if x + 1 < right:
                    other = frame[y, x + 1] - baseline[y, x + 1]
                    if other > threshold[y, x + 1]:
                        sums[2, y, x] += np.float64(value) * other
                if y + 1 == bottom:
                    continue
                for side in range(-1, 2):
                    if x + side < left or x + side >= right:
                        continue
                    other = frame[y + 1, x + side] - baseline[y + 1, x + side]
                    if other > threshold[y + 1, x + side]:
                        sums[4 + side, y, x] += np.float64(value) * other
