"""A plan as a metadata dictionary in NeuroConv's form: entries under keys that refer to each other.

``Devices`` name their ``DeviceModels``, ``Ophys.ImagingPlanes`` their device, and
``Ophys.MicroscopySeries`` their plane. What nobody said is left out, so that a laboratory's own
dictionary fills it in. Nothing is imported from NeuroConv here: the form is plain dictionaries.
"""

from __future__ import annotations

import math
from typing import Any

from miniscope_nwb.nwb.object_names import object_name, plane_name, series_name
from miniscope_nwb.session import ConversionPlan, DeviceInfo, SessionInfo

Dictionary = dict[str, Any]
_MW = 1e3  # in a W
_MW_PER_MM2 = 1e-3  # in a W/m2
_SESSION_KEYS = (
    "session_id", "session_description", "lab", "institution", "experiment_description", "notes",
    "protocol", "pharmacology", "surgery", "virus", "stimulus_notes", "data_collection",
)  # fmt: skip
_SESSION_LISTS = ("experimenter", "keywords", "related_publications")
_SUBJECT_KEYS = (
    "subject_id", "species", "sex", "age", "date_of_birth", "genotype", "strain", "weight",
    "description",
)  # fmt: skip


def describe_plan(plan: ConversionPlan, *, metadata_key: str | None = None) -> Dictionary:
    """Describe a plan as NeuroConv's interfaces do.

    Parameters
    ----------
    plan
        Of one recording.
    metadata_key
        Begins the keys of all entries; by default they are the devices' names alone.

    Returns
    -------
    dict
        ``NWBFile``, ``Subject`` (where anything is known), ``DeviceModels``, ``Devices`` and
        ``Ophys``.
    """
    session = plan.session
    described: Dictionary = {"NWBFile": _session(session), "DeviceModels": {}, "Devices": {}}
    subject = _filled({key: getattr(session.subject, key) for key in _SUBJECT_KEYS})
    if subject:
        described["Subject"] = subject
    planes: Dictionary = {}
    series: Dictionary = {}
    for device in session.devices:
        key = entry_key(device, metadata_key)
        model_key = f"{key}_model"
        described["DeviceModels"][model_key] = _model(device)
        described["Devices"][key] = _filled(
            {
                "name": object_name(device.name),
                "description": device.description,
                "serial_number": device.serial_number,
                "device_model_metadata_key": model_key,
            }
        )
        if device.role == "scope":
            planes[key] = _plane(plan, device, key)
            series[key] = _series(device, key, series_name(device, session.devices))
    described["Ophys"] = {"ImagingPlanes": planes, "MicroscopySeries": series}
    return described


def entry_key(device: DeviceInfo, metadata_key: str | None) -> str:
    """Return the key under which a device, its plane and its series stand."""
    return device.nwb_name if metadata_key is None else f"{metadata_key}_{device.nwb_name}"


def _session(session: SessionInfo) -> Dictionary:
    texts = {key: getattr(session, key) for key in _SESSION_KEYS}
    lists = {key: list(getattr(session, key)) for key in _SESSION_LISTS}
    return {"session_start_time": session.start, **_filled({**texts, **lists})}


def _model(device: DeviceInfo) -> Dictionary:
    return _filled(
        {
            "name": object_name(device.model or f"Model of {device.name}"),
            "manufacturer": device.manufacturer or "unknown",  # NWB demands one
            "description": device.model_description,
        }
    )


def _plane(plan: ConversionPlan, device: DeviceInfo, key: str) -> Dictionary:
    rates = [timing.measured_rate_hz for timing in plan.timing if timing.device == device.name]
    channel = {
        "name": "OpticalChannel",
        "description": f"Emission of {device.indicator or 'an unknown indicator'}.",
        "emission_lambda": device.emission_wavelength_nm,
    }
    plane: Dictionary = {
        "name": plane_name(device, plan.session.devices),
        "description": device.plane_description,
        "device_metadata_key": key,
        "indicator": device.indicator,
        "location": device.location,
        "excitation_lambda": device.excitation_wavelength_nm,
        "imaging_rate": next((rate for rate in rates if math.isfinite(rate)), None),
        "reference_frame": device.reference_frame,
        "optical_channel": [_filled(channel)],
    }
    if device.pixel_size_um is not None:
        source = f" Pixel size {device.pixel_size_source}." if device.pixel_size_source else ""
        plane["description"] = f"{device.plane_description}{source}".strip()
        # Tuples: where NeuroConv merges dictionaries, it drops repeated values from lists.
        plane["grid_spacing"] = device.pixel_size_um
        plane["grid_spacing_unit"] = "micrometers"
    if device.origin_coords_mm is not None:
        plane["origin_coords"] = device.origin_coords_mm
        plane["origin_coords_unit"] = "millimeters"
    return _filled(plane)


def _series(device: DeviceInfo, key: str, name: str) -> Dictionary:
    return _filled(
        {
            "name": name,
            "description": f"One-photon calcium imaging by {device.name}, every frame as recorded.",
            "unit": "a.u.",
            "imaging_plane_metadata_key": key,
            "exposure_time": device.exposure_time_s,
            "binning": device.binning,
            "power": _scaled(device.power_w, _MW),
            "intensity": _scaled(device.intensity_w_per_m2, _MW_PER_MM2),
        }
    )


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _filled(entry: Dictionary) -> Dictionary:
    """Leave out what nobody said."""
    return {key: value for key, value in entry.items() if value not in ("", None, [])}
