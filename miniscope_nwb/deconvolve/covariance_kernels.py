"""Autocovariance of a trace with gaps, in compiled code."""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def lagged_products(x: Any, is_missing: Any, run: Any, out: Any, counts: Any) -> None:
    """Add up ``x_t x_(t+k)`` over pairs in one run, both measured, by part of the recording.

    ``run`` (n,) numbers the runs of frames without a gap. ``out`` and ``counts`` (n_parts, n_lags)
    receive the sums for the lags from 0 and how many pairs they hold; a pair counts in the part of
    its first sample.
    """
    n = len(x)
    n_parts, n_lags = out.shape
    for part in range(n_parts):
        for t in range(part * n // n_parts, (part + 1) * n // n_parts):
            if is_missing[t]:
                continue
            here = x[t]
            for lag in range(min(n_lags, n - t)):
                if run[t + lag] != run[t]:
                    break
                if not is_missing[t + lag]:
                    out[part, lag] += here * x[t + lag]
                    counts[part, lag] += 1.0
