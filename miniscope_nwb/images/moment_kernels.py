"""Inner loop of the moments over time, compiled."""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def add_moments(
    frames: Array, used: Array, bounds: Array, total: Array, squares: Array, largest: Array
) -> None:
    """Add values and squares of what was seen of the used frames, and raise the largest value.

    ``frames`` (n, height, width), ``used`` (n,), ``bounds`` (n, 4): first row, row after the last,
    first column, column after the last. Rows are the outer loop: their sums stay in the cache.
    """
    n, height, _ = frames.shape
    for y in range(height):
        sum_row, square_row, largest_row = total[y], squares[y], largest[y]
        for t in range(n):
            if not used[t] or y < bounds[t, 0] or y >= bounds[t, 1]:
                continue
            row = frames[t, y]
            for x in range(bounds[t, 2], bounds[t, 3]):
                value = np.float64(row[x])
                sum_row[x] += value
                square_row[x] += value * value
                largest_row[x] = max(largest_row[x], np.float32(row[x]))
