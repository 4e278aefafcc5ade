"""Noise of a trace: what is left at frequencies that calcium does not reach.

Frames that are missing, lost or of another recording cut a trace into stretches; spectra and
differences are taken within a stretch only.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from miniscope_nwb.movie import FrameClock, map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray

Float32 = npt.NDArray[np.float32]

WINDOWS = (256, 128, 64, 32, 16)  # samples of a spectrum: as long as the stretch allows
MIN_BINS = 64  # of spectra, below: differences (a relative error of 1 / sqrt(64) of the variance)
MIN_DIFFERENCES = 8
MAD_TO_SIGMA = 1.482602  # of a normal distribution
_MOST_TOGETHER = 16  # traces at a time, and their samples
_TOGETHER_SAMPLES = 250_000
EULER_GAMMA = 0.5772156649015329  # the mean log of a periodogram lies so far below the log mean


def stretches(is_missing: BoolArray, clock: FrameClock) -> list[tuple[int, int]]:
    """Cut into [start, stop) of consecutive frames of one recording, all measured."""
    found = []
    for start, stop in clock.runs():
        measured = np.concatenate([[False], ~is_missing[start:stop], [False]])
        edges = np.flatnonzero(measured[1:] != measured[:-1]) + start
        found += [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return found


def estimate_noise(trace: FloatArray, clock: FrameClock, is_missing: BoolArray) -> float:
    """Estimate the standard deviation of the white noise of a trace.

    From the power between a quarter of the frame rate and half of it, averaged as logarithms, so
    that a few bright bursts do not count (Pnevmatikakis et al. 2016, Neuron 89: 285). Where the
    stretches are too short for spectra: from the median absolute difference of neighbours.

    Parameters
    ----------
    trace
        (n_frames,), NaN allowed.
    clock
        When the frames were taken.
    is_missing
        (n_frames,) bool: samples that do not count, besides NaN.

    Returns
    -------
    sigma
        In the unit of the trace; NaN where fewer than 9 neighbouring samples were measured.
    """
    missing = is_missing | ~np.isfinite(trace)
    return float(_noises_within(trace[None], stretches(missing, clock))[0])


def estimate_noises(
    traces: Float32, clock: FrameClock, is_missing: BoolArray, *, n_threads: int = 1
) -> FloatArray:
    """Do so for traces (n, n_frames), a few at a time; no number depends on which."""
    together = max(1, min(_MOST_TOGETHER, _TOGETHER_SAMPLES // max(traces.shape[1], 1)))

    def some(first: int) -> FloatArray:
        few = traces[first : first + together].astype(np.float64)
        found = np.empty(len(few))
        for missing, members in _alike(is_missing | ~np.isfinite(few)):
            found[members] = _noises_within(few[members], stretches(missing, clock))
        return found

    parts = map_in_order(some, range(0, len(traces), together), n_threads=n_threads)
    return np.concatenate([np.empty(0), *parts])


def _alike(missing: BoolArray) -> list[tuple[BoolArray, IntArray]]:
    """Put traces together that miss the same samples, as nearly all do; and say which these are."""
    groups: dict[bytes, list[int]] = {}
    for k, row in enumerate(missing):
        groups.setdefault(row.tobytes(), []).append(k)
    return [(missing[members[0]], np.array(members)) for members in groups.values()]


def _noises_within(traces: FloatArray, parts: list[tuple[int, int]]) -> FloatArray:
    """Estimate the noise from stretches [start, stop) in which the traces were measured."""
    bins, log_sums = np.zeros(len(traces), np.int64), np.zeros(len(traces))
    for size, windows in _windows(parts).items():
        power = _band_power(np.stack([traces[:, a : a + size] for a in windows], axis=1))
        is_told = (power > 0).all(axis=2)  # a stretch of constants has no noise to tell
        power[~is_told] = 1
        bins += is_told.sum(axis=1) * power.shape[2]
        log_sums += np.log(power).reshape(len(traces), -1).sum(axis=1)
    is_known = bins >= MIN_BINS
    found = np.exp(0.5 * (log_sums / np.maximum(bins, 1) + EULER_GAMMA))
    for k in np.flatnonzero(~is_known):
        found[k] = _noise_of_differences(traces[k], parts)
    return found


def _noise_of_differences(trace: FloatArray, parts: list[tuple[int, int]]) -> float:
    """Estimate the noise from what neighbouring samples differ by."""
    differences = [np.diff(trace[a:b]) for a, b in parts if b - a > 1]
    joined = np.concatenate(differences) if differences else np.empty(0)
    if len(joined) < MIN_DIFFERENCES:
        return float("nan")
    return float(MAD_TO_SIGMA / np.sqrt(2) * np.median(np.abs(joined - np.median(joined))))


def _windows(parts: list[tuple[int, int]]) -> dict[int, list[int]]:
    """Return the first samples of the windows, by their length."""
    windows: dict[int, list[int]] = {}
    for start, stop in parts:
        at = start
        for size in WINDOWS:
            while stop - at >= size:
                windows.setdefault(size, []).append(at)
                at += size
    return windows


def _band_power(windows: FloatArray) -> FloatArray:
    """Return the periodogram in the upper half of the band; white noise gives its variance.

    Of windows (n_traces, n_windows, size).

    The Hann taper keeps slow calcium from leaking upwards; the last bin (half the rate) is left
    out: it has one degree of freedom where the others have two.
    """
    from scipy import fft

    size = windows.shape[-1]
    taper = _hann(size)
    centred = windows - windows.mean(axis=-1, keepdims=True)
    spectrum = fft.rfft(centred * taper, axis=-1, workers=1)[..., size // 4 : size // 2]
    power: FloatArray = np.abs(spectrum) ** 2 / (taper**2).sum()
    return power


@cache
def _hann(size: int) -> FloatArray:
    taper: FloatArray = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size)
    return taper
