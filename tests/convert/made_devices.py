"""Devices made of records alone: no file is needed to test clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from miniscope_nwb.recording import Device, Recording, Stamps, StartTime, VideoPart

MS = 1e-3


def make_part(index: int, n_frames: int, state: str = "whole") -> VideoPart:
    return VideoPart(
        path=Path(f"Miniscope/{index}.avi"),
        relative_path=f"Miniscope/{index}.avi",
        index=index,
        n_bytes=48 * 64 * n_frames,
        fourcc="FFV1" if n_frames else "",
        width=64,
        height=48,
        n_frames=n_frames,
        header_frames=n_frames,
        pixel_format="gray8",
        is_lossy=False,
        state=state,  # type: ignore[arg-type]
    )


def make_stamps(time_s, *, frame_index=None, unit="ms", counter=None, bits=16, tail_slack=0):
    time_s = np.asarray(time_s, dtype=np.float64)
    index = np.arange(len(time_s)) if frame_index is None else np.asarray(frame_index)
    return Stamps(
        source="Miniscope/timeStamps.csv",
        frame_index=index.astype(np.int64),
        recorded=time_s * 1e3,
        unit=unit,
        time_s=time_s,
        hardware_frame=None if counter is None else np.asarray(counter, dtype=np.int64),
        hardware_counter_bits=None if counter is None else bits,
        tail_slack=tail_slack,
    )


def make_device(
    lengths,
    time_s=None,
    *,
    states=None,
    indices=None,
    per_file=None,
    name="My V4 Miniscope",
    role="scope",
    rate=None,
    **stamp_options,
) -> Device:
    """Make a device of files of these lengths; stamps at 50 ms where none are given."""
    indices = range(len(lengths)) if indices is None else indices
    states = ["whole"] * len(lengths) if states is None else states
    if time_s is None:
        time_s = regular(sum(lengths))
    return Device(
        name=name,
        folder="Miniscope",
        role=role,
        role_evidence="test",
        device_type="Miniscope_V4_BNO",
        parts=tuple(
            make_part(i, n, state) for i, n, state in zip(indices, lengths, states, strict=True)
        ),
        stamps=make_stamps(time_s, **stamp_options),
        frames_per_file=per_file,
        nominal_rate_hz=rate,
    )


def make_recording(*devices: Device, format: str = "v4") -> Recording:
    return Recording(
        format=format,
        root=Path("session"),
        label="",
        software="",
        start=StartTime(datetime(2026, 3, 2, 14, 5, 7, tzinfo=UTC), "test", False),
        devices=devices,
    )


def regular(n_frames: int, *, interval_ms: int = 50, first_ms: int = 0) -> np.ndarray:
    """Stamps in s as the reader makes them: whole milliseconds / 1000."""
    return (first_ms + interval_ms * np.arange(n_frames)) / 1000.0


def frames_with(timeline, rule: str) -> list[int]:
    return [repair.frame for repair in timeline.repairs if repair.rule == rule]


def codes(timeline, severity: str = "warning") -> list[str]:
    return [problem.code for problem in timeline.problems if problem.severity == severity]


def assert_own_stamps(timeline, device) -> None:
    """Every stored frame has the time of the row of its own frame index."""
    stamps = device.stamps
    np.testing.assert_array_equal(stamps.frame_index[timeline.row], timeline.frame_index)
    np.testing.assert_array_equal(stamps.time_s[timeline.row], timeline.time_s)
