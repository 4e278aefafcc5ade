"""Pools of AR(2) calcium, and chains of them: quadratic forms and their solution, compiled.

See `ar2_kernels` for the model.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

from numba import njit

from miniscope_nwb.deconvolve.ar2_passage_kernels import is_start

# Columns of a pool.
N11, N12, N22, P1, P2, O1, O2, L11, L12, L21, L22 = range(11)
ALPHA, BETA, X1, X2, Y1, Y2, Z1, Z2, EVENT, KIND, IS_ZERO = range(11, 22)
N_COLUMNS = 22

FOLLOWS = 0.0  # an event on top of what was there
BEGINS = 1.0  # first seen of a segment: the state is a multiple of (1, 1 / slow)
FROM_ZERO = 2.0  # an event on nothing: the state is a multiple of (1, 0)

TINY = 1e-30  # of a passage: nothing arrives


@njit(cache=True, nogil=True)
def begin(pools: Any, i: int, y: float, weight: float, passage: Any, t: int) -> None:
    """Make pool `i` of the sample `t` alone."""
    row = pools[i]
    row[N11], row[N12], row[N22] = weight, 0.0, 0.0
    row[P1], row[P2], row[O1], row[O2] = weight * y, 0.0, weight, 0.0
    row[IS_ZERO] = 0.0
    if t + 1 < len(passage):
        row[L11], row[L12], row[L21], row[L22] = passage[t + 1]
    else:
        row[L11] = row[L12] = row[L21] = row[L22] = 0.0


@njit(cache=True, nogil=True)
def merge(pools: Any, i: int) -> None:
    """Merge pool `i + 1` into pool `i`."""
    a, b = pools[i], pools[i + 1]
    l11, l12, l21, l22 = a[L11], a[L12], a[L21], a[L22]
    n11, n12, n22 = b[N11], b[N12], b[N22]
    k11, k12 = n11 * l11 + n12 * l21, n11 * l12 + n12 * l22
    k21, k22 = n12 * l11 + n22 * l21, n12 * l12 + n22 * l22
    a[N11] += l11 * k11 + l21 * k21
    a[N12] += l11 * k12 + l21 * k22
    a[N22] += l12 * k12 + l22 * k22
    a[P1] += l11 * b[P1] + l21 * b[P2]
    a[P2] += l12 * b[P1] + l22 * b[P2]
    a[O1] += l11 * b[O1] + l21 * b[O2]
    a[O2] += l12 * b[O1] + l22 * b[O2]
    a[L11] = b[L11] * l11 + b[L12] * l21
    a[L12] = b[L11] * l12 + b[L12] * l22
    a[L21] = b[L21] * l11 + b[L22] * l21
    a[L22] = b[L21] * l12 + b[L22] * l22


@njit(cache=True, nogil=True)
def link(pools: Any, i: int, is_first: bool) -> None:
    """Hand on to pool `i` what the pools before know of its state's second entry."""
    row = pools[i]
    row[ALPHA] = row[BETA] = 0.0
    if is_first:
        row[KIND] = BEGINS
        return
    past = pools[i - 1]
    if past[IS_ZERO] == 1.0:
        row[KIND] = FROM_ZERO
        return
    spread = past[L21] * past[Y1] + past[L22] * past[Y2]
    if spread <= TINY:
        row[KIND] = FROM_ZERO
        return
    row[KIND] = FOLLOWS
    row[ALPHA] = 1.0 / spread
    row[BETA] = row[ALPHA] * (past[L21] * past[X1] + past[L22] * past[X2])


@njit(cache=True, nogil=True)
def prepare(pools: Any, i: int, slow: float, of_y: float, of_one: float, of_sum: float) -> None:
    """Solve pool `i` with what the past handed on: X, its best state; Y, how that gives way.

    The right-hand side is ``of_y p - of_one o - of_sum (e1 - q)``.
    """
    row = pools[i]
    h1 = of_y * row[P1] - of_one * row[O1] - of_sum * (1.0 - row[L11])
    h2 = of_y * row[P2] - of_one * row[O2] + of_sum * row[L12] + row[BETA]
    r1, r2 = row[L21], row[L22]
    row[X1] = row[X2] = row[Y1] = row[Y2] = 0.0
    if row[IS_ZERO] == 1.0:
        return
    m11, m12, m22 = row[N11], row[N12], row[N22] + row[ALPHA]
    if row[KIND] == FOLLOWS:
        determinant = m11 * m22 - m12 * m12
        if determinant <= 1e-14 * m11 * m22:
            determinant += 1e-14 * m11 * m22 + TINY
        row[X1] = (m22 * h1 - m12 * h2) / determinant
        row[X2] = (m11 * h2 - m12 * h1) / determinant
        row[Y1] = (m22 * r1 - m12 * r2) / determinant
        row[Y2] = (m11 * r2 - m12 * r1) / determinant
        return
    back = 1.0 / slow if row[KIND] == BEGINS else 0.0
    stiffness = m11 + 2.0 * back * m12 + back * back * m22
    if stiffness <= TINY:
        row[IS_ZERO] = 1.0
        return
    level = (h1 + back * h2) / stiffness
    give = (r1 + back * r2) / stiffness
    row[X1], row[X2], row[Y1], row[Y2] = level, back * level, give, back * give


@njit(cache=True, nogil=True)
def front_event(pools: Any, i: int) -> float:
    """Return the event of the last pool, the ones before giving way."""
    row = pools[i]
    if row[KIND] != FOLLOWS:
        return row[X1]  # type: ignore[no-any-return]
    past = pools[i - 1]
    pull = row[ALPHA] * (row[X2] - past[L21] * past[X1] - past[L22] * past[X2])
    z1, z2 = past[X1] + past[Y1] * pull, past[X2] + past[Y2] * pull
    return row[X1] - past[L11] * z1 - past[L12] * z2  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def forward(
    pools: Any,
    starts: Any,
    n_pools: int,
    passage: Any,
    slow: float,
    of_y: float,
    of_one: float,
    of_sum: float,
) -> None:
    """Hand on the parabolas from pool to pool."""
    for i in range(n_pools):
        link(pools, i, is_start(passage, starts[i]))
        prepare(pools, i, slow, of_y, of_one, of_sum)


@njit(cache=True, nogil=True)
def backward(pools: Any, n_pools: int) -> float:
    """Find the states and events of a chain; return the most negative event."""
    smallest = 0.0
    for i in range(n_pools - 1, -1, -1):
        row = pools[i]
        z1, z2 = row[X1], row[X2]
        if i + 1 < n_pools and pools[i + 1, KIND] == FOLLOWS:
            after = pools[i + 1]
            pull = after[ALPHA] * (after[Z2] - row[L21] * z1 - row[L22] * z2)
            z1 += row[Y1] * pull
            z2 += row[Y2] * pull
        row[Z1], row[Z2] = z1, z2
    for i in range(n_pools):
        row = pools[i]
        row[EVENT] = row[Z1]
        if row[KIND] == FOLLOWS:
            past = pools[i - 1]
            row[EVENT] -= past[L11] * past[Z1] + past[L12] * past[Z2]
        smallest = min(smallest, row[EVENT])
    return smallest


@njit(cache=True, nogil=True)
def settle(
    pools: Any,
    starts: Any,
    n_pools: int,
    passage: Any,
    slow: float,
    baseline: float,
    penalty: float,
    s_min: float,
) -> int:
    """Solve the chain and merge pools until no event is too small; return their number."""
    for _ in range(1000):
        forward(pools, starts, n_pools, passage, slow, 1.0, baseline, penalty)
        backward(pools, n_pools)
        last = -1
        is_clean = True
        for i in range(n_pools):
            is_first = pools[i, KIND] == BEGINS
            least = 0.0 if is_first else s_min
            too_small = pools[i, IS_ZERO] == 0.0 and pools[i, EVENT] < least - 1e-12
            last += 1
            if last != i:
                pools[last] = pools[i]
                starts[last] = starts[i]
            if too_small:
                is_clean = False
                if is_first:
                    pools[last, IS_ZERO] = 1.0
                else:
                    last -= 1
                    merge(pools, last)
        n_pools = last + 1
        if is_clean:
            break
    return n_pools
