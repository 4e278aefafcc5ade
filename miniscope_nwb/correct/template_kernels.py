"""The compiled loop of the template: pixels are added up where they were seen."""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def add_seen(values: Array, seen: Array, total: Array, count: Array) -> None:
    """Add values (height, width) to the total, and 1 to the count, where `seen` is not NaN."""
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            is_seen = not np.isnan(seen[row, column])
            total[row, column] += values[row, column] if is_seen else np.float32(0)
            count[row, column] += is_seen
