"""The compiled inner loops of shifting frames, and of comparing them with the template."""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def _along_x(source: Array, start: int, n_taps: int, weights: Array, line: Array) -> None:
    """Weigh the neighbours of the pixels of a row that begin at `start`."""
    size = len(line)
    if n_taps == 1:
        for x in range(size):
            line[x] = np.float32(source[start + x])
        return
    a, b = source[start - 1 : start - 1 + size], source[start : start + size]
    c, d = source[start + 1 : start + 1 + size], source[start + 2 : start + 2 + size]
    for x in range(size):
        line[x] = (
            weights[0] * np.float32(a[x])
            + weights[1] * np.float32(b[x])
            + weights[2] * np.float32(c[x])
            + weights[3] * np.float32(d[x])
        )


@njit(cache=True, nogil=True)
def _along_y(lines: Array, row: int, n_taps: int, weights: Array, out: Array) -> None:
    """Weigh a row with its neighbours; row r is ``lines[r % 4]``."""
    if n_taps == 1:
        out[:] = lines[row % 4]
        return
    a, b = lines[(row - 1) % 4], lines[row % 4]
    c, d = lines[(row + 1) % 4], lines[(row + 2) % 4]
    for x in range(len(out)):
        out[x] = weights[0] * a[x] + weights[1] * b[x] + weights[2] * c[x] + weights[3] * d[x]


@njit(cache=True, nogil=True)
def shift_frames(
    frames: Array, bounds: Array, whole: Array, taps: Array, weights: Array, out: Array
) -> None:
    """Shift frames and fill what was not seen with NaN.

    Parameters
    ----------
    frames
        (n, height, width).
    bounds
        (n, 4): first row, row after the last, first column, column after the last.
    whole
        (n, 2) whole pixels to where a pixel comes from, x then y.
    taps
        (n, 2): neighbours that are weighed, 4, or 1 where the shift is one of whole pixels.
    weights
        (n, 2, 4) of the neighbours.
    out
        (n, height, width) float32, filled.
    """
    nothing = np.float32(np.nan)
    for i in range(len(frames)):
        top, bottom, left, right = bounds[i]
        out[i, :top] = nothing
        out[i, bottom:] = nothing
        if top >= bottom:
            continue
        lines = np.empty((4, right - left), np.float32)
        before, after = (1, 2) if taps[i, 1] == 4 else (0, 0)
        for y in range(top - before, bottom + after):
            source = frames[i, y + whole[i, 1]]
            _along_x(source, left + whole[i, 0], taps[i, 0], weights[i, 0], lines[y % 4])
            if y - after >= top:
                target = out[i, y - after]
                target[:left] = nothing
                target[right:] = nothing
                _along_y(lines, y - after, taps[i, 1], weights[i, 1], target[left:right])


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def correlation(a: Array, b: Array) -> float:
    """Correlate two images (height, width); 0 where one of them is constant."""
    height, width = a.shape
    first, second = np.float64(0.0), np.float64(0.0)
    for y in range(height):
        for x in range(width):
            first += np.float64(a[y, x])
            second += np.float64(b[y, x])
    first /= height * width
    second /= height * width
    aa, bb, ab = np.float64(0.0), np.float64(0.0), np.float64(0.0)
    for y in range(height):
        for x in range(width):
            p, q = np.float64(a[y, x]) - first, np.float64(b[y, x]) - second
            aa += p * p
            bb += q * q
            ab += p * q
    size = np.sqrt(aa * bb)
    return ab / size if size > 0.0 else 0.0
