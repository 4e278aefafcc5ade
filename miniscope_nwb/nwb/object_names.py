"""Names of the objects in the NWB file: the contract with every program that reads it."""

from __future__ import annotations

from collections.abc import Sequence

from miniscope_nwb.recording import Role
from miniscope_nwb.session import ConversionPlan, DeviceInfo

RECORDING_MODULE = "recording"
NOTES = "Notes"
LOST_FRAMES = "LostFrames"
HEAD_ORIENTATION = "HeadOrientation"


def device_infos(plan: ConversionPlan) -> dict[str, DeviceInfo]:
    """Return what is known of each device by its recorded name, scopes first."""
    infos = {info.name: info for info in plan.session.devices}
    return {name: infos[name] for name in plan.device_names}


def series_name(info: DeviceInfo, infos: Sequence[DeviceInfo]) -> str:
    """Name of the series that holds a device's frames."""
    if info.role == "camera":
        return f"BehaviorVideo{info.nwb_name}"
    return f"OnePhotonSeries{_suffix(info, infos)}"


def plane_name(info: DeviceInfo, infos: Sequence[DeviceInfo]) -> str:
    """Name of a scope's imaging plane."""
    return f"ImagingPlane{_suffix(info, infos)}"


def frame_info_name(info: DeviceInfo) -> str:
    """Name of the table of a device's stored frames."""
    return f"FrameInfo{info.nwb_name}"


def signal_name(kind: str, info: DeviceInfo | None, *, is_shared: bool) -> str:
    """Name of a sampled signal or a table of intervals.

    Parameters
    ----------
    kind
        What it is: ``"HeadOrientation"``, ``"Acceleration"``, ``"PortStatus"``.
    info
        The device that it belongs to, None where it belongs to the session.
    is_shared
        Whether several devices have a signal of this kind.
    """
    has_suffix = info is not None and (is_shared or kind == HEAD_ORIENTATION)
    return f"{kind}{info.nwb_name}" if has_suffix and info is not None else kind


def object_name(text: str) -> str:
    """Make a recorded name fit for an object: HDF5 paths and NWB forbid ``/`` and ``:``."""
    return text.replace("/", "-").replace(":", "-")


def count_role(role: Role, infos: Sequence[DeviceInfo]) -> int:
    """Count the devices of a role."""
    return sum(info.role == role for info in infos)


def _suffix(info: DeviceInfo, infos: Sequence[DeviceInfo]) -> str:
    return info.nwb_name if count_role("scope", infos) > 1 else ""
