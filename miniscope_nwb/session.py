"""What stands around the frames in the NWB file: session, subject, devices, and the plan to write.

`convert.metadata` makes a `SessionInfo` of what the raw files say and of the user's YAML files;
`convert.folder` puts it beside recordings and timelines into a `ConversionPlan`, and the NWB
writer turns the plan into a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from miniscope_nwb.recording import Device, DeviceTiming, Problem, Recording, Role, Timeline

Mismatch = Literal["stop", "trim", "pad"]
StampPolicy = Literal["strict", "keep", "interpolate"]
Compression = Literal["gzip", "none"]
VideoLinks = Literal["copy", "hard", "in-place"]


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """The choices of `miniscope-nwb convert`, as the user gave them."""

    overwrite: bool = False
    stub: int | None = None  # only the first N frames of every device
    on_mismatch: Mismatch = "stop"
    stamps: StampPolicy = "strict"
    timezone: str | None = None
    start_time: str | None = None
    scope_camnum: int | None = None
    embed_video: bool = False
    link_videos: VideoLinks = "copy"
    join: bool = False
    compression: Compression = "gzip"


@dataclass(frozen=True, slots=True)
class SubjectInfo:
    """Who was recorded. An empty string means that nobody said."""

    subject_id: str = ""
    species: str = ""  # Latin binomial
    sex: str = ""  # M, F, O, U
    age: str = ""  # ISO 8601 duration
    date_of_birth: datetime | None = None
    genotype: str = ""
    strain: str = ""
    weight: str = ""  # with its unit: "0.023 kg"
    description: str = ""


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What the NWB file says of a scope or a camera beyond what it recorded."""

    name: str  # as recorded; matches `Device.name`
    nwb_name: str  # without spaces; the suffix of the series: "Miniscope_1"
    role: Role
    description: str
    manufacturer: str = ""
    model: str = ""  # "UCLA Miniscope V4"
    model_description: str = ""
    serial_number: str = ""
    # scopes only
    indicator: str = ""
    excitation_wavelength_nm: float | None = None
    emission_wavelength_nm: float | None = None
    location: str = ""
    pixel_size_um: tuple[float, float] | None = None  # x, y
    pixel_size_source: str = ""  # "given in session.yaml", "documented for UCLA Miniscope V4 ..."
    plane_description: str = ""
    reference_frame: str = ""
    origin_coords_mm: tuple[float, float, float] | None = None
    exposure_time_s: float | None = None
    binning: int | None = None
    power_w: float | None = None
    intensity_w_per_m2: float | None = None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Session-level metadata, resolved: the user's YAML over what the raw files say."""

    start: datetime  # with time zone
    start_source: str
    start_is_assumed: bool  # time or zone was not recorded
    session_id: str
    session_description: str
    subject: SubjectInfo
    devices: tuple[DeviceInfo, ...]
    experimenter: tuple[str, ...] = ()
    lab: str = ""
    institution: str = ""
    experiment_description: str = ""
    keywords: tuple[str, ...] = ()
    notes: str = ""
    protocol: str = ""
    pharmacology: str = ""
    surgery: str = ""
    virus: str = ""
    stimulus_notes: str = ""
    data_collection: str = ""
    related_publications: tuple[str, ...] = ()
    winners: dict[str, str] = field(default_factory=dict)  # dotted key -> file that won
    missing: tuple[str, ...] = ()  # what DANDI still needs, dotted YAML keys
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """One recording of the file; a file has several only after ``--join``.

    Times in `timelines` are on the file's clock: `offset_s` (start of this recording after the
    first one's) has been added to them already, but not to the stamps, samples, notes and
    intervals inside `recording`.
    """

    recording: Recording
    timelines: dict[str, Timeline]  # by device name; devices without frames are absent
    offset_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ConversionPlan:
    """All that the NWB writer needs."""

    root: Path  # what `relative_path` of every part and source file is relative to
    segments: tuple[Segment, ...]
    session: SessionInfo
    timing: tuple[DeviceTiming, ...]
    options: ConvertOptions
    problems: tuple[Problem, ...] = ()

    def device(self, name: str) -> Device:
        """Return the device called `name` in the first segment that has it."""
        for segment in self.segments:
            for device in segment.recording.devices:
                if device.name == name:
                    return device
        raise KeyError(name)

    @property
    def device_names(self) -> tuple[str, ...]:
        """Names of all devices, scopes first, in order of appearance."""
        devices = [d for segment in self.segments for d in segment.recording.devices]
        ordered = sorted(devices, key=lambda device: device.role != "scope")
        return tuple(dict.fromkeys(device.name for device in ordered))
