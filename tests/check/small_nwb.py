"""Minimal NWB files, made with pynwb alone, good and bad on request."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pynwb import NWBFile
    from pynwb.ophys import ImagingPlane

N_ROWS, N_COLUMNS = 48, 64  # non-square: a swapped axis cannot hide


def write_small_nwb(
    path: Path,
    *,
    n_frames: int = 80,
    subject: dict[str, str] | None = None,
    has_subject: bool = True,
    location: str = "CA1",
    external_video: str = "",
    timestamps: np.ndarray | None = None,
) -> Path:
    """Write one scope's movie; `subject` replaces fields of the default one."""
    from pynwb import NWBHDF5IO
    from pynwb.file import Subject
    from pynwb.ophys import OnePhotonSeries

    file = _empty_file()
    if has_subject:
        fields = {"subject_id": "m06", "species": "Mus musculus", "sex": "M", "age": "P90D"}
        file.subject = Subject(**{**fields, **(subject or {})}, description="A mouse.")
    rng = np.random.default_rng(0)
    jittered = np.arange(n_frames) / 20 + rng.uniform(0, 0.01, n_frames)
    file.add_acquisition(
        OnePhotonSeries(
            name="OnePhotonSeries",
            description="A movie.",
            imaging_plane=_add_plane(file, location),
            data=rng.integers(0, 255, (n_frames, N_COLUMNS, N_ROWS), dtype=np.uint8),
            timestamps=jittered if timestamps is None else timestamps,
            unit="a.u.",
        )
    )
    if external_video:
        _add_video(file, external_video, jittered)
    path.parent.mkdir(parents=True, exist_ok=True)
    with NWBHDF5IO(path, "w") as io:
        io.write(file)
    return path


def _empty_file() -> NWBFile:
    from pynwb import NWBFile

    return NWBFile(
        session_description="A test.",
        identifier="small",
        session_start_time=datetime(2026, 3, 2, 14, 5, 7, tzinfo=UTC),
        session_id="20260302T140507",
        experimenter=["Cajal, Santiago"],
        institution="Madrid",
        experiment_description="A test.",
        keywords=["test"],
    )


def _add_plane(file: NWBFile, location: str) -> ImagingPlane:
    from pynwb.ophys import OpticalChannel

    return file.create_imaging_plane(
        name="ImagingPlane",
        optical_channel=OpticalChannel(name="green", description="Green.", emission_lambda=525.0),
        description="A plane.",
        device=file.create_device(name="Miniscope", description="A scope."),
        excitation_lambda=470.0,
        indicator="GCaMP6f",
        location=location,
        imaging_rate=20.0,
    )


def _add_video(file: NWBFile, video: str, times_s: np.ndarray) -> None:
    from pynwb.image import ImageSeries

    file.add_acquisition(
        ImageSeries(
            name="BehaviorVideoBehavCam",
            description="Behaviour.",
            external_file=[video],
            format="external",
            starting_frame=[0],
            timestamps=times_s,
            device=file.create_device(name="BehavCam", description="A camera."),
            unit="n.a.",
        )
    )
