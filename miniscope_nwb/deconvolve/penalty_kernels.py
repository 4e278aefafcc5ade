"""The baseline and the penalty that spend the noise, in closed form for a given set of events."""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

NO_ROOM = 1e-9  # share of the samples: events explain any baseline, so it stays


@njit(cache=True, nogil=True)
def totals(y: Any, is_missing: Any) -> Any:
    """Return the sum of squares, the sum and the number of the samples seen, (3,)."""
    sums = np.zeros(3)
    for t in range(len(y)):
        if not is_missing[t]:
            sums[0] += y[t] * y[t]
            sums[1] += y[t]
            sums[2] += 1.0
    return sums


@njit(cache=True, nogil=True)
def closed_form(
    a0: float,
    a1: float,
    a2: float,
    mm: float,
    om: float,
    n: float,
    target: float,
    baseline: float,
    penalty: float,
    frees: Any,
) -> Any:
    """Return baseline and penalty: residuals that sum to 0, and their squares to the target.

    While the times of the events stay, the calcium is ``P (y - b) - penalty m`` with the projection
    P onto their shapes and m in its range, so the sum of squared residuals is
    ``a0 - 2 b a1 + b^2 a2 + penalty^2 mm``.

    Parameters
    ----------
    a0, a1, a2
        ``y'(1-P)y``, ``1'(1-P)y``, ``1'(1-P)1``.
    mm, om
        ``m'm`` and ``1'm``.
    n
        Number of samples.
    target
        Sum of squared residuals to reach; the penalty is 0 where more calcium cannot reach it.
    baseline, penalty
        Returned where they are not free.
    frees
        (2,) bool: whether the baseline and the penalty are sought.
    """
    moves = frees[0] and a2 > NO_ROOM * n
    if frees[1]:
        if moves:
            rest, curve = a0 - a1 * a1 / a2, mm + om * om / a2
        else:
            rest, curve = a0 - 2.0 * baseline * a1 + baseline * baseline * a2, mm
        if target <= rest:
            penalty = 0.0
        elif curve > 0.0:
            penalty = np.sqrt((target - rest) / curve)
    if moves:
        baseline = (a1 + penalty * om) / a2
    return baseline, penalty
