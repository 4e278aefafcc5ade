"""Inner loops of the survey of all frames, compiled."""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def look(
    frames: Array,
    bin_px: int,
    n_rows: int,
    coarse_px: int,
    totals: Array,
    steps: Array,
    coarse: Array,
) -> None:
    """Look at frames (n, height, width), one after the other.

    ``totals`` (n,) are the sums of their pixels, ``steps`` (n, height + 1 - 2 * n_rows) the steps
    between rows, see `row_steps`, and ``coarse`` (n, height // coarse_px, n_bins) the means over
    `coarse_px` rows of the bins of columns; rows below the last whole number of them are left out.
    """
    n_bins = coarse.shape[2]
    bins = np.empty((frames.shape[1], n_bins), np.float32)
    for k in range(len(frames)):
        totals[k] = bin_columns(frames[k], bin_px, bins)
        row_steps(bins, n_rows, steps[k])
        for r in range(coarse.shape[1]):
            for b in range(n_bins):
                total = bins[r * coarse_px, b]
                for y in range(r * coarse_px + 1, (r + 1) * coarse_px):
                    total += bins[y, b]
                coarse[k, r, b] = total / np.float32(coarse_px)


@njit(cache=True, nogil=True)
def bin_columns(frame: Array, bin_px: int, bins: Array) -> float:
    """Sum every row of a frame (height, width) over bins of columns: `bins` (height, n_bins).

    Returns the sum of all pixels, also of those right of the last bin. Sums of integers are exact:
    those of a bin stay below 2**24, those of a frame below 2**53.
    """
    height, n_bins = bins.shape
    whole = 0.0
    for y in range(height):
        for b in range(n_bins):
            total = np.float32(0)
            for x in range(b * bin_px, (b + 1) * bin_px):
                total += np.float32(frame[y, x])
            bins[y, b] = total
            whole += float(total)
        for x in range(n_bins * bin_px, frame.shape[1]):
            whole += frame[y, x]
    return whole


@njit(cache=True, nogil=True)
def row_steps(bins: Array, n_rows: int, steps: Array) -> None:
    """Mean over the bins of the absolute step from the rows above to the rows below.

    ``steps[r]`` (height + 1 - 2 * n_rows,) is that between rows ``r + n_rows - 1`` and
    ``r + n_rows``; `n_rows` on either side are averaged.
    """
    n_bins = bins.shape[1]
    above, below = np.zeros(n_bins, np.float32), np.zeros(n_bins, np.float32)
    for y in range(n_rows):
        for b in range(n_bins):
            above[b] += bins[y, b]
            below[b] += bins[y + n_rows, b]
    for r in range(len(steps)):
        total = np.float32(0)
        for b in range(n_bins):
            total += abs(below[b] - above[b])
        steps[r] = total / np.float32(n_bins * n_rows)
        if r + 1 == len(steps):
            break
        for b in range(n_bins):
            middle = bins[r + n_rows, b]
            above[b] += middle - bins[r, b]
            below[b] += bins[r + 2 * n_rows, b] - middle
