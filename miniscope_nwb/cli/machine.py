"""How records look to programs: plain JSON values, NaN as null."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from miniscope_nwb.recording import Device, DeviceTiming, Problem


def without_nan(record: dict[str, Any]) -> dict[str, Any]:
    """Replace NaN, which JSON does not have, by null."""
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in record.items()
    }


def timing_json(timing: DeviceTiming) -> dict[str, Any]:
    """One row of the time report."""
    return without_nan(asdict(timing))


def problem_json(problem: Problem) -> dict[str, Any]:
    """One problem; what it does not name is null."""
    return {
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "file": problem.file or None,
        "device": problem.device or None,
    }


def device_json(device: Device) -> dict[str, Any]:
    """One device with its video files."""
    return {
        "name": device.name,
        "folder": device.folder,
        "role": device.role,
        "role_evidence": device.role_evidence,
        "device_type": device.device_type or None,
        "n_frames": sum(part.n_frames for part in device.parts),
        "n_stamps": device.stamps.n_rows if device.stamps else 0,
        "frames_per_file": device.frames_per_file,
        "nominal_rate_hz": device.nominal_rate_hz,
        "parts": [
            {
                "path": part.relative_path,
                "index": part.index,
                "bytes": part.n_bytes,
                "codec": part.fourcc,
                "width": part.width,
                "height": part.height,
                "frames": part.n_frames,
                "header_frames": part.header_frames,
                "pixel_format": part.pixel_format,
                "lossy": part.is_lossy,
                "state": part.state,
            }
            for part in device.parts
        ],
    }
