"""The clock of a device: what is wrong with recorded stamps, and what can be mended.

Three things go wrong with host clocks (raw-formats.md sections 1, 2.4 and 7). The first stamp of
a V3 recording may be garbage, because its frame was in flight when Record was pressed. All stamps
of a QT recording may count from another zero than the start of the recording. And a wall clock may
repeat itself or step back while recording. The first two are mended without doubt; of the last,
repeats are kept, and steps back are the user's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from miniscope_nwb.convert.findings import Findings, count, spell_frames
from miniscope_nwb.recording import FloatArray, IntArray

Policy = Literal["strict", "keep", "interpolate"]
BoolArray = npt.NDArray[np.bool_]

EARLIEST_FIRST_STAMP_S = -1.0  # a free-running camera's frame may be in flight at time zero
BAD_ORIGIN_S = 3600.0  # no recording begins an hour after it was started
# Two stamps at most this far apart belong to one clock, however far that is from zero.
SAME_CLOCK_S = 60.0
SAME_CLOCK_MEDIANS = 10.0
# The neighbours of one bad stamp are two intervals apart; those of a step of the clock (which is
# longer than an interval, or time would not go backward) less than one.
ISOLATED_MEDIANS = 1.5


@dataclass(frozen=True, slots=True)
class Origin:
    """What the head of a device's clock tells.

    ``first_s`` is the first stamp, mended where it was garbage; ``is_bad`` says that the clock
    counts from another zero than the start of the recording.
    """

    first_s: float
    is_mended: bool
    is_bad: bool


def median_interval(time_s: FloatArray, nominal_rate_hz: float | None = None) -> float:
    """Median interval in s; from the nominal rate where there is one stamp, NaN without either."""
    if len(time_s) > 1:
        return float(np.median(np.diff(time_s)))
    return 1.0 / nominal_rate_hz if nominal_rate_hz else float("nan")


def read_origin(time_s: FloatArray, *, nominal_rate_hz: float | None = None) -> Origin:
    """Judge the first stamps of a clock whose zero should be the start of the recording.

    Parameters
    ----------
    time_s : (n_stamps,)
        Seconds, finite, at least one, as recorded.
    nominal_rate_hz
        Used where there are too few stamps for a median interval.

    Returns
    -------
    Origin
        The first stamp is replaced by ``t[1] - median interval`` where it lies outside [-1 s,
        t[1]] and has nothing to do with its successors; the origin is bad where the first stamp,
        so mended, is more than one hour from zero.
    """
    first = float(time_s[0])
    if len(time_s) == 1:
        return Origin(first, is_mended=False, is_bad=abs(first) > BAD_ORIGIN_S)
    second = float(time_s[1])
    interval = median_interval(time_s[1:], nominal_rate_hz)
    step = second - first
    is_near = 0 <= step <= SAME_CLOCK_S and (
        abs(second) > BAD_ORIGIN_S or not interval > 0 or step <= SAME_CLOCK_MEDIANS * interval
    )
    is_garbage = not (EARLIEST_FIRST_STAMP_S <= first <= second or is_near)
    if is_garbage and interval > 0:
        first = second - interval
    is_bad = abs(first) > BAD_ORIGIN_S and abs(second - first) <= SAME_CLOCK_S
    return Origin(first, is_mended=is_garbage and interval > 0, is_bad=is_bad)


def mend_head(
    time_s: FloatArray,
    frame_index: IntArray,
    findings: Findings,
    *,
    shift_s: float | None,
    nominal_rate_hz: float | None = None,
) -> tuple[FloatArray, float]:
    """Mend a garbage first stamp and a bad origin.

    Parameters
    ----------
    time_s, frame_index : (n_stamps,)
        Stamps in seconds, as recorded, and the frame of each; at least one.
    findings
        Takes the repairs and their warnings.
    shift_s
        What to add to every stamp; None to find it from this clock alone.

    Returns
    -------
    time_s : (n_stamps,)
        A new array.
    shift_s
        What was added to every stamp.
    """
    origin = read_origin(time_s, nominal_rate_hz=nominal_rate_hz)
    if shift_s is None:
        shift_s = -origin.first_s if origin.is_bad else 0.0
    mended = time_s.copy()
    mended[0] = origin.first_s
    if shift_s:
        mended += shift_s
        at = slice(1, 2) if origin.is_mended else slice(0, 1)  # a stamp that was only moved
        findings.repair("origin", frame_index[at], recorded_s=time_s[at], used_s=mended[at])
        findings.warn(
            "bad_origin",
            f"{findings.source} begins at {origin.first_s:.3f} s, so its zero is not the start of "
            f"the recording: {shift_s:+.3f} s was added to every stamp.",
        )
    if origin.is_mended:
        findings.repair("first_stamp", frame_index[:1], recorded_s=time_s[:1], used_s=mended[:1])
        findings.warn(
            "first_stamp",
            f"the first stamp of {findings.source} ({time_s[0]:.3f} s) is garbage and was replaced "
            f"by {mended[0]:.3f} s, one median interval before the second.",
        )
    return mended, shift_s


def mend_order(
    time_s: FloatArray,
    recorded_s: FloatArray,
    frame_index: IntArray,
    findings: Findings,
    *,
    policy: Policy,
) -> FloatArray:
    """Count repeated stamps, and judge stamps that go backward.

    Parameters
    ----------
    time_s : (n_stamps,)
        Stamps of the stored frames in seconds, head mended.
    recorded_s : (n_stamps,)
        The same as they stand in the file.
    frame_index : (n_stamps,)
        The frame of each.
    policy
        ``"strict"`` stops at a backward stamp, ``"keep"`` stores it, ``"interpolate"`` replaces
        isolated ones by the mean of their neighbours (by frame number, where frames are missing).

    Raises
    ------
    MismatchError
        If time goes backward and `policy` does not allow for it.
    """
    steps = np.diff(time_s)
    repeats = np.flatnonzero(steps == 0) + 1
    if len(repeats):
        findings.repair(
            "duplicate",
            frame_index[repeats],
            recorded_s=recorded_s[repeats],
            used_s=time_s[repeats],
        )
        findings.warn(
            "duplicate_stamps",
            f"{count(len(repeats), 'stamp')} of {findings.source} "
            f"{'repeats' if len(repeats) == 1 else 'repeat'} the one before "
            f"({spell_frames(frame_index[repeats])}); kept as recorded.",
        )
    drops = np.flatnonzero(steps < 0) + 1
    if not len(drops):
        return time_s
    if policy == "interpolate":
        return _interpolate(time_s, recorded_s, frame_index, drops, findings)
    if policy == "strict":
        findings.stop("backward_stamps", _say_backward(time_s, frame_index, drops, findings))
    else:
        findings.warn(
            "backward_stamps",
            f"time goes backward at {spell_frames(frame_index[drops])} of {findings.source}; "
            "stored as recorded (--stamps keep), which NWB Inspector calls a violation.",
        )
    findings.repair(
        "backward", frame_index[drops], recorded_s=recorded_s[drops], used_s=time_s[drops]
    )
    return time_s


def interpolate_stamps(
    time_s: FloatArray, frame_index: IntArray, wanted: IntArray, interval_s: float
) -> FloatArray:
    """Make up times of frames without a stamp: linear between neighbours, extrapolated at the ends.

    Parameters
    ----------
    time_s, frame_index : (n_stamps,)
        The stamps that there are, at least one.
    wanted : (n_frames,)
        Frames that have none.
    interval_s
        Interval of a frame for extrapolation before the first and after the last stamp.
    """
    inside = np.interp(wanted, frame_index, time_s)
    before = time_s[0] - (frame_index[0] - wanted) * interval_s
    after = time_s[-1] + (wanted - frame_index[-1]) * interval_s
    return np.where(
        wanted < frame_index[0], before, np.where(wanted > frame_index[-1], after, inside)
    )


def _say_backward(
    time_s: FloatArray, frame_index: IntArray, drops: IntArray, findings: Findings
) -> str:
    at = int(drops[0])
    more = f", and at {len(drops) - 1} more frames" if len(drops) > 1 else ""
    return (
        f"in {findings.source} time goes backward by {time_s[at - 1] - time_s[at]:.3f} s at frame "
        f"{frame_index[at]} (from {time_s[at - 1]:.3f} s to {time_s[at]:.3f} s){more}; "
        "--stamps interpolate mends isolated stamps, --stamps keep stores them as recorded."
    )


def _interpolate(
    time_s: FloatArray,
    recorded_s: FloatArray,
    frame_index: IntArray,
    drops: IntArray,
    findings: Findings,
) -> FloatArray:
    """Replace each isolated bad stamp; stop where the clock itself has stepped."""
    interval = float(np.median(np.diff(time_s)))
    falls = np.zeros(len(time_s) + 1, dtype=np.bool_)
    falls[drops] = True
    bad = [_isolated_stamp(time_s, frame_index, falls, int(drop), interval) for drop in drops]
    steps = drops[[place is None for place in bad]]
    if len(steps):
        at = int(steps[0])
        findings.stop(
            "clock_step",
            f"in {findings.source} the clock steps back by {time_s[at - 1] - time_s[at]:.3f} s at "
            f"frame {frame_index[at]} (from {time_s[at - 1]:.3f} s to {time_s[at]:.3f} s); this is "
            "not one bad stamp between two good ones and cannot be interpolated; --stamps keep "
            "stores it as recorded.",
        )
        findings.repair(
            "backward", frame_index[steps], recorded_s=recorded_s[steps], used_s=time_s[steps]
        )
    places = np.array([place for place in bad if place is not None], dtype=np.int64)
    mended = time_s.copy()
    good = np.ones(len(time_s), dtype=np.bool_)
    good[places] = False
    mended[places] = np.interp(frame_index[places], frame_index[good], time_s[good])
    if len(places):
        findings.repair(
            "interpolated",
            frame_index[places],
            recorded_s=recorded_s[places],
            used_s=mended[places],
        )
        findings.warn(
            "interpolated_stamps",
            f"{count(len(places), 'stamp')} of {findings.source} at which time went backward "
            f"({spell_frames(frame_index[places])}) {'was' if len(places) == 1 else 'were'} "
            "replaced by interpolation (--stamps interpolate).",
        )
    return mended


def _isolated_stamp(
    time_s: FloatArray, frame_index: IntArray, falls: BoolArray, drop: int, interval: float
) -> int | None:
    """Find the one stamp whose removal restores order at a drop; None if there is none.

    Either the stamp after the drop is too small (a dip) or the one before it too large (a spike):
    the one is taken whose neighbours are closer to two intervals apart.
    """
    best, best_distance = None, float("inf")
    for place in (drop, drop - 1):
        left, right = place - 1, place + 1
        if left < 0 or right >= len(time_s) or falls[left] or falls[right + 1]:
            continue
        if falls[place] and falls[right]:
            continue  # two drops in a row
        span = float(time_s[right] - time_s[left])
        expected = interval * float(frame_index[right] - frame_index[left])
        distance = abs(span - expected)
        if span >= ISOLATED_MEDIANS * interval and distance < best_distance:
            best, best_distance = place, distance
    return best
