"""Medians of many rows at once."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Real = TypeVar("Real", np.float32, np.float64)


def row_medians(rows: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Return the median of each row.

    All rows at once, and sorted by vector instructions: numpy's own takes one row after the other.

    Parameters
    ----------
    rows
        (n, n_samples) float32 or float64; NaN take no part.

    Returns
    -------
    medians
        (n,) of the dtype of the rows; NaN where a row holds nothing else.
    """
    if not rows.shape[1]:
        return np.full(len(rows), np.nan, rows.dtype)
    ordered = np.sort(rows, axis=1)  # NaN come last
    count = np.count_nonzero(~np.isnan(rows), axis=1)
    middle = [np.clip(place, 0, rows.shape[1] - 1) for place in ((count - 1) // 2, count // 2)]
    each = np.arange(len(rows))
    low, high = (ordered[each, place] for place in middle)
    found: npt.NDArray[Real] = (low + high) / rows.dtype.type(2)
    return found
