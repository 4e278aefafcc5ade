"""How fast calcium decays in these cells: from the autocovariance of their traces.

White noise adds to lag 0 alone, so it is taken off there; events at random times leave the
autocovariance of one event's shape; slow changes of the baseline or of the rate of events add
nearly a constant over the few lags used, which is fitted and left. What a cell says is weighed
against the indicator's time by how well its own parts agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.deconvolve.times import DEFAULT_DECAY_S, DEFAULT_RISE_S, decay_kernel
from miniscope_nwb.movie import FrameClock, map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray

N_PARTS = 8  # of the recording: how much they differ tells how sure the estimate is
LAGS_OF_DECAY = 3.0  # lags used, in decay times of the indicator
MIN_LAGS = 6
SPREAD_OF_DECAY = 0.3  # of the log of decay times between cells of one indicator (about 30 %)
SPAN = 4.0  # an estimate lies within this factor of the indicator's time
WARN_FACTOR = 2.0
GRID = 61  # decay times tried
BURSTS_S = (0.0, 0.05, 0.1, 0.2)  # spikes come in bursts so long: not the cell's decay
SIGNAL_SHARE = 0.05  # variance that is not noise, below: the cell cannot tell


@dataclass(frozen=True, slots=True)
class Kernels:
    """Kernels of the cells; arrays have shape (n_cells,) unless said otherwise."""

    coefficients: FloatArray  # (n_cells, order), at the full rate
    decay_s: FloatArray  # used: the estimate drawn towards the indicator's time
    estimate_s: FloatArray  # what the cell alone says; NaN where it cannot tell
    rise_s: float  # of order 2; 0 for order 1
    warning: str  # one sentence where the estimates are far from the indicator's time, or ""


def estimate_kernels(
    raw: npt.NDArray[Any],
    *,
    clock: FrameClock,
    noise: FloatArray,
    is_missing: BoolArray | None = None,
    decay_s: float = DEFAULT_DECAY_S,
    rise_s: float = DEFAULT_RISE_S,
    order: int = 1,
    n_threads: int = 1,
) -> Kernels:
    """Estimate the decay time of each cell.

    Parameters
    ----------
    raw
        (n_cells, n_frames) traces, NaN where not measured; may be a memory map.
    clock
        When the frames were taken; pairs of samples are taken within a run without a gap.
    noise
        (n_cells,) standard deviation of the white noise, see `estimate_noise`.
    is_missing
        (n_frames,) bool: samples that do not count.
    decay_s, rise_s
        Of the indicator, s. The rise is not estimated: at miniscopes' rates it lasts a frame.
    order
        Of the kernels.
    n_threads
        Cells at work at a time.
    """
    n_cells, n_frames = raw.shape
    missing = np.zeros(n_frames, np.bool_) if is_missing is None else is_missing
    run = np.cumsum(np.r_[0, (clock.steps[1:] != 1) | (np.diff(clock.segment) != 0)])
    n_lags = max(MIN_LAGS, round(LAGS_OF_DECAY * decay_s * clock.rate_hz)) + 1
    shapes, tried = _shapes(decay_s, rise_s if order == 2 else 0.0, clock.rate_hz, n_lags)

    def one(cell: int) -> tuple[float, float]:
        sums, counts = _covariance(np.array(raw[cell], np.float64), missing, run, n_lags)
        return _decay(sums, counts, float(noise[cell]), shapes, tried)

    found = np.array(list(map_in_order(one, range(n_cells), n_threads=n_threads))).reshape(-1, 2)
    used = np.exp(
        np.log(decay_s) + found[:, 1] * np.log(np.nan_to_num(found[:, 0], nan=decay_s) / decay_s)
    )
    coefficients = np.array(
        [decay_kernel(d, rate_hz=clock.rate_hz, order=order, rise_s=rise_s) for d in used]
    ).reshape(n_cells, order)
    rise = rise_s if order == 2 else 0.0
    return Kernels(coefficients, used, found[:, 0], rise, _warning(found[:, 0], decay_s))


def _shapes(
    decay_s: float, rise_s: float, rate_hz: float, n_lags: int
) -> tuple[FloatArray, FloatArray]:
    """Return autocovariances (len(BURSTS_S) * GRID, n_lags) and the decay times they belong to.

    Of events with the decay times tried, that come alone or in bursts.
    """
    tried = decay_s * np.geomspace(1 / SPAN, SPAN, GRID)
    slow = np.exp(-1 / (tried * rate_hz))[:, np.newaxis]
    lags = np.arange(n_lags)
    shapes = []
    for fast_s in BURSTS_S:
        # Of h_n = slow^(n+1) - fast^(n+1): sums of geometric series.
        time = max(fast_s, rise_s)
        fast = np.minimum(np.exp(-1 / (time * rate_hz)) if time else 0.0, 0.9 * slow)
        mixed = slow * fast * (slow**lags + fast**lags) / (1 - slow * fast)
        shape = slow ** (lags + 2) / (1 - slow**2) - mixed + fast ** (lags + 2) / (1 - fast**2)
        shapes.append(shape / shape[:, :1])
    return np.concatenate(shapes), np.tile(tried, len(BURSTS_S))


def _covariance(
    trace: FloatArray, is_missing: BoolArray, run: npt.NDArray[Any], n_lags: int
) -> tuple[FloatArray, FloatArray]:
    """Return sums of lagged products and their counts, (N_PARTS, n_lags)."""
    from miniscope_nwb.deconvolve.covariance_kernels import lagged_products

    gone = is_missing | ~np.isfinite(trace)
    sums, counts = np.zeros((N_PARTS, n_lags)), np.zeros((N_PARTS, n_lags))
    if not gone.all():
        trace -= trace[~gone].mean()
        lagged_products(trace, gone, run, sums, counts)
    return sums, counts


def _decay(
    sums: FloatArray, counts: FloatArray, noise: float, shapes: FloatArray, tried: FloatArray
) -> tuple[float, float]:
    """Return a cell's decay time, s, and how far it is to be believed, 0 to 1.

    The variance of the estimate comes from leaving out one part of the recording at a time
    (jackknife).
    """
    whole = _fit(sums.sum(axis=0), counts.sum(axis=0), noise, shapes, tried)
    if not np.isfinite(whole):
        return np.nan, 0.0
    without = np.array(
        [
            _fit(sums.sum(axis=0) - a, counts.sum(axis=0) - n, noise, shapes, tried)
            for a, n in zip(sums, counts, strict=True)
        ]
    )
    logs = np.log(without)
    if not np.isfinite(logs).all():
        return whole, 0.0
    variance = (N_PARTS - 1) / N_PARTS * ((logs - logs.mean()) ** 2).sum()
    return whole, float(SPREAD_OF_DECAY**2 / (SPREAD_OF_DECAY**2 + variance))


def _fit(
    sums: FloatArray, counts: FloatArray, noise: float, shapes: FloatArray, tried: FloatArray
) -> float:
    """Return the decay time whose autocovariance, scaled and shifted, is nearest; NaN: none."""
    if (counts < 1).any() or not np.isfinite(noise):
        return np.nan
    covariance = sums / counts
    total = covariance[0]
    covariance[0] -= noise**2
    if covariance[0] <= SIGNAL_SHARE * total or covariance[1] <= 0:
        return np.nan
    # Lag 0 carries the error of the noise estimate: it is left out of the fit.
    wanted = covariance[1:] - covariance[1:].mean()
    centred = shapes[:, 1:] - shapes[:, 1:].mean(axis=1, keepdims=True)
    scale = centred @ wanted / (centred**2).sum(axis=1)
    error = (wanted**2).sum() - scale**2 * (centred**2).sum(axis=1)
    error[scale <= 0] = np.inf
    best = int(np.argmin(error))
    if not np.isfinite(error[best]):
        return np.nan
    if best % GRID in (0, GRID - 1):  # at the end of what is tried: no neighbour to refine by
        return float(tried[best])
    below, here, above = error[best - 1 : best + 2]
    bend = below - 2 * here + above
    moved = 0.5 * (below - above) / bend if np.isfinite(bend) and bend > 0 else 0.0
    return float(tried[best] * (tried[1] / tried[0]) ** moved)


def _warning(estimates: FloatArray, decay_s: float) -> str:
    """Say where the cells' decay is far from the indicator's."""
    known = estimates[np.isfinite(estimates)]
    if not len(known):
        return ""
    median = float(np.median(known))
    if 1 / WARN_FACTOR <= median / decay_s <= WARN_FACTOR:
        return ""
    return (
        f"calcium decays in {median:.2f} s (median of {len(known)} cells) where {decay_s:.2f} s "
        f"were expected: check the indicator, or give extract.decay_time_s"
    )
