"""One zero for all devices and signals of a session.

A clock that counts from another zero than the start of the recording is moved as a whole. All
devices of one computer share that zero, so they are moved together, and what shares their clock
(notes, head orientation, setting changes) must follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from miniscope_nwb.convert.clocks import Origin, read_origin
from miniscope_nwb.recording import FloatArray, Recording, Stamps, Timeline

# Formats whose clock counts from the start of a hardware context, not of the recording.
CONTEXT_CLOCKS = frozenset({"onix", "v4gui"})
# Origins of several devices at most this far apart are one and the same mistake.
SHARED_ORIGIN_S = 3600.0


def counts_from_record_start(stamps: Stamps) -> bool:
    """Whether zero of the recorded stamps should be the start of the recording.

    True of the millisecond clocks of the UCLA software. Hardware clocks (ONIX ticks) count from
    the start of their context, minutes or hours before the first frame, and are right in that.
    """
    return stamps.unit == "ms"


def find_shifts(recording: Recording) -> dict[str, float]:
    """Find what to add to the stamps of each device so that they count from the recording's start.

    Zero where the clock is right, or counts from the start of a hardware context. Devices whose
    bad origins lie within an hour of each other get the same shift, the first scope's.
    """
    devices = sorted(recording.devices, key=lambda device: device.role != "scope")
    origins: dict[str, Origin] = {}
    for device in devices:
        stamps = device.stamps
        if stamps is None or recording.format in CONTEXT_CLOCKS:
            continue
        time_s = stamps.time_s[np.isfinite(stamps.time_s)]
        if counts_from_record_start(stamps) and len(time_s):
            origins[device.name] = read_origin(time_s, nominal_rate_hz=device.nominal_rate_hz)
    shared_s = next((origin.first_s for origin in origins.values() if origin.is_bad), None)
    return {
        device.name: _shift_of(origins.get(device.name), shared_s) for device in recording.devices
    }


def session_clock_shift(recording: Recording, timelines: Mapping[str, Timeline]) -> float:
    """Seconds by which the session's other signals (notes, samples) must follow the frames.

    It is what was added to the stamps of the first scope, or of the first camera where there is
    no scope.
    """
    for device in (*recording.scopes, *recording.cameras):
        if device.name in timelines and timelines[device.name].n_frames:
            return timelines[device.name].clock_shift_s
    return 0.0


def follow_repairs(
    moved: Recording, recorded: Recording, timelines: Mapping[str, Timeline]
) -> Recording:
    """Give samples that were taken with a frame the stamp that replaces the frame's.

    Head orientation is recorded with the frames and on their stamps, so a stamp that was mended
    for the frame is as wrong there. Only a row that is out of order is touched: the recorded value
    may also be the true stamp of another frame.

    Parameters
    ----------
    moved, recorded
        The same recording with its clock shift and without.
    timelines
        Of its devices; their repairs tell recorded and used values.
    """
    samples = tuple(
        replace(after, time_s=_mended(after.time_s, before.time_s, timelines[after.device]))
        if after.kind == "HeadOrientation" and after.device in timelines
        else after
        for after, before in zip(moved.samples, recorded.samples, strict=True)
    )
    return replace(moved, samples=samples)


def _mended(moved_s: FloatArray, recorded_s: FloatArray, timeline: Timeline) -> FloatArray:
    falls = np.diff(recorded_s) < 0
    is_out_of_order = np.append(falls, False) | np.insert(falls, 0, False)
    mended = moved_s.copy()
    for repair in timeline.repairs:
        if repair.rule in ("first_stamp", "interpolated"):
            mended[is_out_of_order & (recorded_s == repair.recorded_s)] = repair.used_s
    return mended


def _shift_of(origin: Origin | None, shared_s: float | None) -> float:
    if origin is None or shared_s is None:
        return 0.0
    distance = abs(origin.first_s - shared_s)
    # A clock just short of the limit is as wrong as its neighbour if it is closer to it than to 0.
    if distance <= SHARED_ORIGIN_S and (origin.is_bad or distance < abs(origin.first_s)):
        return -shared_s
    return -origin.first_s if origin.is_bad else 0.0
