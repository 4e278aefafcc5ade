"""OASIS for calcium that rises and decays (AR(2)), in compiled code.

The state at a sample is ``z_t = (c_t, c one frame before)``; it moves by the companion matrix,
raised to the number of frame intervals, and an event adds to its first entry:
``z_t = A^steps z_(t-1) + (s_t, 0)``. The objective is that of AR(1).

Between two events (a pool) the calcium is linear in the state at the pool's start, so a pool is
kept as a 2x2 quadratic form: ``z'Nz / 2 - (p - b o - penalty (e1 - q))'z`` with ``L`` the passage
to the next pool's start and ``q, r`` its rows. A chain of pools is solved exactly: what the past
knows of the second entry of a state is one parabola (alpha, beta), handed on forwards (`forward`),
and the states follow backwards (`backward`). `greedy` adds sample by sample and merges a pool into
the one before as long as its event is too small (Friedrich, Zhou & Paninski 2017, PLoS Comput Biol
13(3): e1005423, with the parabola in place of a fixed past); `refine` then drops negative events
and adds those that the gradient asks for, until none is left: the optimum of the convex problem.

At the start of a segment the calcium that was there before decays with the slow time constant.
Events lie at measured samples only.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from miniscope_nwb.deconvolve.ar2_passage_kernels import is_start, passages
from miniscope_nwb.deconvolve.ar2_pool_kernels import (
    BEGINS,
    EVENT,
    FOLLOWS,
    IS_ZERO,
    KIND,
    L11,
    L12,
    L21,
    L22,
    N11,
    N12,
    N22,
    N_COLUMNS,
    O1,
    O2,
    P1,
    P2,
    X1,
    Z1,
    Z2,
    backward,
    begin,
    forward,
    front_event,
    link,
    merge,
    prepare,
    settle,
)
from miniscope_nwb.deconvolve.penalty_kernels import closed_form, totals

STEPS_A_ROUND = 3  # of baseline and penalty, each with a refinement
MAX_REFINEMENTS = 12  # rounds of adding and dropping events; three to six are usual


@njit(cache=True, nogil=True)
def greedy(
    y: Any,
    is_missing: Any,
    passage: Any,
    slow: float,
    baseline: float,
    penalty: float,
    s_min: float,
    pools: Any,
    starts: Any,
) -> int:
    """Add sample by sample and merge pools whose event is too small; return their number."""
    last = -1
    for t in range(len(y)):
        is_first = is_start(passage, t)
        last += 1
        starts[last] = t
        weight = 0.0 if is_missing[t] else 1.0
        begin(pools, last, 0.0 if is_missing[t] else y[t], weight, passage, t)
        link(pools, last, is_first)
        if weight == 0.0 and not is_first:
            last -= 1
            merge(pools, last)
        while True:
            pools[last, IS_ZERO] = 0.0
            prepare(pools, last, slow, 1.0, baseline, penalty)
            if pools[last, KIND] == BEGINS:
                if pools[last, X1] <= 0.0:
                    pools[last, IS_ZERO] = 1.0
                    prepare(pools, last, slow, 1.0, baseline, penalty)
                break
            event = front_event(pools, last)
            if event > 0.0 and event >= s_min:
                break
            last -= 1
            merge(pools, last)
    return last + 1


@njit(cache=True, nogil=True)
def gather(y: Any, is_missing: Any, passage: Any, is_event: Any, pools: Any, starts: Any) -> int:
    """Make the pools of a given set of events; return their number.

    A segment's first pool is there in any case; it is zero where it is no event.
    """
    last = -1
    for t in range(len(y)):
        is_first = is_start(passage, t)
        weight = 0.0 if is_missing[t] else 1.0
        if is_first or is_event[t]:
            last += 1
            starts[last] = t
            begin(pools, last, 0.0 if is_missing[t] else y[t], weight, passage, t)
            pools[last, IS_ZERO] = 0.0 if is_event[t] else 1.0
            pools[last, KIND] = BEGINS if is_first else FOLLOWS
            continue
        row = pools[last]
        q1, q2 = row[L11], row[L12]
        if weight > 0.0:
            row[N11] += q1 * q1
            row[N12] += q1 * q2
            row[N22] += q2 * q2
            row[P1] += q1 * y[t]
            row[P2] += q2 * y[t]
            row[O1] += q1
            row[O2] += q2
        r1, r2 = row[L21], row[L22]
        if t + 1 < len(y):
            a11, a12, a21, a22 = passage[t + 1]
        else:
            a11 = a12 = a21 = a22 = 0.0
        row[L11], row[L12] = a11 * q1 + a12 * r1, a11 * q2 + a12 * r2
        row[L21], row[L22] = a21 * q1 + a22 * r1, a21 * q2 + a22 * r2
    return last + 1


@njit(cache=True, nogil=True)
def unfold(pools: Any, starts: Any, n_pools: int, passage: Any, calcium: Any, events: Any) -> None:
    """Write the calcium and the events; what a segment begins with is no event."""
    n_samples = len(calcium)
    for i in range(n_pools):
        start = starts[i]
        stop = starts[i + 1] if i + 1 < n_pools else n_samples
        z1, z2 = pools[i, Z1], pools[i, Z2]
        calcium[start] = z1
        events[start] = 0.0 if pools[i, KIND] == BEGINS else max(pools[i, EVENT], 0.0)
        for t in range(start + 1, stop):
            a11, a12, a21, a22 = passage[t]
            z1, z2 = a11 * z1 + a12 * z2, a21 * z1 + a22 * z2
            calcium[t] = z1
            events[t] = 0.0


@njit(cache=True, nogil=True)
def missed(
    y: Any,
    is_missing: Any,
    passage: Any,
    slow: float,
    baseline: float,
    penalty: float,
    least: float,
    calcium: Any,
    is_event: Any,
) -> int:
    """Mark further events that would lower the objective; return how many.

    The gradient is the residual correlated with the shape of an event, less the penalty; of each
    stretch where it exceeds `least` the peak is taken.
    """
    a1 = a2 = 0.0
    n_found = 0
    peak, peak_at = 0.0, -1
    for t in range(len(y) - 1, -1, -1):
        if t + 1 < len(y):
            l11, l12, l21, l22 = passage[t + 1]
            a1, a2 = l11 * a1 + l21 * a2, l12 * a1 + l22 * a2
        if not is_missing[t]:
            a1 += y[t] - baseline - calcium[t]
        is_first = is_start(passage, t)
        gain = a1 - penalty + (a2 / slow if is_first else 0.0)
        if is_missing[t] or is_event[t]:
            gain = 0.0
        if gain > least and gain > peak:
            peak, peak_at = gain, t
        if (gain <= least or is_first) and peak_at >= 0:
            is_event[peak_at] = True
            n_found += 1
            peak, peak_at = 0.0, -1
    return n_found


@njit(cache=True, nogil=True)
def refine(
    y: Any,
    is_missing: Any,
    passage: Any,
    slow: float,
    baseline: float,
    penalty: float,
    s_min: float,
    tolerance: float,
    pools: Any,
    starts: Any,
    n_pools: int,
    calcium: Any,
    events: Any,
) -> int:
    """Bring the pools to the optimum of the convex problem; return their number."""
    is_event = np.empty(len(y), np.bool_)
    for _ in range(MAX_REFINEMENTS):
        n_pools = settle(pools, starts, n_pools, passage, slow, baseline, penalty, s_min)
        unfold(pools, starts, n_pools, passage, calcium, events)
        if s_min > 0.0:
            break
        is_event[:] = False
        for i in range(n_pools):
            is_event[starts[i]] = pools[i, IS_ZERO] == 0.0
        found = missed(
            y, is_missing, passage, slow, baseline, penalty, tolerance, calcium, is_event
        )
        if found == 0:
            return n_pools
        n_pools = gather(y, is_missing, passage, is_event, pools, starts)
    n_pools = settle(pools, starts, n_pools, passage, slow, baseline, penalty, s_min)
    unfold(pools, starts, n_pools, passage, calcium, events)
    return n_pools


@njit(cache=True, nogil=True)
def affine(pools: Any, starts: Any, n_pools: int, passage: Any, slow: float, sums: Any) -> Any:
    """Return what the residual depends on while the pools stay; see `closed_form`."""
    forward(pools, starts, n_pools, passage, slow, 1.0, 0.0, 0.0)
    backward(pools, n_pools)
    yy = yo = oo = mm = om = 0.0
    for i in range(n_pools):
        row = pools[i]
        yy += row[P1] * row[Z1] + row[P2] * row[Z2]
        yo += row[O1] * row[Z1] + row[O2] * row[Z2]
    forward(pools, starts, n_pools, passage, slow, 0.0, -1.0, 0.0)
    backward(pools, n_pools)
    for i in range(n_pools):
        row = pools[i]
        oo += row[O1] * row[Z1] + row[O2] * row[Z2]
    forward(pools, starts, n_pools, passage, slow, 0.0, 0.0, -1.0)
    backward(pools, n_pools)
    for i in range(n_pools):
        row = pools[i]
        om += row[O1] * row[Z1] + row[O2] * row[Z2]
        mm += row[N11] * row[Z1] * row[Z1] + row[N22] * row[Z2] * row[Z2]
        mm += 2.0 * row[N12] * row[Z1] * row[Z2]
    return sums[0] - yy, sums[1] - yo, sums[2] - oo, mm, om


@njit(cache=True, nogil=True)
def fit(
    y: Any,
    is_missing: Any,
    passage: Any,
    slow: float,
    target: float,
    baseline: float,
    penalty: float,
    s_min: float,
    frees: Any,
    max_rounds: int,
    tolerance: float,
    calcium: Any,
    events: Any,
) -> Any:
    """Deconvolve one trace; return baseline and penalty. See `ar1_kernels.fit`."""
    n_samples = len(y)
    pools = np.empty((n_samples, N_COLUMNS), np.float64)
    starts = np.empty(n_samples, np.int64)
    sums = totals(y, is_missing)
    n_pools = greedy(y, is_missing, passage, slow, baseline, penalty, s_min, pools, starts)
    n_pools = refine(
        y, is_missing, passage, slow, baseline, penalty, s_min, tolerance, pools, starts,
        n_pools, calcium, events,
    )  # fmt: skip
    for _ in range(STEPS_A_ROUND * max_rounds):
        last = (baseline, penalty)
        a0, a1, a2, mm, om = affine(pools, starts, n_pools, passage, slow, sums)
        baseline, penalty = closed_form(
            a0, a1, a2, mm, om, sums[2], target, baseline, penalty, frees
        )
        n_pools = refine(
            y, is_missing, passage, slow, baseline, penalty, s_min, tolerance, pools, starts,
            n_pools, calcium, events,
        )  # fmt: skip
        if abs(baseline - last[0]) + abs(penalty - last[1]) <= tolerance:
            break
    return baseline, penalty


@njit(cache=True, nogil=True)
def fit_many(
    g: Any,
    slow: Any,
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
    """Deconvolve traces, each with its ``g`` (n, 2) and ``slow`` (n,); see `ar1_kernels`."""
    passage = np.empty((y.shape[1], 4))
    for k in range(len(y)):
        if n_seen[k] == 0:
            continue
        passages(g[k, 0], g[k, 1], steps, segment, is_missing[k], passage)
        baseline[k], penalty[k] = fit(
            y[k], is_missing[k], passage, slow[k], target[k], baseline[k], penalty[k], s_min[k],
            frees, max_rounds, tolerance[k], denoised[k], events[k],
        )  # fmt: skip
