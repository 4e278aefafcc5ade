"""Small plans to write, built from records and AVI files without any reader."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.convert.timing import report_segments
from miniscope_nwb.recording import (
    Device,
    Intervals,
    LostSpan,
    Note,
    Problem,
    Recording,
    Repair,
    Samples,
    Setting,
    SettingChange,
    SourceFile,
    Stamps,
    StartTime,
    Timeline,
)
from miniscope_nwb.session import (
    ConversionPlan,
    ConvertOptions,
    DeviceInfo,
    Segment,
    SessionInfo,
    SubjectInfo,
)
from miniscope_nwb.video.probe import probe_part
from miniscope_nwb.video.write import AviWriter

HEIGHT, WIDTH = 48, 64
START = datetime(2026, 3, 2, 14, 5, 7, 123000, tzinfo=timezone(timedelta(hours=1)))


@dataclass(frozen=True)
class Rig:
    """A device to record with. Frames have shape (n, height, width[, 3])."""

    name: str
    frames: np.ndarray
    fourcc: str = "FFV1"
    is_camera: bool = False
    per_file: int = 10
    skip: tuple[int, ...] = ()  # frames without a place in the timeline
    has_daq: bool = False


@dataclass
class Made:
    """A plan and what should come out of it."""

    plan: ConversionPlan
    rigs: tuple[Rig, ...]
    root: Path
    times: dict[str, np.ndarray] = field(default_factory=dict)


def grey_frames(
    n: int, *, seed: int = 0, shape: tuple[int, int] = (HEIGHT, WIDTH), dtype: Any = "u1"
):
    """Frames that tell their number and which way is up, with noise."""
    rng = np.random.default_rng(seed)
    top = np.iinfo(dtype).max
    frames = rng.integers(20, top - 40, (n, *shape)).astype(dtype)
    frames[:, :4, :8] = np.arange(n)[:, None, None] % 250
    frames[:, -4:, :8] = top
    return frames


def colour_frames(n: int, *, seed: int = 0, shape: tuple[int, int] = (HEIGHT, WIDTH)):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape, 3), dtype=np.uint8)


def make_plan(root: Path, rigs: tuple[Rig, ...], **options: Any) -> Made:
    """Write the videos of one recording and plan its conversion."""
    segment, times = make_segment(root, rigs)
    return assemble(root, (segment,), rigs, times, ConvertOptions(**options))


def assemble(root, segments, rigs, times, options: ConvertOptions) -> Made:
    infos = tuple(
        DeviceInfo(
            name=rig.name,
            nwb_name=rig.name.replace(" ", "_"),
            role="camera" if rig.is_camera else "scope",
            description=f"Device {rig.name}.",
            manufacturer="UCLA",
            model="WebCam" if rig.is_camera else "UCLA Miniscope V4",
            model_description="A model.",
            **({} if rig.is_camera else SCOPE_INFO),
        )
        for rig in rigs
    )
    session = SessionInfo(
        start=START,
        start_source="test",
        start_is_assumed=False,
        session_id="20260302T140507",
        session_description="A test session.",
        subject=SubjectInfo("m07", "Mus musculus", "M", "P90D", weight="0.023 kg"),
        devices=infos,
        experimenter=("Ramon y Cajal, Santiago",),
        lab="A lab",
        institution="Madrid",
        experiment_description="An experiment.",
        keywords=("calcium", "miniscope"),
        notes="Session notes.",
        winners={"subject.species": "lab.yaml"},
    )
    plan = ConversionPlan(
        root=root,
        segments=segments,
        session=session,
        timing=report_segments(segments),
        options=options,
        problems=tuple(p for s in segments for p in s.recording.problems),
    )
    return Made(plan, rigs, root, times)


SCOPE_INFO: dict[str, Any] = {
    "indicator": "GCaMP6f",
    "excitation_wavelength_nm": 470.0,
    "emission_wavelength_nm": 525.0,
    "location": "CA1",
    "pixel_size_um": (1.5, 1.6),
    "pixel_size_source": "given in lab.yaml",
    "exposure_time_s": 0.03,
    "power_w": 0.001,
    "intensity_w_per_m2": 20.0,
    "binning": 2,
    "origin_coords_mm": (1.0, 2.0, -1.5),
}


def make_segment(
    root: Path, rigs: tuple[Rig, ...], *, offset_s: float = 0.0, below: str = ""
) -> tuple[Segment, dict[str, np.ndarray]]:
    devices, timelines, files = [], {}, []
    for place, rig in enumerate(rigs):
        device = _record(root, rig, place, below)
        devices.append(device)
        timelines[rig.name] = _timeline(device, rig, offset_s)
        files += [
            SourceFile(p.path, p.relative_path, p.n_bytes, rig.name, p.n_frames, p.fourcc)
            for p in device.parts
        ]
    files += _text_files(root, below)
    recording = Recording(
        format="v4",
        root=root / below,
        label="",
        software="Miniscope-DAQ-QT-Software",
        start=StartTime(START, "test", False),
        devices=tuple(devices),
        settings=(
            Setting(rigs[0].name, "ROI.width", 608, "Miniscope/metaData.json"),
            Setting("", "names", ["a", "ü"], "metaData.json"),
        ),
        notes=(Note(1.5, "light on, left"),),
        setting_changes=(SettingChange(0.5, rigs[0].name, "led0", "12"),),
        samples=(_orientation(rigs[0].name),),
        intervals=(_port_status(),),
        source_files=tuple(files),
        problems=(Problem("warning", "test", "Something was mended.", "metaData.json"),),
    )
    times = {name: timeline.time_s for name, timeline in timelines.items()}
    return Segment(recording, timelines, offset_s), times


def _text_files(root: Path, below: str) -> list[SourceFile]:
    """Two files beside the videos: one that is converted, one that is not."""
    text, other = root / below / "metaData.json", root / below / "pose.csv"
    text.write_text('{"animalName": "m07"}', encoding="utf-8")
    other.write_text("x\n", encoding="utf-8")
    return [
        SourceFile(text, f"{below}/metaData.json".lstrip("/"), text.stat().st_size),
        SourceFile(other, f"{below}/pose.csv".lstrip("/"), 2, converted=False, note="not read"),
    ]


def _orientation(device: str) -> Samples:
    return Samples(
        "HeadOrientation",
        device,
        "Orientation of the head",
        "quaternion",
        ("qw", "qx", "qy", "qz"),
        np.arange(7) * 0.1 + np.array([0, 1, 0, 2, 0, 1, 0]) / 1e3,
        np.random.default_rng(1).normal(size=(7, 4)),
        "Miniscope/headOrientation.csv",
    )


def _port_status() -> Intervals:
    return Intervals(
        "PortStatus",
        "",
        "State of the port",
        np.array([0.0, 1.0]),
        np.array([1.0, 2.0]),
        {"status": ["up", "down"]},
        "port.csv",
    )


def _record(root: Path, rig: Rig, place: int, below: str) -> Device:
    folder = rig.name.replace(" ", "_")
    where = root / below / folder
    where.mkdir(parents=True)
    parts = []
    for number, first in enumerate(range(0, len(rig.frames), rig.per_file)):
        frames = rig.frames[first : first + rig.per_file]
        path = where / f"{number}.avi"
        colour = frames.ndim == 4
        with AviWriter(
            path,
            width=frames.shape[2],
            height=frames.shape[1],
            fourcc=rig.fourcc,
            header_rate=20,
            colour=colour,
        ) as writer:
            for frame in frames:
                writer.write(frame)
        name = f"{below}/{folder}/{number}.avi".lstrip("/")
        parts.append(probe_part(path, relative_path=name, index=number))
    n = len(rig.frames)
    rng = np.random.default_rng([5, place])
    recorded = np.round(np.arange(n) * 50 + rng.uniform(0, 5, n)) - 8  # the first before zero
    stamps = Stamps(
        source=f"{folder}/timeStamps.csv",
        frame_index=np.arange(n),
        recorded=recorded,
        unit="ms",
        time_s=recorded / 1000.0,
        frame_number=np.arange(n) + 1,
        buffer_index=rng.integers(0, 3, n),
        hardware_frame=np.arange(n) + 100 if rig.has_daq else None,
    )
    return Device(
        name=rig.name,
        folder=folder,
        role="camera" if rig.is_camera else "scope",
        role_evidence="test",
        device_type="Miniscope_V4",
        parts=tuple(parts),
        stamps=stamps,
        frames_per_file=rig.per_file,
        nominal_rate_hz=20.0,
    )


def _timeline(device: Device, rig: Rig, offset_s: float) -> Timeline:
    kept = np.setdiff1d(np.arange(len(rig.frames)), rig.skip)
    assert device.stamps is not None
    time_s = device.stamps.time_s[kept] + offset_s
    repairs = tuple(
        Repair(device.name, int(f), float("nan"), float("nan"), "trimmed_frame") for f in rig.skip
    )
    lost = (
        LostSpan(
            device.name, 0.1 + len(rig.frames) / 1e3 + offset_s, 0.3 + offset_s, 2, "interval"
        ),
    )
    return Timeline(
        device=device.name,
        part=kept // rig.per_file,
        frame_in_part=kept % rig.per_file,
        frame_index=kept,
        row=kept,
        time_s=time_s,
        repairs=repairs,
        lost=lost if not rig.is_camera else (),
    )


def with_options(made: Made, **changes: Any) -> ConversionPlan:
    return replace(made.plan, options=replace(made.plan.options, **changes))


def table(nwb: Any, name: str) -> Any:
    """Return a table of a converted file as a data frame."""
    return nwb.processing["recording"][name].to_dataframe()
