"""F0: a running low percentile, in true time and for each joined recording on its own."""

from __future__ import annotations

import numpy as np

from miniscope_nwb.movie import FrameClock
from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import Float32

STEPS_A_WINDOW = 6  # windows overlap by five sixths; between their middles F0 is a straight line
MIN_SAMPLES = 20  # measured in a window: a percentile of fewer says little


def describe(percentile: float, window_s: float) -> str:
    """Say how F0 was made."""
    return (
        f"the running {percentile:g}th percentile (windows of {window_s:g} s in true time, each "
        "joined recording on its own) of the footprint-weighted recorded intensity: "
        "motion-corrected, before detrending or glow removal, background included; the "
        "fluorescence is weighted by the footprint in the same way, so that both are grey levels "
        "of one area"
    )


def running_percentile(
    values: Float32, clock: FrameClock, *, percentile: float, window_s: float
) -> Float32:
    """Return the running percentile of traces.

    Parameters
    ----------
    values
        (n_cells, n_frames), NaN where not measured.
    clock
        When the frames were taken: windows are of seconds, whatever was lost in them.
    percentile
        0 to 100.
    window_s
        Length of a window; at the ends of a segment it is cut.

    Returns
    -------
    f0
        Like `values`; NaN in segments in which no window holds 20 measured samples.
    """
    out = np.full(values.shape, np.nan, np.float32)
    edges = np.flatnonzero(np.diff(clock.segment)) + 1
    for frames in np.split(np.arange(clock.n_frames), edges):
        if len(frames):
            _segment(values, clock.times_s, frames, percentile, window_s, out)
    return out


def _segment(
    values: Float32,
    times_s: FloatArray,
    frames: IntArray,
    percentile: float,
    window_s: float,
    out: Float32,
) -> None:
    """Fill `out` for the frames of one segment."""
    first, last = int(frames[0]), int(frames[-1]) + 1
    times = times_s[first:last]
    length = float(times[-1] - times[0])
    n_windows = max(1, int(np.ceil((length - window_s) / window_s * STEPS_A_WINDOW)) + 1)
    middles = times[0] + length / 2
    if n_windows > 1:
        middles = np.linspace(times[0] + window_s / 2, times[-1] - window_s / 2, n_windows)
    middles = np.atleast_1d(middles)
    levels = np.empty((len(values), len(middles)))
    for number, middle in enumerate(middles):
        start = first + int(np.searchsorted(times, middle - window_s / 2, "left"))
        stop = first + int(np.searchsorted(times, middle + window_s / 2, "right"))
        levels[:, number] = _percentile(values[:, start:stop], percentile)
    for cell in range(len(values)):
        known = np.isfinite(levels[cell])
        if known.any():
            out[cell, first:last] = np.interp(times, middles[known], levels[cell, known])


def _percentile(values: Float32, percentile: float) -> FloatArray:
    """Return the percentile of each row, NaN left out; NaN where too few are left."""
    ordered = np.sort(values, axis=1)  # NaN come last
    n = np.isfinite(values).sum(axis=1)
    place = np.maximum(n - 1, 0) * percentile / 100
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(n - 1, 0))
    rows = np.arange(len(values))
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    below, above = ordered[rows, low].astype(np.float64), ordered[rows, high].astype(np.float64)
    level: FloatArray = below + (place - low) * (above - below)
    level[n < MIN_SAMPLES] = np.nan
    return level
