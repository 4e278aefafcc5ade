"""The records that flow from a raw folder to the NWB file.

A reader makes one `Recording` of a folder; `convert.reconcile` makes one `Timeline` of each of
its devices; the NWB writer knows nothing but these two. All are frozen, hold no open file, and
need nothing but numpy. Paths that are stored in the NWB file are relative to the session root,
with `/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

Role = Literal["scope", "camera"]
PartState = Literal["whole", "unfinalised", "truncated", "empty", "unreadable"]
Severity = Literal["note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the user should know about the raw data.

    A ``note`` is harmless, a ``warning`` was mended or kept and is stored in the file, an
    ``error`` stops `convert` (`inspect` collects errors and goes on).
    """

    severity: Severity
    code: str  # short, stable, for programs: "truncated_part", "duplicate_stamps", ...
    message: str  # one sentence: file, what is wrong, what was or can be done
    file: str = ""  # relative to the session root
    device: str = ""


@dataclass(frozen=True, slots=True)
class VideoPart:
    """One AVI file of a device, as probed without decoding.

    ``n_frames`` counts the frames that can be decoded (complete, non-empty chunks of the file),
    whatever the header says. ``fourcc`` is the four-character code of the stream as it stands in
    the file (``"FFV1"``, ``"MJPG"``, ``"GREY"``, ``"Y800"``, ``"DIB "``, ``"Y16 "``; ``""`` where
    the file is empty). ``pixel_format`` says how the samples are stored.
    """

    path: Path
    relative_path: str
    index: int  # 0-based place in the numbered sequence: 0.avi, msCam1.avi and a lone file are 0
    n_bytes: int
    fourcc: str
    width: int  # pixels
    height: int  # pixels
    n_frames: int
    header_frames: int | None  # what the AVI header claims; None where there is no header
    pixel_format: Literal["gray8", "gray16", "palette8", "bgr24", "yuv", ""]
    is_lossy: bool
    state: PartState

    @property
    def is_damaged(self) -> bool:
        """Whether frames may have been lost from the end of this file."""
        return self.state != "whole"


@dataclass(frozen=True, slots=True)
class Stamps:
    """The rows of a device's timestamp file, in file order, nothing repaired.

    All arrays have shape (n_rows,).
    """

    source: str  # relative path of the file
    frame_index: (
        IntArray  # 0-based index of the saved frame: AVI k, frame j <-> k * framesPerFile + j
    )
    recorded: FloatArray  # as it stands in the file, in `unit`
    unit: str  # "ms", "ticks", ...
    time_s: FloatArray  # `recorded` in seconds on the session clock
    frame_number: IntArray | None = None  # frame number as recorded, where the file has one
    buffer_index: IntArray | None = None  # frames queued when this one was saved
    hardware_frame: IntArray | None = None  # counter of the hardware, as recorded
    hardware_counter_bits: int | None = None  # 16: the counter wraps; None: it does not wrap
    tail_slack: int = 0  # rows at the end that may lack a frame without any damage (ONIX: 1)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.time_s)


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a metadata file, flattened: ``ROI.width``. Lists stay lists of scalars."""

    device: str  # "" for the session
    key: str
    value: Json
    source: str  # relative path of the file


@dataclass(frozen=True, slots=True)
class Note:
    """A remark typed during the recording."""

    time_s: float
    text: str


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting that was changed while recording."""

    time_s: float
    device: str
    setting: str
    value: str


@dataclass(frozen=True, slots=True)
class Samples:
    """A sampled signal with its own clock: head orientation, acceleration, temperature, ...

    ``data`` has shape (n_samples, n_columns), or (n_samples,) for a scalar signal. ``kind`` names
    the NWB object (``"HeadOrientation"``, ``"Acceleration"``, ...); the writer appends the device
    where several devices have one.
    """

    kind: str
    device: str
    description: str
    unit: str
    columns: tuple[str, ...]
    time_s: FloatArray
    data: FloatArray
    source: str


@dataclass(frozen=True, slots=True)
class Intervals:
    """Spans of time: port status of ONIX, digital inputs of the Miniscope V4 GUI.

    ``columns`` maps a column's name to one value a span.
    """

    kind: str  # name of the NWB object: "PortStatus", "DigitalIn0"
    device: str
    description: str
    start_s: FloatArray
    stop_s: FloatArray
    columns: dict[str, list[str]]
    source: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the raw folder; SHA-256 is added when the file is converted."""

    path: Path
    relative_path: str
    n_bytes: int
    device: str = ""
    n_frames: int | None = None  # videos only
    codec: str = ""  # FourCC, videos only
    converted: bool = True  # whether its content stands in the NWB file
    note: str = ""  # why not, where not


@dataclass(frozen=True, slots=True)
class StartTime:
    """When the recording started: what the session clock calls zero.

    ``value`` is None where nothing tells; naive where the raw data record no zone.
    """

    value: datetime | None
    source: str  # "metaData.json (msecSinceEpoch)", "folder name", ...
    is_assumed: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A miniscope or a behaviour camera and what it recorded."""

    name: str  # as recorded, with spaces: "BehavCam 2"
    folder: str  # relative to the session root; "." where the files stand in the root itself
    role: Role
    role_evidence: str  # "deviceType Minicam-Mono-XGA", "listed under miniscopes", ...
    device_type: str  # as recorded: "Miniscope_V4_BNO"; "" where unknown
    parts: tuple[VideoPart, ...]  # sorted by index; a gap in the indices is a missing file
    stamps: Stamps | None
    frames_per_file: int | None = None
    nominal_rate_hz: float | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything that one raw recording holds, as found, nothing repaired."""

    format: str  # name of the reader: "v3", "v4", "onix", "v4gui"
    root: Path  # the session folder
    label: str  # what tells this recording from others in the same folder; often ""
    software: str  # acquisition software, as far as the files tell
    start: StartTime
    devices: tuple[Device, ...]
    subject_id: str = ""
    experimenter: str = ""
    experiment_description: str = ""
    settings: tuple[Setting, ...] = ()
    notes: tuple[Note, ...] = ()
    setting_changes: tuple[SettingChange, ...] = ()
    samples: tuple[Samples, ...] = ()
    intervals: tuple[Intervals, ...] = ()
    source_files: tuple[SourceFile, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def scopes(self) -> tuple[Device, ...]:
        """The miniscopes."""
        return tuple(device for device in self.devices if device.role == "scope")

    @property
    def cameras(self) -> tuple[Device, ...]:
        """The behaviour cameras."""
        return tuple(device for device in self.devices if device.role == "camera")


@dataclass(frozen=True, slots=True)
class Repair:
    """A stamp or frame that is not stored as it was recorded, or is stored but suspicious.

    Rules: ``first_stamp`` and ``interpolated`` (value replaced), ``origin`` (all stamps of the
    device moved by ``used_s - recorded_s``), ``padded`` (a frame without stamp got one),
    ``trimmed_stamp`` (a stamp without frame was dropped), ``trimmed_frame`` (a frame without
    stamp was left out), ``missing_frame`` (a stamp whose frame is lost from its file),
    ``duplicate`` and ``backward`` (kept as recorded).
    """

    device: str
    frame: int  # 0-based index of the saved frame in the recording
    recorded_s: float  # NaN where nothing was recorded
    used_s: float  # NaN where nothing is stored
    rule: str


@dataclass(frozen=True, slots=True)
class LostSpan:
    """A span of time in which frames were lost.

    ``start_s`` is the time of the last frame before, ``stop_s`` of the first frame after.
    ``evidence``: ``"counter"`` (hardware frame counter), ``"interval"`` (gap between stamps) or
    ``"file"`` (the frames were recorded, but their video file is damaged or missing).
    """

    device: str
    start_s: float
    stop_s: float
    n_lost: int
    evidence: Literal["counter", "interval", "file"]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which frames of a device are stored, and when each was taken.

    All arrays have shape (n_frames,).
    """

    device: str
    part: IntArray  # position in `Device.parts`
    frame_in_part: IntArray  # 0-based frame in that file
    frame_index: IntArray  # 0-based index of the saved frame in the recording
    row: IntArray  # row of `Device.stamps`; -1 where the stamp was padded
    time_s: FloatArray  # seconds on the session clock
    repairs: tuple[Repair, ...] = ()
    lost: tuple[LostSpan, ...] = ()
    problems: tuple[Problem, ...] = ()
    clock_shift_s: float = 0.0  # what an ``origin`` repair added to every stamp of the device

    @property
    def n_frames(self) -> int:
        """Number of stored frames."""
        return len(self.time_s)


@dataclass(frozen=True, slots=True)
class DeviceTiming:
    """The time report of one device. NaN where a figure is not defined."""

    device: str
    n_frames: int
    nominal_rate_hz: float
    measured_rate_hz: float
    duration_s: float  # last stamp minus first
    median_interval_ms: float
    jitter_median_ms: float  # distance of an interval from the median interval
    jitter_p99_ms: float
    n_gaps: int
    longest_gap_s: float
    n_lost: int
    n_duplicated: int
    n_backward: int
    n_repaired: int
    offset_s: float  # first stamp minus the first scope's; positive where the device begins later
    drift_ppm: float  # frame clock against the first scope's


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user may tell a reader; every reader accepts and may ignore each of them."""

    scope_camnum: int | None = None  # V3: which camNum is the miniscope
    roles: dict[str, Role] = field(default_factory=dict)  # device name -> role, from the YAML
