"""How records look to programs: plain JSON values, NaN as null."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from miniscope_nwb.recording import Device, DeviceTiming, Problem, Recording


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


def recording_json(recording: Recording) -> dict[str, Any]:
    """Return what was recorded: format, start, devices, signals, settings, notes, files."""
    start = recording.start
    return {
        "format": recording.format,
        "folder": str(recording.root),
        "label": recording.label,
        "software": recording.software,
        "start": start.value.isoformat() if start.value else None,
        "start_source": start.source,
        "start_is_assumed": start.is_assumed,
        "subject_id": recording.subject_id or None,
        "experimenter": recording.experimenter or None,
        "experiment_description": recording.experiment_description or None,
        "devices": [device_json(device) for device in recording.devices],
        "signals": [
            {"kind": s.kind, "device": s.device, "columns": list(s.columns), "rows": len(s.time_s)}
            for s in recording.samples
        ],
        "settings": [
            {"device": s.device, "key": s.key, "value": s.value, "file": s.source}
            for s in recording.settings
        ],
        "notes": [{"time_s": note.time_s, "text": note.text} for note in recording.notes],
        "files": [
            {
                "path": file.relative_path, "bytes": file.n_bytes, "frames": file.n_frames,
                "codec": file.codec or None, "device": file.device or None,
                "converted": file.converted, "note": file.note or None,
            }
            for file in recording.source_files
        ],
    }  # fmt: skip


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
