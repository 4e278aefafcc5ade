"""Calcium events: excursions of a noise-normalised trace, by rules that can be read.

1. An excursion is a series of samples above the lower threshold (`event_confirm`). Samples that
   were not measured (NaN, lost frames) neither end nor prolong it, as long as the measured ones
   around them lie closer than the refractory time; a new segment always ends it.
2. It is an event where it reaches the upper threshold (`event_enter`) and was measured above the
   lower one for at least `event_min_s`.
3. An event that begins less than `event_refractory_s` after the end of the one before belongs to
   it: one event, of the larger size.

4. An event ends before the trace has come back where a new one begins: where it rises, from its
   lowest point since the last peak, as an event rises from the baseline. Since a low point is as
   noisy as what rises from it, both thresholds count sqrt(2) times, and since bright traces
   flicker, the rise is at least 0.3 of the low point's height. It begins at least
   `event_refractory_s` after the last peak. So what bright cells fire in quick succession is
   counted, and a burst is one event.

The onset is the first sample above the lower threshold, the end the last, the size the largest
value. The same detector on the inverted trace finds what noise alone brings about.
"""

from __future__ import annotations

import math

import numpy as np

from miniscope_nwb.movie import FrameClock
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import Events, Float32

_FRAME_SHARE = 0.1  # of a frame that a duration may lack: 0.1 s are two frames at 19.9 and 20.1 Hz
_NOISY_FOOT = math.sqrt(2.0)  # the noise of a difference of two samples, in that of one
_LEAST_RISE = 0.3  # of the low point's height: what is left of motion and focus flickers with it


def find_events(
    noise_normalized: Float32,
    clock: FrameClock,
    params: QualityParams,
    *,
    inverted: bool = False,
    from_rest: bool = False,
) -> Events:
    """Find the events of all traces.

    Parameters
    ----------
    noise_normalized
        (n_cells, n_frames) in noise units, NaN where not measured; may be a memory map, one trace
        is in memory at a time.
    clock
        When the frames were taken.
    params
        Thresholds and times, ``event_*``.
    inverted
        Find those of the trace turned upside down.
    from_rest
        Without the fourth rule: an event lasts until the trace has come back, so that the moment
        before it shows the cell at rest.

    Returns
    -------
    events
        In the order of their onsets, then cells.
    """
    from miniscope_nwb.metrics.events_kernels import scan

    n_cells, n_frames = noise_normalized.shape
    min_frames = max(1, math.ceil(params.event_min_s * clock.rate_hz - _FRAME_SHARE))
    times_s, steps, segment = (
        np.ascontiguousarray(a) for a in (clock.times_s, clock.steps, clock.segment)
    )
    found, sizes = np.empty((n_frames // 2 + 1, 3), np.int64), np.empty(n_frames // 2 + 1)
    cells: list[IntArray] = []
    frames: list[IntArray] = []
    heights: list[FloatArray] = []
    for cell in range(n_cells):
        trace = np.array(noise_normalized[cell], np.float64)
        n = scan(
            -trace if inverted else trace,
            times_s,
            steps,
            segment,
            params.event_enter,
            params.event_confirm,
            min_frames,
            params.event_refractory_s,
            math.inf if from_rest else _NOISY_FOOT,
            _LEAST_RISE,
            found,
            sizes,
        )
        cells.append(np.full(n, cell, np.int64))
        frames.append(found[:n].copy())
        heights.append(sizes[:n].copy())
    return _in_order(cells, frames, heights)


def false_positive_rate(
    noise_normalized: Float32, clock: FrameClock, params: QualityParams
) -> FloatArray:
    """Return how many events a minute the detector finds in each inverted trace.

    Calcium only adds light, so what goes as far below the baseline is noise, and as much of it is
    expected above. The minutes are those measured; (n_cells,), NaN where there are none.
    """
    events = find_events(noise_normalized, clock, params, inverted=True)
    counts = np.bincount(events.cell, minlength=len(noise_normalized))
    measured = np.array([np.isfinite(row).sum() for row in noise_normalized], np.float64)
    minutes = measured / (60.0 * clock.rate_hz)
    rate: FloatArray = np.divide(
        counts, minutes, out=np.full(len(minutes), np.nan), where=minutes > 0
    )
    return rate


def _in_order(cells: list[IntArray], frames: list[IntArray], sizes: list[FloatArray]) -> Events:
    """Join the cells' events and sort them by onset."""
    if not cells:
        none = np.empty(0, np.int64)
        return Events(none, none.copy(), none.copy(), none.copy(), np.empty(0, np.float32))
    cell, frame = np.concatenate(cells), np.concatenate(frames)
    order = np.lexsort((cell, frame[:, 0]))
    onset, peak, end = (np.ascontiguousarray(column) for column in frame[order].T)
    return Events(cell[order], onset, peak, end, np.concatenate(sizes)[order].astype(np.float32))
