"""NWB objects of a metadata dictionary in NeuroConv's form, see `as_dictionary`.

Objects that an `NWBFile` already holds under the name are used again, as NeuroConv does, so that
several interfaces may share a device.
"""

from __future__ import annotations

import math
from typing import Any

from pynwb import NWBFile
from pynwb.device import Device as NwbDevice
from pynwb.device import DeviceModel
from pynwb.ophys import ImagingPlane, OnePhotonSeries, OpticalChannel

from miniscope_nwb.errors import MetadataError
from miniscope_nwb.nwb.axes import AXIS_COMMENT
from miniscope_nwb.nwb.lazy_movie import LazyMovie
from miniscope_nwb.nwb.movie import Movie
from miniscope_nwb.nwb.series import source_comment
from miniscope_nwb.recording import FloatArray

Dictionary = dict[str, Any]
_DEVICE_REFERENCES = ("device_model_metadata_key", "type")


def add_device(nwbfile: NWBFile, metadata: Dictionary, key: str) -> NwbDevice:
    """Add the device ``metadata["Devices"][key]`` with its model."""
    entry = _entry(metadata, ("Devices",), key)
    if entry["name"] in nwbfile.devices:
        return nwbfile.devices[entry["name"]]
    values = {name: value for name, value in entry.items() if name not in _DEVICE_REFERENCES}
    model_key = entry.get("device_model_metadata_key")
    if model_key is not None:
        values["model"] = _add_model(nwbfile, _entry(metadata, ("DeviceModels",), model_key))
    return nwbfile.create_device(**values)


def add_plane(nwbfile: NWBFile, metadata: Dictionary, key: str) -> ImagingPlane:
    """Add the imaging plane ``metadata["Ophys"]["ImagingPlanes"][key]`` with its device.

    Where nobody said, texts hold ``unknown`` and wavelengths NaN: NWB demands a value.
    """
    entry = _entry(metadata, ("Ophys", "ImagingPlanes"), key)
    if entry["name"] in nwbfile.imaging_planes:
        return nwbfile.imaging_planes[entry["name"]]
    defaults = {"indicator": "unknown", "location": "unknown", "excitation_lambda": math.nan}
    values = {**defaults, **entry}
    values["device"] = add_device(nwbfile, metadata, values.pop("device_metadata_key", key))
    values["optical_channel"] = [
        OpticalChannel(
            **{
                "name": "OpticalChannel",
                "description": "Optical channel.",
                "emission_lambda": math.nan,
                **channel,
            }
        )
        for channel in entry.get("optical_channel") or [{}]
    ]
    return nwbfile.create_imaging_plane(**values)


def add_series(
    nwbfile: NWBFile, metadata: Dictionary, key: str, *, movie: Movie, times: FloatArray
) -> OnePhotonSeries:
    """Add the movie ``metadata["Ophys"]["MicroscopySeries"][key]`` with its plane.

    Parameters
    ----------
    nwbfile, metadata, key
        Where to, and what to say of it.
    movie
        The frames; they are decoded when the file is written.
    times
        Time stamps in seconds, shape (n_frames,).
    """
    values = {"unit": "a.u.", **_entry(metadata, ("Ophys", "MicroscopySeries"), key)}
    plane = add_plane(nwbfile, metadata, values.pop("imaging_plane_metadata_key", key))
    one_photon = OnePhotonSeries(
        **{
            "comments": f"{AXIS_COMMENT} {source_comment(movie.runs)}",
            "dimension": [movie.width, movie.height],
            **values,
        },
        imaging_plane=plane,
        data=LazyMovie(movie),
        timestamps=times,
    )
    nwbfile.add_acquisition(one_photon)
    return one_photon


def _add_model(nwbfile: NWBFile, entry: Dictionary) -> DeviceModel:
    known = nwbfile.device_models.get(entry["name"])
    if known is not None:
        return known
    values = {"manufacturer": "unknown", **entry}
    values.pop("type", None)
    return nwbfile.create_device_model(**values)


def _entry(metadata: Dictionary, section: tuple[str, ...], key: str) -> Dictionary:
    group: Any = metadata
    for name in section:
        group = group.get(name) or {}
    where = "".join(f"[{name!r}]" for name in section)
    if key not in group:
        raise MetadataError(
            f"metadata{where} has no entry {key!r}, only {', '.join(map(repr, group)) or 'none'}: "
            "begin with the interface's get_metadata() and change that."
        )
    entry = dict(group[key])
    if not entry.get("name"):
        raise MetadataError(f"metadata{where}[{key!r}] has no name; give one.")
    return entry
