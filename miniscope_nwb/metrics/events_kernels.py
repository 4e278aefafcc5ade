"""The event detector's loop over one trace, in compiled code."""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

from numba import njit

ONSET, PEAK, END = 0, 1, 2  # columns of the events found


@njit(cache=True, nogil=True)
def scan(
    trace: Any,
    times_s: Any,
    steps: Any,
    segment: Any,
    enter: float,
    confirm: float,
    min_frames: int,
    refractory_s: float,
    rise: float,
    share: float,
    found: Any,
    sizes: Any,
) -> int:
    """Write the events into `found` (n, 3) and `sizes`; return how many. See `events`.

    `rise` is by how much higher thresholds are above a low point than above the baseline (not
    finite: an event lasts until the trace comes back), `share` the least rise in the low point.
    """
    where = (times_s, segment, refractory_s, found, sizes)
    n_events = 0
    onset, end, peak = -1, -1, -1
    n_above, high = 0, 0.0
    goes_on = False  # the event began before the one before it had come back
    top, low, top_at = 0.0, 0.0, -1  # since the last rise: the highest, and the lowest after it
    start, n_up, is_up = -1, 0, False  # of the samples above the low point
    for t in range(len(trace)):
        value = trace[t]
        if value != value:
            continue  # not measured: the next sample that was decides
        is_above = value > confirm
        if onset >= 0 and not (is_above and is_linked(t, end, steps, where)):
            if high >= enter and n_above >= min_frames:
                n_events = keep(onset, peak, end, high, goes_on, where, n_events)
            onset = -1
        if not is_above:
            continue
        if onset < 0:
            onset, peak, high, n_above, goes_on = t, t, value, 0, False
            top, low, top_at, n_up, is_up = value, value, t, 0, False
        least = max(rise, share * low / enter)
        rising = (top, low, top_at, start, n_up, is_up)
        top, low, top_at, start, n_up, is_up = climb(
            t, value, least * confirm, least * enter, rising
        )
        if n_up >= min_frames and is_up:
            before = highest(trace, onset, start)
            is_event = trace[before] >= enter and n_above - n_up + 1 >= min_frames
            if is_event and times_s[start] - times_s[top_at] >= refractory_s:
                last = last_above(trace, start, confirm)
                n_events = keep(onset, before, last, trace[before], goes_on, where, n_events)
                onset, n_above, goes_on = start, n_up - 1, True
                peak = highest(trace, start, t + 1)
                high = trace[peak]
            top, low, top_at, n_up, is_up = value, value, t, 0, False
        end, n_above = t, n_above + 1
        if value > high:
            peak, high = t, value
    if onset >= 0 and high >= enter and n_above >= min_frames:
        n_events = keep(onset, peak, end, high, goes_on, where, n_events)
    return n_events


@njit(cache=True, nogil=True)
def is_linked(t: int, end: int, steps: Any, where: Any) -> bool:
    """Say whether a sample belongs to the excursion whose last one was at `end`."""
    times_s, segment, refractory_s = where[:3]
    is_next = t == end + 1 and steps[t] == 1
    is_near = is_next or times_s[t] - times_s[end] < refractory_s
    return bool(is_near and segment[t] == segment[end])


@njit(cache=True, nogil=True)
def climb(t: int, value: float, confirm: float, enter: float, rising: Any) -> Any:
    """Follow the rise from the low point by a sample; thresholds are heights above that point."""
    top, low, top_at, start, n_up, is_up = rising
    if value <= low:
        return top, value, top_at, start, 0, False
    if value > low + confirm:
        return top, low, top_at, t if n_up == 0 else start, n_up + 1, is_up or value >= low + enter
    if value > top:
        return value, value, t, start, 0, False
    return top, low, top_at, start, 0, False


@njit(cache=True, nogil=True)
def highest(trace: Any, start: int, stop: int) -> int:
    """Return where the trace is highest in [start, stop); its first sample was measured."""
    peak = start
    for t in range(start + 1, stop):
        if trace[t] > trace[peak]:
            peak = t
    return peak


@njit(cache=True, nogil=True)
def last_above(trace: Any, start: int, confirm: float) -> int:
    """Return the last measured sample before `start` that is above the lower threshold."""
    t = start - 1
    while not trace[t] > confirm:
        t -= 1
    return t


@njit(cache=True, nogil=True)
def keep(
    onset: int,
    peak: int,
    end: int,
    high: float,
    goes_on: bool,
    where: Any,
    n_events: int,
) -> int:
    """Add an event, or let the one before go on where it has hardly ended."""
    times_s, segment, refractory_s, found, sizes = where
    if n_events > 0 and not goes_on:
        last = found[n_events - 1]
        is_soon = times_s[onset] - times_s[last[END]] < refractory_s
        if is_soon and segment[onset] == segment[last[END]]:
            last[END] = end
            if high > sizes[n_events - 1]:
                last[PEAK] = peak
                sizes[n_events - 1] = high
            return n_events
    found[n_events, ONSET] = onset
    found[n_events, PEAK] = peak
    found[n_events, END] = end
    sizes[n_events] = high
    return n_events + 1
