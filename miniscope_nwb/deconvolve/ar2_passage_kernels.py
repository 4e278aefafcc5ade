"""How the state of AR(2) calcium passes from sample to sample, in compiled code."""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def power(g1: float, g2: float, n: int, out: Any) -> None:
    """Write the n-th power of the companion matrix, (l11, l12, l21, l22)."""
    a11, a12, a21, a22 = g1, g2, 1.0, 0.0
    b11, b12, b21, b22 = 1.0, 0.0, 0.0, 1.0
    while n > 0:
        if n & 1:
            b11, b12, b21, b22 = (
                a11 * b11 + a12 * b21,
                a11 * b12 + a12 * b22,
                a21 * b11 + a22 * b21,
                a21 * b12 + a22 * b22,
            )
        n >>= 1
        a11, a12, a21, a22 = (
            a11 * a11 + a12 * a21,
            a11 * a12 + a12 * a22,
            a21 * a11 + a22 * a21,
            a21 * a12 + a22 * a22,
        )
    out[0], out[1], out[2], out[3] = b11, b12, b21, b22


@njit(cache=True, nogil=True)
def passages(g1: float, g2: float, steps: Any, segment: Any, is_missing: Any, out: Any) -> None:
    """Write the passage (l11, l12, l21, l22) to each sample.

    It is 0 up to the first sample that was seen of a segment: nothing comes from before.
    """
    is_unseen = True
    for t in range(len(steps)):
        is_unseen = is_unseen or segment[t] != segment[t - 1]
        if is_unseen:
            out[t, :] = 0.0
            is_unseen = is_missing[t]
        elif steps[t] == 1:
            out[t, 0], out[t, 1], out[t, 2], out[t, 3] = g1, g2, 1.0, 0.0
        else:
            power(g1, g2, steps[t], out[t])


@njit(cache=True, nogil=True)
def is_start(passage: Any, t: int) -> bool:
    """Say whether nothing comes from the sample before."""
    return passage[t, 0] == 0.0 and passage[t, 2] == 0.0  # type: ignore[no-any-return]
