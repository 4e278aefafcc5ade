"""Inner loops of the survey of all frames, compiled."""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


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
