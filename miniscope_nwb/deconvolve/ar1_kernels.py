"""OASIS for calcium that decays at once (AR(1)): exact, in one pass, in compiled code.

Minimises ``1/2 sum_t w_t (y_t - b - c_t)^2 + penalty * sum_t s_t`` with ``s_t = c_t - d_t c_(t-1)``
not below 0. ``w_t`` is 0 at missing samples. ``d_t`` is the decay since the sample before:
``g^steps`` in true time, 0 at the first sample of a segment, where ``s_t = c_t``.

Substituting ``c_t / (d_1 ... d_t)`` makes this an isotonic regression, so merging neighbours that
violate the order (pools) gives the exact solution. A pool is kept as four sums, from which its
calcium follows for any baseline and penalty: ``(Y - b H - penalty (1 - D)) / Q``.

Friedrich, Zhou & Paninski (2017), Fast online deconvolution of calcium imaging data, PLoS
Computational Biology 13(3): e1005423.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from miniscope_nwb.deconvolve.penalty_kernels import closed_form, totals

WARM_STEPS = 6  # of baseline and penalty between two poolings from scratch


@njit(cache=True, nogil=True)
def decays(g: float, steps: Any, segment: Any, out: Any) -> None:
    """Write the decay since the sample before, 0 where a segment begins."""
    out[0] = 0.0
    for t in range(1, len(steps)):
        if segment[t] != segment[t - 1]:
            out[t] = 0.0
        elif steps[t] == 1:
            out[t] = g
        else:
            out[t] = g ** steps[t]


@njit(cache=True, nogil=True)
def push(
    pools: Any,
    starts: Any,
    last: int,
    start: int,
    sums: Any,
    value: float,
    baseline: float,
    penalty: float,
    s_min: float,
) -> int:
    """Put a pool after the one numbered `last`; return its number.

    Pools before it are merged into it until its event is at least `s_min`. ``sums`` are its Y, H,
    Q, D; ``value`` is its calcium. A pool without a sample seen (Q is 0) begins nothing.
    """
    y_sum, h_sum, q_sum, after = sums
    while last >= 0:
        before = pools[last, 3]
        if before <= 0.0:
            break
        if q_sum > 0.0 and value >= before * max(pools[last, 4], 0.0) + s_min:
            break
        y_sum = pools[last, 0] + before * y_sum
        h_sum = pools[last, 1] + before * h_sum
        q_sum = pools[last, 2] + before * before * q_sum
        after *= before
        start = starts[last]
        last -= 1
        if q_sum > 0.0:
            value = (y_sum - baseline * h_sum - penalty * (1.0 - after)) / q_sum
    last += 1
    pools[last, 0] = y_sum
    pools[last, 1] = h_sum
    pools[last, 2] = q_sum
    pools[last, 3] = after
    pools[last, 4] = value if q_sum > 0.0 else 0.0
    starts[last] = start
    return last


@njit(cache=True, nogil=True)
def pool(
    y: Any,
    is_missing: Any,
    decay: Any,
    baseline: float,
    penalty: float,
    s_min: float,
    pools: Any,
    starts: Any,
) -> int:
    """Merge neighbours until every event is at least `s_min`; return the number of pools.

    ``pools`` (n, 5) receives Y, H, Q, D and the calcium at the start of each pool; ``starts`` its
    first sample. With ``s_min`` above 0 the problem is not convex and the result a good local
    minimum, exact for the events that it keeps.
    """
    n_samples = len(y)
    last = -1
    for t in range(n_samples):
        weight = 0.0 if is_missing[t] else 1.0
        y_sum = 0.0 if is_missing[t] else y[t]
        after = decay[t + 1] if t + 1 < n_samples else 0.0
        value = y_sum - baseline - penalty * (1.0 - after)
        sums = (y_sum, weight, weight, after)
        last = push(pools, starts, last, t, sums, value, baseline, penalty, s_min)
    return last + 1


@njit(cache=True, nogil=True)
def repool(
    pools: Any, starts: Any, n_pools: int, baseline: float, penalty: float, s_min: float
) -> int:
    """Give existing pools another baseline and penalty; merge, never split; return their number.

    Many times faster than `pool`, and close to it where baseline and penalty changed little.
    """
    last = -1
    for i in range(n_pools):
        y_sum, h_sum, q_sum, after = pools[i, 0], pools[i, 1], pools[i, 2], pools[i, 3]
        value = 0.0
        if q_sum > 0.0:
            value = (y_sum - baseline * h_sum - penalty * (1.0 - after)) / q_sum
        sums = (y_sum, h_sum, q_sum, after)
        last = push(pools, starts, last, starts[i], sums, value, baseline, penalty, s_min)
    return last + 1


@njit(cache=True, nogil=True)
def affine(pools: Any, n_pools: int, sums: Any) -> Any:
    """Return what the residual depends on while the pools stay; see `closed_form`."""
    yy = yh = hh = mm = hm = 0.0
    for i in range(n_pools):
        if pools[i, 4] > 0.0 and pools[i, 2] > 0.0:
            y, h, q = pools[i, 0], pools[i, 1], pools[i, 2]
            m = 1.0 - pools[i, 3]
            yy += y * y / q
            yh += y * h / q
            hh += h * h / q
            mm += m * m / q
            hm += h * m / q
    return sums[0] - yy, sums[1] - yh, sums[2] - hh, mm, hm


@njit(cache=True, nogil=True)
def unfold(pools: Any, starts: Any, n_pools: int, decay: Any, denoised: Any, events: Any) -> None:
    """Write the calcium and the events of the pools.

    The first sample seen of a segment holds what was there before: no event.
    """
    n_samples = len(decay)
    is_before = False  # nothing of the segment was seen yet
    for i in range(n_pools):
        start = starts[i]
        stop = starts[i + 1] if i + 1 < n_pools else n_samples
        value = max(pools[i, 4], 0.0)
        jump = 0.0
        is_first = is_before or start == 0 or decay[start] == 0.0
        is_before = is_first and pools[i, 2] == 0.0
        if not is_first:
            jump = max(value - decay[start] * denoised[start - 1], 0.0)
        denoised[start] = value
        events[start] = jump
        for t in range(start + 1, stop):
            value *= decay[t]
            denoised[t] = value
            events[t] = 0.0


@njit(cache=True, nogil=True)
def fit(
    y: Any,
    is_missing: Any,
    decay: Any,
    target: float,
    baseline: float,
    penalty: float,
    s_min: float,
    frees: Any,
    max_rounds: int,
    tolerance: float,
    denoised: Any,
    events: Any,
) -> Any:
    """Deconvolve one trace; return baseline and penalty.

    ``frees`` (2,) bool: whether the baseline and the penalty are found; `baseline` and `penalty`
    are where they start. In turns both are solved for the pools at hand and the pools merged for
    them, until neither moves; then the trace is pooled anew, which is exact. ``target`` is the sum
    of squared residuals to reach, ``max_rounds`` the most poolings anew after the first.
    """
    n_samples = len(y)
    pools = np.empty((n_samples, 5), np.float64)
    starts = np.empty(n_samples, np.int64)
    sums = totals(y, is_missing)
    n_pools = pool(y, is_missing, decay, baseline, penalty, s_min, pools, starts)
    for _ in range(max_rounds):
        before = (baseline, penalty)
        for _ in range(WARM_STEPS):
            last = (baseline, penalty)
            a0, a1, a2, mm, hm = affine(pools, n_pools, sums)
            baseline, penalty = closed_form(
                a0, a1, a2, mm, hm, sums[2], target, baseline, penalty, frees
            )
            if abs(baseline - last[0]) + abs(penalty - last[1]) <= tolerance:
                break
            n_pools = repool(pools, starts, n_pools, baseline, penalty, s_min)
        if abs(baseline - before[0]) + abs(penalty - before[1]) <= tolerance:
            break
        n_pools = pool(y, is_missing, decay, baseline, penalty, s_min, pools, starts)
    unfold(pools, starts, n_pools, decay, denoised, events)
    return baseline, penalty


@njit(cache=True, nogil=True)
def fit_many(
    g: Any,
    steps: Any,
    segment: Any,
    y: Any,
    is_missing: Any,
    n_seen: Any,
    target: Any,
    baseline: Any,
    penalty: Any,
    s_min: Any,
    frees: Any,
    max_rounds: int,
    tolerance: Any,
    denoised: Any,
    events: Any,
) -> None:
    """Deconvolve traces (n, n_samples), each with its ``g`` (n,); see `fit`.

    `baseline` and `penalty` (n,) are where they start, and receive what was found. A trace of
    which nothing was seen is passed over.
    """
    decay = np.empty(y.shape[1])
    for k in range(len(y)):
        if n_seen[k] == 0:
            continue
        decays(g[k], steps, segment, decay)
        baseline[k], penalty[k] = fit(
            y[k], is_missing[k], decay, target[k], baseline[k], penalty[k], s_min[k], frees,
            max_rounds, tolerance[k], denoised[k], events[k],
        )  # fmt: skip
