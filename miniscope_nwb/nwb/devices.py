"""Devices, their models, and the imaging planes of the scopes.

What nobody said is stored as NWB lets it be absent: left out where a field is optional, else as
"unknown" or NaN, never as a likely value. The description says what was not given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pynwb import NWBFile
from pynwb.device import Device, DeviceModel
from pynwb.ophys import ImagingPlane, OpticalChannel

from miniscope_nwb.nwb.object_names import object_name, plane_name
from miniscope_nwb.recording import DeviceTiming
from miniscope_nwb.session import DeviceInfo

UNKNOWN = "unknown"


def add_devices(file: NWBFile, infos: Iterable[DeviceInfo]) -> dict[str, Device]:
    """Add a device for every scope and camera, and a model for every kind of them.

    Returns
    -------
    dict
        Devices by recorded name.
    """
    devices: dict[str, Device] = {}
    models: dict[tuple[str, str, str], DeviceModel] = {}
    for info in infos:
        device = Device(
            name=object_name(info.name),
            description=info.description or f"{info.role.capitalize()} {info.name}.",
            serial_number=info.serial_number or None,
            model=_model(file, info, models),
        )
        file.add_device(device)
        devices[info.name] = device
    return devices


def _model(
    file: NWBFile, info: DeviceInfo, models: dict[tuple[str, str, str], DeviceModel]
) -> DeviceModel | None:
    if not (info.model or info.manufacturer):
        return None
    key = (info.model, info.manufacturer, info.model_description)
    if key not in models:
        name = object_name(info.model or f"Model of {info.name}")
        n_same = sum(other[0] == info.model for other in models)
        models[key] = DeviceModel(
            name=f"{name} ({n_same + 1})" if n_same and info.model else name,
            manufacturer=info.manufacturer or UNKNOWN,
            description=info.model_description or f"Model of {info.name}; not described.",
        )
        file.add_device_model(models[key])
    return models[key]


def add_plane(
    file: NWBFile,
    info: DeviceInfo,
    infos: Sequence[DeviceInfo],
    device: Device,
    timing: DeviceTiming | None,
) -> ImagingPlane:
    """Add the imaging plane of a scope; its rate is the measured one."""
    rate = timing.measured_rate_hz if timing is not None else math.nan
    size = info.pixel_size_um
    origin = info.origin_coords_mm
    plane = ImagingPlane(
        name=plane_name(info, infos),
        description=_describe_plane(info),
        optical_channel=OpticalChannel(
            name="OpticalChannel",
            description=_describe_channel(info),
            emission_lambda=_or_nan(info.emission_wavelength_nm),
        ),
        device=device,
        excitation_lambda=_or_nan(info.excitation_wavelength_nm),
        indicator=info.indicator or UNKNOWN,
        location=info.location or UNKNOWN,
        imaging_rate=None if math.isnan(rate) else rate,
        reference_frame=info.reference_frame or None,
        **({} if size is None else {"grid_spacing": size, "grid_spacing_unit": "micrometers"}),
        **(
            {} if origin is None else {"origin_coords": origin, "origin_coords_unit": "millimeters"}
        ),
    )
    file.add_imaging_plane(plane)
    return plane


def _describe_plane(info: DeviceInfo) -> str:
    text = (info.plane_description or f"Focal plane of {info.name}").rstrip(".") + "."
    if info.pixel_size_um is None:
        return f"{text} The pixel size is not known."
    source = info.pixel_size_source or "of unknown source"
    return f"{text} Pixel size in the tissue, x and y: {source}."


def _describe_channel(info: DeviceInfo) -> str:
    text = f"Emission of {info.indicator or 'an unknown indicator'}, as seen by {info.name}."
    if info.emission_wavelength_nm is None:
        text += " The emission wavelength was not given (NaN)."
    if info.excitation_wavelength_nm is None:
        text += " The excitation wavelength was not given (NaN)."
    return text


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
