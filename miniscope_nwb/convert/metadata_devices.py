"""What the NWB file says of every device: the YAML over the documented table of device types."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from miniscope_nwb.convert.metadata_fields import IMAGING
from miniscope_nwb.convert.names import nwb_name, nwb_names
from miniscope_nwb.convert.scopes import DeviceModelInfo, look_up
from miniscope_nwb.convert.user_metadata import Given, UserMetadata
from miniscope_nwb.errors import MetadataError
from miniscope_nwb.recording import Device, Problem, Recording
from miniscope_nwb.session import DeviceInfo

# What an analysis, and a person who reads the file, cannot do without; DANDI's page shows it.
NEEDED_OF_SCOPES = (
    "indicator",
    "excitation_wavelength_nm",
    "emission_wavelength_nm",
    "location",
    "pixel_size_um",
)


def resolve_devices(
    recordings: Sequence[Recording], user: UserMetadata
) -> tuple[tuple[DeviceInfo, ...], dict[str, str], tuple[Problem, ...]]:
    """Describe every device of the recordings, scopes first.

    Returns
    -------
    devices
        One for each name as recorded.
    winners
        Dotted YAML key -> file that won it.
    problems
        Nominal pixel sizes, and names in the YAML that no device has.

    Raises
    ------
    MetadataError
        If the YAML says of a device what cannot be, or names one that is probably misspelt.
    """
    devices = _by_name(recordings)
    names = nwb_names(devices)
    problems = list(_unknown_devices(user, list(devices)))
    infos: list[DeviceInfo] = []
    winners: dict[str, str] = {}
    for name, device in devices.items():
        own = user.device(name, devices)
        _refuse_contradictions(device, own)
        defaults = user.imaging if device.role == "scope" else {}
        infos.append(_describe(device, names[name], own, defaults))
        winners |= {f"devices.{name}.{key}": given.file for key, given in own.items()}
        winners |= {
            f"imaging.{key}": given.file for key, given in defaults.items() if key not in own
        }
        if infos[-1].pixel_size_source.startswith("nominal"):
            problems.append(_nominal(device, infos[-1]))
    return tuple(infos), winners, tuple(problems)


def missing_of_scopes(devices: Iterable[DeviceInfo]) -> tuple[str, ...]:
    """List the YAML keys of imaging that nobody has filled.

    ``imaging.<key>`` where every scope lacks it, else ``devices.<name>.<key>``.
    """
    scopes = [device for device in devices if device.role == "scope"]
    missing: list[str] = []
    for key in NEEDED_OF_SCOPES:
        lacking = [scope.name for scope in scopes if getattr(scope, key) in (None, "")]
        if lacking and len(lacking) == len(scopes):
            missing.append(f"imaging.{key}")
        else:
            missing += [f"devices.{name}.{key}" for name in lacking]
    return tuple(missing)


def nominal_pixel_size(device: Device) -> tuple[tuple[float, float] | None, str]:
    """Return the documented pixel size of a scope in micrometers, x and y, and its source.

    None where none is documented, or where the frames are larger than the type's, so that they
    cannot be as documented.
    """
    known = look_up(device.device_type, role=device.role)
    size = known.nominal_pixel_size_um
    if device.role != "scope" or size is None or not _fits(device, known):
        return None, ""
    return (size, size), known.nominal_pixel_size_source


def warn_of_nominal_sizes(recordings: Sequence[Recording]) -> tuple[Problem, ...]:
    """Warn of every pixel size that would be stored as documented, where nobody gives one."""
    return resolve_devices(recordings, UserMetadata())[2]


def _by_name(recordings: Sequence[Recording]) -> dict[str, Device]:
    """List devices by name, scopes first, in order of appearance."""
    devices = [device for recording in recordings for device in recording.devices]
    found: dict[str, Device] = {}
    for device in sorted(devices, key=lambda item: item.role != "scope"):
        found.setdefault(device.name, device)
    return found


def _describe(
    device: Device, name: str, own: Mapping[str, Given], defaults: Mapping[str, Given]
) -> DeviceInfo:
    known = look_up(device.device_type, role=device.role)
    # DEVICE's keys are fields of DeviceInfo, and its parsers give the fields' types.
    values: dict[str, Any] = {
        "description": _description(device, known),
        "manufacturer": known.manufacturer,
        "model": known.model,
        "model_description": known.description,
    }
    if device.role == "scope":
        size, source = nominal_pixel_size(device)
        values |= {"pixel_size_um": size, "pixel_size_source": source}
        values["plane_description"] = f"Focal plane of {device.name}."
    merged = {**defaults, **own}
    values |= {key: given.value for key, given in merged.items() if key != "role"}
    if "pixel_size_um" in merged:
        values["pixel_size_source"] = f"given in {merged['pixel_size_um'].file}"
    return DeviceInfo(name=device.name, nwb_name=name, role=device.role, **values)


def _description(device: Device, known: DeviceModelInfo) -> str:
    of_type = f", deviceType {device.device_type}" if device.device_type else ""
    return f"{known.description} Recorded as {device.name}{of_type}."


def _fits(device: Device, known: DeviceModelInfo) -> bool:
    if known.sensor_size is None:
        return True
    width, height = known.sensor_size
    return all(part.width <= width and part.height <= height for part in device.parts)


def _nominal(device: Device, info: DeviceInfo) -> Problem:
    size = info.pixel_size_um[0] if info.pixel_size_um else 0.0
    return Problem(
        severity="warning",
        code="nominal_pixel_size",
        device=device.name,
        message=f"{device.name}: the pixel size {size} um is {info.pixel_size_source}; give "
        "pixel_size_um in the YAML.",
    )


def _refuse_contradictions(device: Device, own: Mapping[str, Given]) -> None:
    role = own.get("role")
    if role is not None and role.value != device.role:
        raise MetadataError(
            f"{role.where}: devices.{device.name}.role is {role.value}, but the recording can only "
            f"be read with it as a {device.role} ({device.role_evidence})."
        )
    if device.role == "camera":
        for key, given in own.items():
            if key in IMAGING:
                raise MetadataError(
                    f"{given.where}: devices.{device.name}.{key} is for miniscopes, but "
                    f"{device.name} is a behaviour camera ({device.role_evidence}); delete the "
                    "key, or set its role to scope."
                )


def _unknown_devices(user: UserMetadata, recorded: Sequence[str]) -> Iterable[Problem]:
    """Refuse a name that looks like a recorded one; another may belong to another rig."""
    spellings = {spelling: name for name in recorded for spelling in (name, nwb_name(name))}
    named = {spellings[written] for written in user.devices if written in spellings}
    for written, group in user.devices.items():
        if written in spellings or not group:
            continue
        free = [spelling for spelling, name in spellings.items() if name not in named]
        near = difflib.get_close_matches(written, free, n=1, cutoff=0.75)
        where = next(iter(group.values())).where
        if near:
            raise MetadataError(
                f"{where}: the recording has no device {written}; did you mean "
                f"{spellings[near[0]]}?"
            )
        yield Problem(
            severity="warning",
            code="unknown_device",
            message=f"{where}: the recording has no device {written}, so its keys are not used "
            f"(recorded: {', '.join(recorded)}).",
        )
