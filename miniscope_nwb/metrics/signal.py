"""Metrics of one trace, (n_frames,), in noise units where nothing else is said.

NaN are frames that were not measured: they count nowhere.
"""

from __future__ import annotations

import numpy as np

from miniscope_nwb.medians import row_medians
from miniscope_nwb.movie import FrameClock
from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import Float32

_MAD_TO_SIGMA = 1.4826  # of a Gaussian
_MODE_BINS_LEAST = 20  # samples below the mode that its noise is taken from, at least
_BEFORE_S, _AFTER_S = 1.0, 3.0  # of the mean transient, around the peak


def noise(trace: Float32) -> float:
    """Return the standard deviation of frame-to-frame noise, in the trace's unit; 0 and above.

    From the median absolute difference of neighbouring frames: transients, which are slow and
    rare, hardly add to it.
    """
    return float(noises(trace[np.newaxis])[0])


def noises(traces: Float32) -> FloatArray:
    """Return the `noise` of traces (n, n_frames), (n,)."""
    steps = np.diff(traces.astype(np.float64), axis=1)
    steps[~np.isfinite(steps)] = np.nan
    away = np.abs(steps - row_medians(steps)[:, np.newaxis])
    found: FloatArray = _MAD_TO_SIGMA * row_medians(away) / np.sqrt(2)
    return found


def half_sample_mode(values: FloatArray) -> float:
    """Most frequent value, by repeatedly keeping the densest half (Robertson & Cryer 1974).

    `values` (n,) are finite; NaN where there is none.
    """
    kept = np.sort(values)
    while len(kept) > 3:
        half = (len(kept) + 1) // 2
        widths = kept[half - 1 :] - kept[: len(kept) - half + 1]
        first = int(np.argmin(widths))
        kept = kept[first : first + half]
    if len(kept) == 3:
        kept = kept[:2] if kept[1] - kept[0] < kept[2] - kept[1] else kept[1:]
    return float(kept.mean()) if len(kept) else float("nan")


def event_exceptionality(trace: Float32, clock: FrameClock, *, n_samples: int) -> float:
    """SNR of the most exceptional event, in standard deviations; about 1 to 2 for noise.

    The baseline is the trace's mode, the noise the spread of the values below it. The likelihood
    that noise alone exceeds each sample is averaged (in logarithms) over `n_samples` consecutive
    samples, the length of a transient; the least likely window, as a quantile of the Gaussian, is
    the SNR (Giovannucci et al. 2019, eLife 8:e38173, "event exceptionality"). Windows lie between
    frames that were not measured; NaN where none is whole.

    Likelihoods stay logarithms up to the quantile: as numbers they would be zero above 37.5, and
    all bright components alike.
    """
    from scipy.special import log_ndtr, ndtri_exp

    values = trace[np.isfinite(trace)].astype(np.float64)
    mode = half_sample_mode(values)
    below = values[values < mode] - mode
    if len(below) < _MODE_BINS_LEAST:
        return float("nan")
    sigma = float(np.sqrt(np.mean(below**2)))
    if sigma <= 0:
        return float("nan")
    likely = log_ndtr(-(trace.astype(np.float64) - mode) / sigma)
    least = 0.0
    for start, stop in _whole_pieces(trace, clock, n_samples):
        sums = np.concatenate([[0.0], np.cumsum(likely[start:stop])])
        least = min(least, float((sums[n_samples:] - sums[:-n_samples]).min()) / n_samples)
    return float(-ndtri_exp(least)) if least < 0 else float("nan")


def _whole_pieces(trace: Float32, clock: FrameClock, least: int) -> list[tuple[int, int]]:
    """Cut the frames into [start, stop) of at least so many measured frames without a gap."""
    measured = np.isfinite(trace).astype(np.int8)
    pieces = []
    for first, last in clock.runs():
        steps = np.diff(np.concatenate([[0], measured[first:last], [0]]))
        for start, stop in zip(
            np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True
        ):
            if stop - start >= least:
                pieces.append((first + int(start), first + int(stop)))
    return pieces


def robust_snr(trace: Float32, peaks: IntArray) -> float:
    """Median height of the events above the trace's median, by its noise; 0 where no event is.

    A median: one artefact does not lift it, as it lifts the most exceptional event.
    """
    if not len(peaks):
        return 0.0
    level = float(np.nanmedian(trace))
    return float(np.nanmedian(trace[peaks]) - level) / noise(trace)


def skewness(trace: Float32) -> float:
    """Third standardised moment; 0 for noise, above 1 for sparse transients, below 0 for dips."""
    values = trace[np.isfinite(trace)].astype(np.float64)
    if not len(values):
        return float("nan")
    values -= values.mean()
    spread = float(np.mean(values**2)) ** 1.5
    return float(np.mean(values**3)) / spread if spread > 0 else float("nan")


def rate_per_minute(n_events: int, *, n_frames: int, rate_hz: float) -> float:
    """Events a minute of measured frames; 0 and above."""
    return 60.0 * n_events * rate_hz / n_frames if n_frames else float("nan")


def drift(trace: Float32) -> float:
    """Median of the last third of the frames minus that of the first; any sign; 0: steady."""
    third = len(trace) // 3
    first, last = trace[:third], trace[len(trace) - third :]
    if not (np.isfinite(first).any() and np.isfinite(last).any()):
        return float("nan")
    return float(np.nanmedian(last)) - float(np.nanmedian(first))


def mean_transient(trace: Float32, peaks: IntArray, clock: FrameClock) -> tuple[FloatArray, int]:
    """Average of the trace around its events.

    Returns
    -------
    transient
        (n,) from 1 s before the peak to 3 s after; NaN where no event has a sample. Events next
        to a lost frame or to the edge of a recording give only what is whole.
    peak
        Index of the peak in it.
    """
    before, after = (round(s * clock.rate_hz) for s in (_BEFORE_S, _AFTER_S))
    sums, counts = np.zeros(before + after + 1), np.zeros(before + after + 1)
    for start, stop in clock.runs():
        for peak in peaks[(peaks >= start) & (peaks < stop)].tolist():
            first, last = max(start, peak - before), min(stop, peak + after + 1)
            piece = trace[first:last].astype(np.float64)
            place = slice(first - peak + before, last - peak + before)
            is_finite = np.isfinite(piece)
            sums[place] += np.where(is_finite, piece, 0)
            counts[place] += is_finite
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), before


def rise_time(transient: FloatArray, peak: int, *, rate_hz: float) -> float:
    """Seconds that the mean transient takes from half of its height to the peak; above 0.

    The height is counted from the median of the second before; NaN where there is no event.
    """
    level = _level_before(transient, peak)
    half = level + 0.5 * (transient[peak] - level)
    for k in range(peak, 0, -1):
        low, high = transient[k - 1], transient[k]
        if low < half <= high:
            return float((peak - (k - 1) - (half - low) / (high - low)) / rate_hz)
    return float("nan")


def decay_time(transient: FloatArray, peak: int, *, rate_hz: float) -> float:
    """Seconds that the mean transient takes from its peak to 1/e of its height; above 0.

    NaN where it does not fall so low within 3 s, or where there is no event.
    """
    level = _level_before(transient, peak)
    low = level + (transient[peak] - level) / np.e
    for k in range(peak, len(transient) - 1):
        here, then = transient[k], transient[k + 1]
        if here > low >= then:
            return float((k - peak + (here - low) / (here - then)) / rate_hz)
    return float("nan")


def _level_before(transient: FloatArray, peak: int) -> float:
    early = transient[: max(1, peak // 2)]
    return float(np.nanmedian(early)) if np.isfinite(early).any() else float("nan")


def decay_samples(kernel: Float32) -> int:
    """Frames that a transient decays for (to 1/e), from the AR coefficients (n_cells, order).

    The median over the components, at least 1: the slowest root of z^p - g1 z^(p-1) - ... is
    exp(-1 / frames).
    """
    frames = []
    for coefficients in kernel:
        roots = np.abs(np.roots(np.concatenate([[1.0], -coefficients.astype(np.float64)])))
        largest = float(roots.max(initial=0.0))
        if 0 < largest < 1:
            frames.append(-1 / np.log(largest))
    return max(1, round(float(np.median(frames)))) if frames else 1
