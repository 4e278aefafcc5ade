"""Deconvolution of one trace and of many: the door to the compiled kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.deconvolve.noise import estimate_noise
from miniscope_nwb.deconvolve.times import kernel_roots
from miniscope_nwb.medians import row_medians
from miniscope_nwb.movie import FrameClock, exhaust, map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray

MAX_ROUNDS = 10  # of pooling from scratch; two to four are usual
UPDATE_ROUNDS = 1  # inside an extraction, which comes back to every trace anyway
_MOST_TOGETHER = 8  # traces that a thread takes at a time
TOLERANCE = 1e-4  # of the noise: baseline and penalty are found to it


@dataclass(frozen=True, slots=True)
class Deconvolved:
    """One trace, deconvolved. Traces have shape (n_frames,), float64."""

    denoised: FloatArray  # calcium without baseline
    deconvolved: FloatArray  # events in the unit of the trace, no spikes; 0 at a segment's start
    baseline: float
    penalty: float
    noise: float  # standard deviation that was used


@dataclass(frozen=True, slots=True)
class Fits:
    """What was found for each trace; arrays have shape (n_cells,), NaN where nothing was seen."""

    baseline: FloatArray
    penalty: FloatArray
    noise: FloatArray


def deconvolve(
    trace: npt.NDArray[Any],
    *,
    kernel: FloatArray,
    clock: FrameClock,
    is_missing: BoolArray | None = None,
    noise: float | None = None,
    baseline: float | None = None,
    penalty: float | None = None,
    s_min: float = 0.0,
) -> Deconvolved:
    """Deconvolve a trace by OASIS (Friedrich, Zhou & Paninski 2017).

    Parameters
    ----------
    trace
        (n_frames,); NaN is missing.
    kernel
        (1,) or (2,) AR coefficients, see `decay_kernel`.
    clock
        When the frames were taken: calcium decays through lost frames in true time, and a new
        segment starts from scratch.
    is_missing
        (n_frames,) bool, more samples that are not to be believed.
    noise
        Standard deviation; estimated where None.
    baseline
        None: found together with the calcium.
    penalty
        Weight of the sum of events. None: 0 with `s_min`; otherwise chosen so that the mean
        squared residual is the squared noise, and 0 where the noise cannot be reached.
    s_min
        Smallest event, in units of the noise; 0: the penalty alone makes events sparse.
    """
    row = np.asarray(trace, np.float64)[np.newaxis]
    denoised, events = np.empty_like(row), np.empty_like(row)
    fits = deconvolve_many(
        row,
        kernel=np.asarray(kernel, np.float64)[np.newaxis],
        clock=clock,
        is_missing=is_missing,
        noise=None if noise is None else np.array([noise]),
        baseline=None if baseline is None else np.array([baseline]),
        penalty=None if penalty is None else np.array([penalty]),
        s_min=s_min,
        out_denoised=denoised,
        out_deconvolved=events,
    )
    return Deconvolved(
        denoised[0],
        events[0],
        float(fits.baseline[0]),
        float(fits.penalty[0]),
        float(fits.noise[0]),
    )


def deconvolve_many(
    raw: npt.NDArray[Any],
    *,
    kernel: FloatArray,
    clock: FrameClock,
    out_denoised: npt.NDArray[Any],
    out_deconvolved: npt.NDArray[Any],
    is_missing: BoolArray | None = None,
    noise: FloatArray | None = None,
    baseline: FloatArray | None = None,
    penalty: FloatArray | None = None,
    s_min: float = 0.0,
    n_threads: int = 1,
) -> Fits:
    """Deconvolve many traces, in threads, from memory map to memory map.

    Parameters
    ----------
    raw
        (n_cells, n_frames), may be a memory map; a few traces a thread are in memory.
    kernel
        (n_cells, order) AR coefficients.
    out_denoised, out_deconvolved
        (n_cells, n_frames), written; either may be `raw` itself.
    noise, baseline, penalty
        (n_cells,) or None, see `deconvolve`.
    is_missing, clock, s_min
        See `deconvolve`; the same for all traces.
    """
    given = _Given(noise, baseline, penalty, s_min, None, MAX_ROUNDS)
    return _run(raw, kernel, clock, is_missing, given, out_denoised, out_deconvolved, n_threads)


def update_many(
    raw: npt.NDArray[Any],
    *,
    kernel: FloatArray,
    noise: FloatArray,
    clock: FrameClock,
    out_denoised: npt.NDArray[Any],
    out_deconvolved: npt.NDArray[Any],
    start: Fits | None = None,
    is_missing: BoolArray | None = None,
    n_rounds: int = UPDATE_ROUNDS,
    n_threads: int = 1,
) -> Fits:
    """Deconvolve traces that changed a little, as an extraction does in each of its rounds.

    Kernel and noise are fixed; baseline and penalty start where they were in `start` and take
    `n_rounds` steps (0: they stay). Without `start` it is the full deconvolution. The other
    parameters are those of `deconvolve_many`.
    """
    rounds = MAX_ROUNDS if start is None else n_rounds
    given = _Given(noise, None, None, 0.0, start, rounds)
    return _run(raw, kernel, clock, is_missing, given, out_denoised, out_deconvolved, n_threads)


@dataclass(frozen=True, slots=True)
class _Given:
    """What the caller fixed, what the search starts from, and how far it goes."""

    noise: FloatArray | None
    baseline: FloatArray | None
    penalty: FloatArray | None
    s_min: float
    start: Fits | None
    max_rounds: int


def _run(
    raw: npt.NDArray[Any],
    kernel: FloatArray,
    clock: FrameClock,
    is_missing: BoolArray | None,
    given: _Given,
    out_denoised: npt.NDArray[Any],
    out_deconvolved: npt.NDArray[Any],
    n_threads: int,
) -> Fits:
    """Deconvolve every trace; results do not depend on the number of threads."""
    n_cells, n_frames = raw.shape
    missing = np.zeros(n_frames, np.bool_) if is_missing is None else is_missing
    solve = _solver(np.asarray(kernel, np.float64), clock)
    found = np.full((3, n_cells), np.nan)

    together = max(1, min(_MOST_TOGETHER, n_cells // (4 * n_threads)))

    def some(first: int) -> None:
        cells = slice(first, min(first + together, n_cells))
        traces = np.array(raw[cells], np.float64)
        is_gone = missing | ~np.isfinite(traces)
        denoised, events = np.zeros(traces.shape), np.zeros(traces.shape)
        found[:, cells] = _some(traces, is_gone, denoised, events, clock, given, cells, solve)
        out_denoised[cells] = denoised
        out_deconvolved[cells] = events

    exhaust(map_in_order(some, range(0, n_cells, together), n_threads=n_threads))
    return Fits(*found)


Solve = Callable[..., None]


def _some(
    traces: FloatArray,
    is_missing: BoolArray,
    denoised: FloatArray,
    events: FloatArray,
    clock: FrameClock,
    given: _Given,
    cells: slice,
    solve: Solve,
) -> FloatArray:
    """Deconvolve traces (n, n_frames) of some cells into `denoised` and `events`.

    Returns
    -------
    found
        (3, n): baseline, penalty and noise; NaN where nothing was seen.
    """
    n_seen = (~is_missing).sum(axis=1)
    sigma = _sigmas(traces, is_missing, clock, given, cells)
    centre = row_medians(np.where(is_missing, np.nan, traces))
    traces -= centre[:, np.newaxis]  # sums stay small, whatever the baseline
    baseline, penalty = np.zeros((2, len(traces)))
    if given.baseline is not None:
        baseline = given.baseline[cells] - centre
    if given.penalty is not None:
        penalty = np.array(given.penalty[cells], np.float64)
    if given.start is not None:
        known = np.isfinite(given.start.baseline[cells])
        baseline = np.where(known, given.start.baseline[cells] - centre, baseline)
        penalty = np.where(known, given.start.penalty[cells], penalty)
    solve(
        cells,
        traces,
        is_missing,
        n_seen,
        sigma**2 * n_seen,
        baseline,
        penalty,
        given.s_min * sigma,
        np.array([given.baseline is None, given.penalty is None and given.s_min == 0.0]),
        given.max_rounds,
        TOLERANCE * sigma,
        denoised,
        events,
    )
    found = np.stack([baseline + centre, penalty, sigma])
    found[:, n_seen == 0] = np.nan
    return found


def _sigmas(
    traces: FloatArray, is_missing: BoolArray, clock: FrameClock, given: _Given, cells: slice
) -> FloatArray:
    """Return the noise of each trace, its standard deviation where the noise is not known."""
    if given.noise is None:
        pairs = zip(traces, is_missing, strict=True)
        sigma = np.array([estimate_noise(trace, clock, gone) for trace, gone in pairs])
    else:
        sigma = np.array(given.noise[cells], np.float64)
    for k in np.flatnonzero(~np.isfinite(sigma) & ~is_missing.all(axis=1)).tolist():
        sigma[k] = traces[k, ~is_missing[k]].std()
    return sigma


def _solver(kernel: FloatArray, clock: FrameClock) -> Solve:
    """Return the compiled solver of the kernels' order, bound to the frames' times."""
    from miniscope_nwb.deconvolve import ar1_kernels, ar2_kernels

    for cell, coefficients in enumerate(kernel):
        slow, fast = kernel_roots(coefficients)
        if not 0 <= fast <= slow < 1 or (slow == 0 and kernel.shape[1] == 2):
            message = f"The kernel {coefficients.tolist()} of cell {cell} does not decay smoothly."
            raise ValueError(message)
    steps, segment = np.ascontiguousarray(clock.steps), np.ascontiguousarray(clock.segment)

    roots = np.array([kernel_roots(coefficients)[0] for coefficients in kernel])

    def first_order(cells: slice, *rest: Any) -> None:
        ar1_kernels.fit_many(kernel[cells, 0].copy(), steps, segment, *rest)

    def second_order(cells: slice, *rest: Any) -> None:
        ar2_kernels.fit_many(kernel[cells].copy(), roots[cells], steps, segment, *rest)

    return first_order if kernel.shape[1] == 1 else second_order
