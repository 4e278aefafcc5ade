"""The time report: how fast and how evenly each device recorded, and what it lost.

Rates and intervals are those of the recording, not of what is stored: stamps whose frames are lost
from a damaged file count, and the gap between two joined recordings does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from miniscope_nwb.convert import clocks
from miniscope_nwb.convert.lost_frames import lost_by_interval
from miniscope_nwb.recording import Device, DeviceTiming, FloatArray, IntArray, Timeline
from miniscope_nwb.session import Segment

# Repairs that put another time into the file than was recorded.
REPAIRED = ("first_stamp", "origin", "interpolated", "padded")
BACKWARD = ("backward", "interpolated")
NAN = float("nan")
# Differences of stamps of many hours carry rounding noise of 1e-11 s; no clock is finer than this.
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What one recording says of the clock of one device."""

    device: Device
    timeline: Timeline
    n_intervals: int  # frames taken after the first, lost ones included
    duration_s: float  # from the first stamp to the last
    intervals_s: FloatArray  # between frames saved one after the other
    gaps_s: FloatArray


def time_report(
    devices: Sequence[Device], timelines: Mapping[str, Timeline]
) -> tuple[DeviceTiming, ...]:
    """Report on the clocks of one recording.

    Parameters
    ----------
    devices
        In order of appearance; the first scope with frames is what the others are held against.
    timelines
        By device name; devices that are absent are left out.

    Returns
    -------
    tuple of DeviceTiming
        One a device. The measured rate is (frames saved or lost after the first) / (last stamp -
        first stamp). Jitter is the distance of an interval from the median interval; a gap is an
        interval over 1.5 medians that is not made up within ten frames. The drift is the ratio of
        measured to nominal rate against the first scope's ratio, NaN unless both rates are known.
    """
    return _report([_stretches(devices, timelines, offset_s=0.0)])


def report_segments(segments: Sequence[Segment]) -> tuple[DeviceTiming, ...]:
    """Report on the clocks of all recordings of one file, device by device (see `time_report`)."""
    return _report(
        [
            _stretches(segment.recording.devices, segment.timelines, offset_s=segment.offset_s)
            for segment in segments
        ]
    )


def _stretches(
    devices: Sequence[Device], timelines: Mapping[str, Timeline], *, offset_s: float
) -> dict[str, _Stretch]:
    return {
        device.name: _stretch(device, timelines[device.name], offset_s)
        for device in devices
        if device.name in timelines
    }


def _stretch(device: Device, timeline: Timeline, offset_s: float) -> _Stretch:
    frame_index, time_s = _whole_clock(device, timeline, offset_s)
    intervals, steps = np.diff(time_s), np.diff(frame_index)
    n_lost = sum(span.n_lost for span in timeline.lost if span.evidence != "file")
    return _Stretch(
        device=device,
        timeline=timeline,
        n_intervals=int(steps.sum()) + n_lost,
        duration_s=float(time_s[-1] - time_s[0]) if len(time_s) else 0.0,
        intervals_s=intervals[steps == 1],
        gaps_s=intervals[lost_by_interval(time_s, frame_index) > 0],
    )


def _whole_clock(
    device: Device, timeline: Timeline, offset_s: float
) -> tuple[IntArray, FloatArray]:
    """Frames and times of the stored frames and of those that are lost from their files."""
    stamps = device.stamps
    gone = [repair.frame for repair in timeline.repairs if repair.rule == "missing_frame"]
    if stamps is None or not gone:
        return timeline.frame_index, timeline.time_s
    row = np.searchsorted(stamps.frame_index, np.array(gone, dtype=np.int64))
    gone_s = stamps.time_s[row] + (timeline.clock_shift_s + offset_s)
    if row[0] == 0:
        finite_s = stamps.time_s[np.isfinite(stamps.time_s)]
        origin = clocks.read_origin(finite_s, nominal_rate_hz=device.nominal_rate_hz)
        gone_s[0] = origin.first_s + timeline.clock_shift_s + offset_s
    frame_index = np.concatenate((timeline.frame_index, stamps.frame_index[row]))
    order = np.argsort(frame_index, kind="stable")
    return frame_index[order], np.concatenate((timeline.time_s, gone_s))[order]


def _report(recordings: Sequence[Mapping[str, _Stretch]]) -> tuple[DeviceTiming, ...]:
    by_device: dict[str, list[_Stretch]] = {}
    for stretches in recordings:
        for name, stretch in stretches.items():
            by_device.setdefault(name, []).append(stretch)
    timings = {name: _device_timing(name, found) for name, found in by_device.items()}
    first = _first_scope(by_device)
    if first is None:
        return tuple(timings.values())
    return tuple(
        replace(
            timing,
            offset_s=_offset(recordings, timing.device, first),
            drift_ppm=_drift(timing, timings[first]),
        )
        for timing in timings.values()
    )


def _first_scope(by_device: Mapping[str, Sequence[_Stretch]]) -> str | None:
    """Name the first scope with frames, else the first device with frames."""
    names = [name for name, found in by_device.items() if any(s.timeline.n_frames for s in found)]
    scopes = [name for name in names if by_device[name][0].device.role == "scope"]
    return next(iter((*scopes, *names)), None)


def _device_timing(name: str, found: Sequence[_Stretch]) -> DeviceTiming:
    intervals = np.concatenate([stretch.intervals_s for stretch in found])
    gaps = np.concatenate([stretch.gaps_s for stretch in found])
    times = np.concatenate([stretch.timeline.time_s for stretch in found])
    rules = [repair.rule for stretch in found for repair in stretch.timeline.repairs]
    duration = sum(stretch.duration_s for stretch in found)
    n_intervals = sum(stretch.n_intervals for stretch in found)
    median = float(np.median(intervals)) if len(intervals) else NAN
    jitter = np.abs(intervals - median)
    return DeviceTiming(
        device=name,
        n_frames=len(times),
        nominal_rate_hz=next(
            (s.device.nominal_rate_hz for s in found if s.device.nominal_rate_hz), NAN
        ),
        measured_rate_hz=n_intervals / duration if duration > 0 and n_intervals else NAN,
        duration_s=float(times[-1] - times[0]) if len(times) else NAN,
        median_interval_ms=round(median * 1e3, DECIMALS),
        jitter_median_ms=round(float(np.median(jitter)) * 1e3, DECIMALS) if len(jitter) else NAN,
        jitter_p99_ms=round(float(np.percentile(jitter, 99)) * 1e3, DECIMALS)
        if len(jitter)
        else NAN,
        n_gaps=len(gaps),
        longest_gap_s=round(float(gaps.max()), DECIMALS) if len(gaps) else NAN,
        n_lost=sum(span.n_lost for stretch in found for span in stretch.timeline.lost),
        n_duplicated=rules.count("duplicate"),
        n_backward=sum(rules.count(rule) for rule in BACKWARD),
        n_repaired=sum(rules.count(rule) for rule in REPAIRED),
        offset_s=NAN,
        drift_ppm=NAN,
    )


def _offset(recordings: Sequence[Mapping[str, _Stretch]], name: str, first: str) -> float:
    """First stamp against the first scope's, in the first recording that both took part in."""
    for stretches in recordings:
        if name in stretches and first in stretches:
            ours, theirs = stretches[name].timeline, stretches[first].timeline
            if ours.n_frames and theirs.n_frames:
                return float(ours.time_s[0] - theirs.time_s[0])
    return NAN


def _drift(timing: DeviceTiming, first: DeviceTiming) -> float:
    ours = timing.measured_rate_hz / timing.nominal_rate_hz
    theirs = first.measured_rate_hz / first.nominal_rate_hz
    drift = (ours / theirs - 1) * 1e6 if theirs else NAN
    return drift if math.isfinite(drift) else NAN
