"""Correlation of traces with what is no cell: the background around them, and motion."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import FloatArray
from miniscope_nwb.results import Float32, MotionResult

_LEAST_SAMPLES = 10  # fewer common frames tell nothing


def correlation(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> float:
    """Pearson correlation of two traces over the frames that both have, -1 to 1.

    NaN where fewer than 10 frames are common or one trace is constant.
    """
    both = np.isfinite(a) & np.isfinite(b)
    if np.count_nonzero(both) < _LEAST_SAMPLES:
        return float("nan")
    x, y = a[both].astype(np.float64), b[both].astype(np.float64)
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else float("nan")


def background_correlation(trace: Float32, neuropil: Float32) -> float:
    """Correlation of a component's trace with the background around it, -1 to 1; large: glow."""
    return correlation(trace, neuropil)


def motion_signals(motion: MotionResult, center: tuple[float, float]) -> FloatArray:
    """Return what motion may look like in a trace, (3, n_frames), px.

    The correction in x and in y (of the nearest block where it is piecewise), and its distance
    from the median place: a component at an edge brightens with any motion.
    """
    shifts = motion.shifts_px
    if motion.blocks is not None and motion.block_shifts_px is not None:
        blocks = motion.blocks
        x, y = (blocks.x_start + blocks.x_stop) / 2, (blocks.y_start + blocks.y_stop) / 2
        nearest = int(np.argmin((x - center[0]) ** 2 + (y - center[1]) ** 2))
        shifts = motion.block_shifts_px[:, nearest]
    shifts = shifts.astype(np.float64)
    away = shifts - np.nanmedian(shifts, axis=0)
    return np.stack([shifts[:, 0], shifts[:, 1], np.hypot(away[:, 0], away[:, 1])])


def motion_correlation(trace: Float32, signals: FloatArray) -> float:
    """Largest absolute correlation of a trace with the motion of its place, 0 to 1."""
    found = [abs(correlation(trace, signal)) for signal in signals]
    finite = [value for value in found if np.isfinite(value)]
    return max(finite) if finite else 0.0
