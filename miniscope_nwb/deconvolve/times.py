"""Decay and rise times, and the autoregressive coefficients that they mean at a frame rate."""

from __future__ import annotations

import numpy as np

from miniscope_nwb.recording import FloatArray

# Decay of a transient to 1/e, s: where an estimate starts and what it is held against.
INDICATOR_DECAY_S = {
    "GCaMP6f": 0.5,
    "GCaMP6m": 0.9,
    "GCaMP6s": 1.8,
    "GCaMP8f": 0.3,
    "GCaMP8m": 0.4,
    "GCaMP8s": 0.6,
}
DEFAULT_DECAY_S = 0.6  # indicator not known: between the 6f and 6m that most recordings use
DEFAULT_RISE_S = 0.05  # rise of the 6f and 8 families, s; AR(2) only


def indicator_decay_s(indicator: str | None) -> float:
    """Return the decay time of an indicator, s, however its name is written."""
    return decay_of(indicator)[0]


def decay_of(indicator: str | None) -> tuple[float, str]:
    """Return the decay time of an indicator, s, and by which name it is known.

    Longer names count by what they hold ("jGCaMP8f", "AAV1-GCaMP6f", "gcamp 6s"); unknown ones
    get `DEFAULT_DECAY_S`.
    """
    written = "".join(c for c in (indicator or "").lower() if c.isalnum())
    for name, decay_s in INDICATOR_DECAY_S.items():
        if name.lower() in written:
            return decay_s, name
    return DEFAULT_DECAY_S, "indicator not known"


def decay_kernel(
    decay_s: float, *, rate_hz: float, order: int = 1, rise_s: float = DEFAULT_RISE_S
) -> FloatArray:
    """Return the AR coefficients of a transient.

    Parameters
    ----------
    decay_s, rise_s
        Time constants of the exponentials, s; the rise only for order 2, and shorter.
    rate_hz
        Frame rate.
    order
        1: ``c_t = g c_(t-1) + s_t``; 2: ``c_t = g1 c_(t-1) + g2 c_(t-2) + s_t``.

    Returns
    -------
    coefficients
        (order,).
    """
    decay = np.exp(-1.0 / (decay_s * rate_hz))
    if order == 1:
        return np.array([decay])
    rise = np.exp(-1.0 / (rise_s * rate_hz))
    return np.array([decay + rise, -decay * rise])


def kernel_times(coefficients: FloatArray, *, rate_hz: float) -> tuple[float, float]:
    """Return decay and rise time of AR coefficients, s; the rise of order 1 is 0.

    NaN where the coefficients decay to nothing at once, grow or swing.
    """
    decay, rise = kernel_roots(coefficients)
    times = [
        -1.0 / (np.log(root) * rate_hz) if 0 < root < 1 else (0.0 if root == 0 else np.nan)
        for root in (decay, rise)
    ]
    return float(times[0] or np.nan), float(times[1])


def kernel_roots(coefficients: FloatArray) -> tuple[float, float]:
    """Return the factors by which the slow and the fast part shrink in a frame, slow first."""
    if len(coefficients) == 1:
        return float(coefficients[0]), 0.0
    half, last = 0.5 * float(coefficients[0]), float(coefficients[1])
    swing = half * half + last
    if swing < -1e-12:
        return float("nan"), float("nan")
    root = float(np.sqrt(max(swing, 0.0)))
    return half + root, half - root
