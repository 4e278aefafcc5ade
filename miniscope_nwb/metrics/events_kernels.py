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
    found: Any,
    sizes: Any,
) -> int:
    """Write the events into `found` (n, 3) and `sizes`; return how many. See `events`."""
    n_events = 0
    onset, end, peak = -1, -1, -1
    n_above, high = 0, 0.0
    for t in range(len(trace)):
        value = trace[t]
        if value != value:
            continue  # not measured: the next sample that was decides
        is_above = value > confirm
        if onset >= 0:
            is_next = t == end + 1 and steps[t] == 1
            is_linked = is_next or times_s[t] - times_s[end] < refractory_s
            if not (is_above and is_linked and segment[t] == segment[end]):
                if high >= enter and n_above >= min_frames:
                    n_events = keep(
                        onset, peak, end, high, times_s, segment, refractory_s, found, sizes,
                        n_events,
                    )  # fmt: skip
                onset = -1
        if is_above:
            if onset < 0:
                onset, peak, high, n_above = t, t, value, 0
            end = t
            n_above += 1
            if value > high:
                peak, high = t, value
    if onset >= 0 and high >= enter and n_above >= min_frames:
        n_events = keep(
            onset, peak, end, high, times_s, segment, refractory_s, found, sizes, n_events
        )
    return n_events


@njit(cache=True, nogil=True)
def keep(
    onset: int,
    peak: int,
    end: int,
    high: float,
    times_s: Any,
    segment: Any,
    refractory_s: float,
    found: Any,
    sizes: Any,
    n_events: int,
) -> int:
    """Add an event, or let the one before go on where it has hardly ended."""
    if n_events > 0:
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
