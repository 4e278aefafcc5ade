"""Put a recording on another clock, known by the new times of one device's frames.

A lab that records ephys beside the miniscope knows when each frame was taken on the ephys clock.
The same relation moves everything else that shares the session's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import FloatArray, Recording, Timeline
from miniscope_nwb.session import Segment

Clock = Callable[[FloatArray], FloatArray]


def clock_through(original_s: FloatArray, aligned_s: FloatArray) -> Clock:
    """Make the function that turns times of the session clock into times of the new clock.

    Linear between the given points; before the first and after the last, the difference of the
    nearest one is kept, so that no rate is extrapolated.

    Parameters
    ----------
    original_s, aligned_s
        The same moments on both clocks in seconds, shape (n,), n > 0. Where `original_s` repeats a
        time or runs backward, the first of the points in question counts.

    Raises
    ------
    RecordingError
        If the shapes differ, there is no point, or a time is not finite.
    """
    original_s, aligned_s = np.asarray(original_s, float), np.asarray(aligned_s, float)
    if original_s.shape != aligned_s.shape or original_s.ndim != 1 or not len(original_s):
        raise RecordingError(
            f"{aligned_s.shape} aligned time stamps were given for {original_s.shape} frames; give "
            "one for every stored frame, in their order."
        )
    if not (np.isfinite(original_s).all() and np.isfinite(aligned_s).all()):
        raise RecordingError("An aligned time stamp is not finite; give one for every frame.")
    points, first = np.unique(original_s, return_index=True)
    shift = aligned_s[first] - points

    def clock(time_s: FloatArray) -> FloatArray:
        return np.asarray(time_s + np.interp(time_s, points, shift), float)

    return clock


def realign(segment: Segment, clock: Clock) -> Segment:
    """Move everything that a recording holds to the new clock; what was recorded is kept beside.

    Parameters
    ----------
    segment
        On the session's own clock, not joined (`offset_s` is 0).
    clock
        From `clock_through`.
    """
    return replace(
        segment,
        recording=_realign_recording(segment.recording, clock),
        timelines={name: _realign_timeline(t, clock) for name, t in segment.timelines.items()},
    )


def _at(clock: Clock, time_s: float) -> float:
    return float(clock(np.array([time_s]))[0])


def _realign_timeline(timeline: Timeline, clock: Clock) -> Timeline:
    return replace(
        timeline,
        time_s=clock(timeline.time_s),
        repairs=tuple(replace(r, used_s=_at(clock, r.used_s)) for r in timeline.repairs),
        lost=tuple(
            replace(span, start_s=_at(clock, span.start_s), stop_s=_at(clock, span.stop_s))
            for span in timeline.lost
        ),
    )


def _realign_recording(recording: Recording, clock: Clock) -> Recording:
    return replace(
        recording,
        samples=tuple(replace(item, time_s=clock(item.time_s)) for item in recording.samples),
        notes=tuple(replace(note, time_s=_at(clock, note.time_s)) for note in recording.notes),
        setting_changes=tuple(
            replace(change, time_s=_at(clock, change.time_s))
            for change in recording.setting_changes
        ),
        intervals=tuple(
            replace(item, start_s=clock(item.start_s), stop_s=clock(item.stop_s))
            for item in recording.intervals
        ),
    )
