"""Which frames show a component's events, and which show the moment before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.metrics.neighbours import Neighbours
from miniscope_nwb.movie import FrameClock
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import Float32

AT_S = 0.15  # from the peak on: the transient has hardly decayed, and three frames are averaged
BEFORE_S = 1.0  # before the onset: what was there anyway
_LEAST_BEFORE = 0.5  # of the second before must have been recorded
_QUIET = 0.25  # of the event's own height: what overlapping neighbours may add to it
_LOUD = 1.0  # the same where no event is so quiet: the event itself is still the larger part
_SAME_COSINE, _SAME_CORRELATION = 0.5, 0.7  # a second component on the same cell is no neighbour


@dataclass(frozen=True, slots=True)
class EventFrames:
    """Frames of events: [peak, peak_stop) shows one, [before, onset) the moment before it."""

    before: IntArray  # (n_events,)
    onset: IntArray
    peak: IntArray
    peak_stop: IntArray

    def __len__(self) -> int:
        """Count the events."""
        return len(self.peak)


class FrameChooser:
    """Chooses the frames of events where enough of them were recorded.

    Parameters
    ----------
    clock
        Of the movie: no frame is taken from across a gap.
    is_left_out
        (n_frames,) frames that take no part.
    """

    def __init__(self, clock: FrameClock, is_left_out: BoolArray) -> None:
        self._at = max(1, round(AT_S * clock.rate_hz))
        self._before = max(1, round(BEFORE_S * clock.rate_hz))
        self._used = np.concatenate([[0], np.cumsum(~is_left_out)])
        runs = clock.runs()
        sizes = [stop - start for start, stop in runs]
        self._start = np.repeat([start for start, _ in runs], sizes)
        self._stop = np.repeat([stop for _, stop in runs], sizes)

    def frames(self, onset: IntArray, peak: IntArray) -> tuple[EventFrames, BoolArray]:
        """Return the frames of each event, and whether enough of them were recorded."""
        first = self._start[peak]
        before = np.maximum(first, onset - self._before)
        stop = np.minimum(self._stop[peak], peak + self._at)
        n_before = self._used[np.maximum(onset, before)] - self._used[before]
        n_at = self._used[stop] - self._used[peak]
        is_whole = (onset >= first) & (n_before >= _LEAST_BEFORE * self._before) & (n_at > 0)
        return EventFrames(before, onset, peak, stop), is_whole


class Disturbance:
    """What overlapping neighbours add to one component, in its grey levels.

    A second component on the same cell (alike in place and in time) is no neighbour: its activity
    is this one's.
    """

    def __init__(self, cell: int, neighbours: Neighbours, denoised: Float32) -> None:
        pairs = neighbours.of(cell)
        same = (neighbours.cosine[pairs] > _SAME_COSINE) & (
            neighbours.correlation[pairs] > _SAME_CORRELATION
        )
        pairs = pairs[(neighbours.share[pairs] > 0) & ~same]
        self._others, self._shares = neighbours.other[pairs].tolist(), neighbours.share[pairs]
        self._denoised = denoised

    def rise(self, start: int, stop: int) -> float:
        """Return the difference between its most and its least in [start, stop); 0 and above."""
        total = np.zeros(stop - start)
        for other, share in zip(self._others, self._shares.tolist(), strict=True):
            total += share * np.nan_to_num(self._denoised[other, start:stop])
        return float(np.ptp(total)) if len(total) else 0.0


def choose(
    chooser: FrameChooser,
    onset: IntArray,
    peak: IntArray,
    size: FloatArray,
    *,
    most: int,
    disturbance: Disturbance | None = None,
    height: FloatArray | None = None,
) -> EventFrames:
    """Choose the largest events that can be seen alone, in order of time.

    Parameters
    ----------
    chooser
        Knows which frames there are.
    onset, peak, size
        (n_events,) of one component.
    most
        So many at most.
    disturbance
        What overlapping neighbours add to the component; an event is left out where that rises by
        more than a quarter of `height` (n_events,), the event's own grey levels. Where no event is
        so quiet, those are taken to which neighbours add less than its own height: pictures are
        judged without the neighbours' pixels.
    """
    frames, good = chooser.frames(onset, peak)
    if disturbance is not None and height is not None:
        share = np.full(len(good), np.inf)
        for k in np.flatnonzero(good):
            rise = disturbance.rise(int(frames.before[k]), int(frames.peak_stop[k]))
            share[k] = rise / height[k] if height[k] > 0 else np.inf
        good = share < (_QUIET if (share < _QUIET).any() else _LOUD)
    best = np.flatnonzero(good)
    best = np.sort(best[np.argsort(-size[best], kind="stable")[:most]])
    return EventFrames(*(getattr(frames, name)[best] for name in EventFrames.__slots__))


def largest_peaks(
    trace: Float32, chooser: FrameChooser, clock: FrameClock, *, most: int
) -> EventFrames:
    """Choose the largest peaks of a trace (n_frames,), whatever their size, a second apart."""
    rate = clock.rate_hz
    values = np.where(np.isfinite(trace), trace, -np.inf)
    lead, apart = max(1, round(AT_S * rate)), max(1, round(rate))
    inner = (values[1:-1] >= values[:-2]) & (values[1:-1] > values[2:])
    peaks = np.flatnonzero(inner) + 1
    peaks = peaks[np.isfinite(values[peaks]) & (peaks >= lead)]
    frames, good = chooser.frames(peaks - lead, peaks)
    kept: list[int] = []
    for k in np.argsort(-values[peaks], kind="stable").tolist():
        if len(kept) == most:
            break
        if good[k] and all(abs(int(peaks[k] - peaks[i])) >= apart for i in kept):
            kept.append(k)
    best = np.sort(np.array(kept, np.int64))
    return EventFrames(*(getattr(frames, name)[best] for name in EventFrames.__slots__))
