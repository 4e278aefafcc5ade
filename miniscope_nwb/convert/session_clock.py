"""One zero for all devices and signals of a session.

A clock that counts from another zero than the start of the recording is moved as a whole. All
devices of one computer share that zero, so they are moved together, and what shares their clock
(notes, head orientation, setting changes) must follow.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from miniscope_nwb.convert.clocks import Origin, read_origin
from miniscope_nwb.recording import Recording, Stamps, Timeline

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


def _shift_of(origin: Origin | None, shared_s: float | None) -> float:
    if origin is None or shared_s is None:
        return 0.0
    distance = abs(origin.first_s - shared_s)
    # A clock just short of the limit is as wrong as its neighbour if it is closer to it than to 0.
    if distance <= SHARED_ORIGIN_S and (origin.is_bad or distance < abs(origin.first_s)):
        return -shared_s
    return -origin.first_s if origin.is_bad else 0.0
