"""A slow, plain solver to hold the fast one against: non-negative least squares on the kernel."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from miniscope_nwb.movie import FrameClock


def kernel_matrix(coefficients, clock: FrameClock, may_start=None):
    """Column k: the calcium of an event of size 1 at sample k, at the times of the frames.

    Built from the impulse response in single frames, lost ones included. The first sample of a
    segment that was seen holds what was there before, which falls with the slow exponential.
    Samples outside of `may_start`, (n,) bool, begin no event; those missing are never in it.
    """
    n = clock.n_frames
    order = len(coefficients)
    impulse = np.zeros(int(clock.steps.sum()) + n + 2)
    impulse[0] = 1.0
    for k in range(1, len(impulse)):
        for lag in range(1, min(order, k) + 1):
            impulse[k] += coefficients[lag - 1] * impulse[k - lag]
    slow = coefficients[0] if order == 1 else max(np.roots([1, *(-np.asarray(coefficients))]).real)
    frame = np.cumsum(np.where(np.r_[True, np.diff(clock.segment) != 0], 0, clock.steps))
    first = first_seen(clock, np.zeros(n, bool) if may_start is None else ~may_start)
    matrix = np.zeros((n, n))
    for k in range(n):
        later = np.flatnonzero((clock.segment == clock.segment[k]) & (np.arange(n) >= k))
        lag = frame[later] - frame[k]
        matrix[later, k] = slow**lag if first[k] else impulse[lag]
    if may_start is not None:
        matrix[:, ~may_start] = 0.0
    return matrix


def first_seen(clock: FrameClock, is_missing):
    """Mark the first sample of each segment that was measured."""
    first = np.zeros(clock.n_frames, bool)
    for number in np.unique(clock.segment):
        seen = np.flatnonzero((clock.segment == number) & ~is_missing)
        first[seen[:1]] = True
    return first


def solve(y, matrix, *, baseline, penalty, is_missing, smallest=None):
    """Return calcium and events; with `smallest`, (n,) lower bounds, events are at least these."""
    n = len(y)
    may = matrix.any(axis=0)
    lower = np.zeros(n) if smallest is None else smallest
    weight = (~is_missing).astype(float)
    target = np.where(is_missing, 0.0, y - baseline) - weight * (matrix @ lower)
    # ||W(K s - y)||^2 / 2 + penalty sum(s) as plain least squares: complete the square by the
    # Cholesky factor of K'WK (a ridge far below the tolerance keeps it regular).
    shapes = matrix[:, may]
    gram = (shapes * weight[:, None]).T @ shapes
    gram[np.diag_indices(len(gram))] += 1e-10
    factor = np.linalg.cholesky(gram)
    right = np.linalg.solve(factor, shapes.T @ (weight * target) - penalty)
    events = lower.copy()
    events[may] += nnls(factor.T, right, maxiter=50 * n)[0]
    return matrix @ events, events


def objective(y, calcium, events, *, baseline, penalty, is_missing):
    """Return what the solvers minimise."""
    rest = (y - baseline - calcium)[~is_missing]
    return 0.5 * rest @ rest + penalty * events.sum()


def full_events(calcium, coefficients, clock: FrameClock):
    """Return the events of a calcium trace, the first sample of each segment included."""
    matrix = kernel_matrix(coefficients, clock)
    return np.linalg.solve(matrix, calcium)


def uneven_clock(n, rate_hz, *, lost=(), joints=()):
    """Return a clock with (frame, n_lost) gaps and new segments at `joints`."""
    steps = np.ones(n, np.int64)
    for frame, n_lost in lost:
        steps[frame] = n_lost + 1
    segment = np.zeros(n, np.int64)
    for joint in joints:
        segment[joint:] += 1
        steps[joint] = 1
    return FrameClock(np.cumsum(steps) / rate_hz, steps, segment, rate_hz)


def make_trace(rng, coefficients, clock, *, rate=0.05, size=10.0, noise=3.0, baseline=100.0):
    """Return a noisy trace, its calcium and its events."""
    events = size * rng.poisson(rate, clock.n_frames)
    calcium = kernel_matrix(coefficients, clock) @ events
    return baseline + calcium + rng.normal(0, noise, clock.n_frames), calcium, events
