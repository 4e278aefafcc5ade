"""Devices and starts made by hand: the metadata code needs no video."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from miniscope_nwb.recording import Device, StartTime

START = datetime(2026, 3, 2, 14, 5, 7, tzinfo=timezone(timedelta(hours=1)))
NOBODY_SAID = StartTime(value=None, source="nothing", is_assumed=True)


def make_device(name="Miniscope", role="scope", device_type="Miniscope_V4_BNO", parts=()):
    return Device(
        name=name,
        folder=name.replace(" ", "_"),
        role=role,
        role_evidence=f"deviceType {device_type}",
        device_type=device_type,
        parts=parts,
        stamps=None,
    )


SCOPE = make_device()
CAMERA = make_device("BehavCam 2", "camera", "WebCam-640x480")
