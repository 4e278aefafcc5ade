"""Lost frames: how many, and when.

A frame that the computer never saved leaves no number behind: the count of saved frames has no
gap. It shows in the hardware's own frame counter where there is one, else only as an interval that
is too long and is not made up for by shorter ones (a frame that is merely stamped late is followed
by early ones).

Method: raw-formats.md sections 0 and 2.4; the interval rule is that of issue 3: an interval over
1.5 medians and not made up within ten frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from miniscope_nwb.convert.placement import MissingRange
from miniscope_nwb.recording import FloatArray, IntArray, LostSpan

GAP_MEDIANS = 1.5  # an interval longer than this many medians may be a gap
RECOVERY_FRAMES = 10  # a delay that is made up within so many frames lost nothing
FAILED_READ = -1  # of the hardware counter
FIRST_COUNT_AFTER_CONNECTION = 2  # the first frame of a connection holds an arbitrary number
QUEUE_FRAMES = 128  # ring buffer of Miniscope-DAQ-QT: frames that may wait while the host is busy
COUNTER_SLACK = 2.0  # frames that the counter may run ahead of a jittering host clock
UNKNOWN = -1


def typical_interval(time_s: FloatArray, frame_index: IntArray) -> float:
    """Interval of a frame in s: the median interval, made exact by straight lines.

    Stamps are whole milliseconds and jitter: at 29.8 frames/s most intervals are 34 ms and the
    others 33 ms, and with the median alone a gap of two seconds would be miscounted by a frame.
    So lines of one common slope are fitted (least squares) to the runs of stamps whose intervals
    are within half a median of the median. NaN if no two frames were saved one after the other.

    Parameters
    ----------
    time_s, frame_index : (n_stamps,)
        Stamps in seconds, and the saved frame of each.
    """
    intervals, steps = np.diff(time_s), np.diff(frame_index)
    single = intervals[steps == 1]
    if not len(single):
        return float("nan")
    median = float(np.median(single))
    is_even = (steps == 1) & (np.abs(intervals - median) < 0.5 * median)
    run = np.concatenate(([0], np.cumsum(~is_even)))
    length = np.bincount(run)
    x = frame_index - (np.bincount(run, frame_index) / length)[run]
    y = time_s - (np.bincount(run, time_s) / length)[run]
    spread = float(x @ x)
    return float(x @ y) / spread if spread > 0 else median


def lost_by_interval(time_s: FloatArray, frame_index: IntArray) -> IntArray:
    """Frames lost between stamps, from the stamps alone.

    Parameters
    ----------
    time_s, frame_index : (n_stamps,)
        Stamps in seconds, and the saved frame of each (a saved frame without stamp is not lost).

    Returns
    -------
    (n_stamps - 1,)
        Lost frames in each interval. The delay of an interval over 1.5 medians is its excess over
        the median, accumulated over it and up to ten more; its minimum is what is never made up,
        and that over the median, rounded, is the number. The minimum also keeps a second gap
        inside the ten frames from being counted with the first.
    """
    n_intervals = max(len(time_s) - 1, 0)
    lost = np.zeros(n_intervals, dtype=np.int64)
    intervals, steps = np.diff(time_s), np.diff(frame_index)
    single = intervals[steps == 1]
    interval = typical_interval(time_s, frame_index)
    if not interval > 0:
        return lost
    threshold = (steps - 1 + GAP_MEDIANS) * float(np.median(single)) * (1 + 1e-9)
    suspects = np.flatnonzero(intervals > threshold)
    delay = (time_s - time_s[0]) - (frame_index - frame_index[0]) * interval
    window = suspects[:, None] + 1 + np.arange(RECOVERY_FRAMES + 1)
    remaining = delay[np.minimum(window, n_intervals)] - delay[suspects][:, None]
    lost[suspects] = np.maximum(np.rint(remaining.min(axis=1) / interval), 0)
    return lost


def lost_by_counter(
    time_s: FloatArray, frame_index: IntArray, counter: IntArray, bits: int | None
) -> IntArray:
    """Frames lost between stamps, from the hardware's frame counter.

    Parameters
    ----------
    time_s, frame_index, counter : (n_stamps,)
        Stamps in seconds, the saved frame of each, and the counter as recorded.
    bits
        Width of a counter that wraps; None for one that does not.

    Returns
    -------
    (n_stamps - 1,)
        Lost frames in each interval; -1 where the counter cannot tell: beside a failed read (-1),
        around the arbitrary first number of a connection, and where it ran ahead of the time that
        has passed, which is a reset.
    """
    steps, intervals = np.diff(frame_index), np.diff(time_s)
    lost = np.full(len(steps), UNKNOWN, dtype=np.int64)
    interval = typical_interval(time_s, frame_index)
    if not interval > 0:
        return lost
    advance = np.diff(counter)
    if bits is not None:
        period = 2**bits
        advance = advance % period  # right for negative numbers after the wrap too
        rounds = np.rint((intervals / interval - advance) / period)
        advance = advance + period * np.maximum(rounds, 0).astype(np.int64)
    ahead = advance - steps
    known = (ahead >= 0) & (ahead <= _lag_frames(time_s, frame_index, interval) + COUNTER_SLACK)
    known &= (counter[:-1] != FAILED_READ) & (counter[1:] != FAILED_READ)
    restarts = (counter[1:] == FIRST_COUNT_AFTER_CONNECTION) & (ahead != 0)
    known &= ~restarts
    known[:-1] &= ~restarts[1:]
    if not known.any() or np.median(ahead[known]) != 0:
        return lost  # whatever it counts, it is not frames
    lost[known] = ahead[known]
    return lost


def _lag_frames(time_s: FloatArray, frame_index: IntArray, interval: float) -> FloatArray:
    """Say by how many frames each stamp after the first is late against the last 128.

    Frames queue up while the host is busy and are then stamped late and close together, so the
    counter may run ahead of the stamps by as much as they are late, but by no more.
    """
    delay = time_s - frame_index * interval
    earliest = delay.copy()
    reach = 1
    while reach < QUEUE_FRAMES:
        earliest[reach:] = np.minimum(earliest[reach:], earliest[:-reach])
        reach *= 2
    lag: FloatArray = np.maximum(delay[1:] - earliest[:-1], 0) / interval
    return lag


def find_lost(
    time_s: FloatArray,
    frame_index: IntArray,
    *,
    device: str,
    counter: IntArray | None = None,
    bits: int | None = None,
) -> list[LostSpan]:
    """List the spans in which frames were lost before they were saved.

    The counter is believed where it can tell; the other intervals are judged by the stamps.
    """
    lost = lost_by_interval(time_s, frame_index)
    is_counted: npt.NDArray[np.bool_] = np.zeros(len(lost), dtype=np.bool_)
    if counter is not None:
        counted = lost_by_counter(time_s, frame_index, counter, bits)
        is_counted = counted != UNKNOWN
        lost = np.where(is_counted, counted, lost)
    return [
        LostSpan(
            device=device,
            start_s=float(min(time_s[at], time_s[at + 1])),
            stop_s=float(max(time_s[at], time_s[at + 1])),
            n_lost=int(lost[at]),
            evidence="counter" if is_counted[at] else "interval",
        )
        for at in np.flatnonzero(lost > 0)
    ]


def lost_from_files(
    missing: Sequence[MissingRange],
    *,
    device: str,
    stored_index: IntArray,
    stored_s: FloatArray,
    missing_s: FloatArray,
) -> list[LostSpan]:
    """List the spans whose frames were saved, but are not in their damaged or missing file.

    Parameters
    ----------
    missing
        The lost frames, ascending; ranges that touch become one span.
    stored_index, stored_s : (n_stored,)
        The frames that are stored, and their times: a span ends at its stored neighbours.
    missing_s : (n_missing,)
        Stamps of the missing frames: where there is no stored neighbour, the span ends at theirs.
    """
    joined: list[MissingRange] = []
    for gap in missing:
        if joined and joined[-1].stop == gap.start:
            joined[-1] = MissingRange(joined[-1].start, gap.stop)
        else:
            joined.append(gap)
    spans = []
    for gap in joined:
        before = int(np.searchsorted(stored_index, gap.start)) - 1
        after = before + 1
        known = [*stored_s[max(before, 0) : before + 1], *stored_s[after : after + 1]]
        if before < 0 or after >= len(stored_s):
            known += [*missing_s[:1]] if before < 0 else [*missing_s[-1:]]
        if known:
            start, stop = float(min(known)), float(max(known))
            spans.append(LostSpan(device, start, stop, gap.stop - gap.start, "file"))
    return spans
