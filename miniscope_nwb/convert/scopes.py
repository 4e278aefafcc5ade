"""What is publicly documented of the devices that recordings name in `deviceType`.

The only use of this table is to describe devices, and to offer a nominal pixel size where one is
documented: recordings never hold it. An unknown type is never rejected; laboratories add their own.

Sources: device tables of the Miniscope acquisition software and of the Miniscope-LFOV project;
the Miniscope V4 documentation of Open Ephys (field of view for every lens). For the V3 no field of
view could be traced to a source, so it has no nominal pixel size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from miniscope_nwb.recording import Role

UCLA = "UCLA Miniscope project (open-source design)"


@dataclass(frozen=True, slots=True)
class DeviceModelInfo:
    """What is known of a type of device.

    `sensor_size` is (width, height) in pixels of the frames that the type records at full size;
    `nominal_pixel_size_um` is the side of a square pixel in the tissue, in micrometers.
    """

    model: str
    manufacturer: str
    description: str
    sensor: str = ""
    sensor_size: tuple[int, int] | None = None
    nominal_pixel_size_um: float | None = None
    nominal_pixel_size_source: str = ""


_V4_LENS_1 = (
    "nominal, computed from the documented field of view of the Miniscope V4 with lens 1 "
    "(working distance 675 um): 1.0 mm over 608 pixels; not measured, and not true for another lens"
)
_LFOV = (
    "nominal, computed from the documented field of view of the MiniLFOV: 3.6 mm over {} pixels; "
    "not measured"
)


def _v4(model: str, *, lights: str = "", pixel_size_um: float | None = 1.64) -> DeviceModelInfo:
    return DeviceModelInfo(
        model=model,
        manufacturer=UCLA,
        description=f"Head-mounted one-photon microscope, PYTHON480 sensor, 608x608 pixels, "
        f"electrowetting lens for focus{lights}.",
        sensor="PYTHON480",
        sensor_size=(608, 608),
        nominal_pixel_size_um=pixel_size_um,
        nominal_pixel_size_source=_V4_LENS_1 if pixel_size_um else "",
    )


def _mt9p031(
    model: str, what: str, size: tuple[int, int], pixel_size_um: float | None = None
) -> DeviceModelInfo:
    return DeviceModelInfo(
        model=model,
        manufacturer=UCLA,
        description=f"{what}, MT9P031 sensor, {size[0]}x{size[1]} pixels.",
        sensor="MT9P031",
        sensor_size=size,
        nominal_pixel_size_um=pixel_size_um,
        nominal_pixel_size_source=_LFOV.format(size[0]) if pixel_size_um else "",
    )


def _lfov(size: tuple[int, int], pixel_size_um: float | None = None) -> DeviceModelInfo:
    what = "Head-mounted one-photon microscope with a large field of view"
    return _mt9p031("UCLA MiniLFOV", what, size, pixel_size_um)


_WEBCAM = DeviceModelInfo(
    model="USB camera",
    manufacturer="unknown",
    description="Behaviour camera that the operating system drives as a webcam.",
)
_TWO_COLOURS = _v4("UCLA Miniscope V4, two-colour", lights=" and two LEDs", pixel_size_um=None)
_HALF = (1296, 972)  # the MT9P031's 2592x1944 pixels, binned or skipped by two

DEVICE_TYPES: dict[str, DeviceModelInfo] = {
    "Miniscope_V4_BNO": _v4("UCLA Miniscope V4", lights=" and a head orientation sensor"),
    "Miniscope_V4": _v4("UCLA Miniscope V4"),
    "UclaMiniscopeV4": _v4("UCLA Miniscope V4"),
    "Miniscope_V4_2C": _TWO_COLOURS,
    "Miniscope_V4_2C_Manual": _TWO_COLOURS,
    "Miniscope_V3": DeviceModelInfo(
        model="UCLA Miniscope V3",
        manufacturer=UCLA,
        description="Head-mounted one-photon microscope, MT9V032 sensor, 752x480 pixels.",
        sensor="MT9V032",
        sensor_size=(752, 480),
    ),
    "Minicam-Mono-XGA": _mt9p031("UCLA MiniCAM", "Behaviour camera", (1024, 768)),
    "Siminiscope_1024X768": _mt9p031(
        "Siminiscope", "Experimental one-photon microscope", (1024, 768)
    ),
    "Siminiscope_Bin2x": _mt9p031("Siminiscope", "Experimental one-photon microscope", _HALF),
    "MiniLFM": _mt9p031("MiniLFM", "Head-mounted light-field microscope", (2592, 1944)),
    "MiniLFOV_1024X768": _lfov((1024, 768)),
    "MiniLFOV_Bin2x_Avg": _lfov(_HALF, 2.78),
    "MiniLFOV_Bin2x_Sum": _lfov(_HALF, 2.78),
    "MiniLFOV_Skip2x": _lfov(_HALF, 2.78),
    "MiniLFOV_800X800": _lfov((800, 800)),
    "MiniLFOV_800X800_skip": _lfov((800, 800)),
    "MiniLFOV_800X800_full": _lfov((800, 800)),
    "MiniLFOV_1000X1000_full": _lfov((1000, 1000)),
    "MiniLFOV_FullReso": _lfov((2592, 1944), 1.39),
    "WebCam": _WEBCAM,
}


def _plain(device_type: str) -> str:
    return re.sub(r"[^a-z0-9]", "", device_type.casefold())


_BY_PLAIN_NAME = {_plain(name): info for name, info in DEVICE_TYPES.items()}


def look_up(device_type: str, *, role: Role) -> DeviceModelInfo:
    """Describe a device of the given type.

    Parameters
    ----------
    device_type
        As recorded, in any spelling of case, spaces, hyphens and underscores; may be empty.
    role
        Used for the description of a type that the table does not hold.

    Returns
    -------
    DeviceModelInfo
        From the table, or a generic one without a pixel size.
    """
    known = _BY_PLAIN_NAME.get(_plain(device_type))
    if known is not None:
        return known
    if _plain(device_type).startswith("webcam"):  # WebCam-640x480: the size varies
        return _WEBCAM
    what = "Head-mounted one-photon microscope" if role == "scope" else "Behaviour camera"
    of_type = f" of the type {device_type}" if device_type.strip() else ", type not recorded"
    return DeviceModelInfo(
        model=device_type.strip() or ("miniscope" if role == "scope" else "camera"),
        manufacturer="unknown",
        description=f"{what}{of_type}.",
    )
