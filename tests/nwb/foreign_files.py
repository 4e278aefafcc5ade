"""NWB files as other programs write them: small, by plain pynwb."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from pynwb import NWBHDF5IO, NWBFile
from pynwb.ophys import OnePhotonSeries, OpticalChannel

HEIGHT, WIDTH = 24, 36


def grey_movie(n_frames: int = 130, dtype: Any = np.uint8, shape=(HEIGHT, WIDTH)) -> np.ndarray:
    """Frames (n, height, width) that differ in every pixel."""
    rng = np.random.default_rng(3)
    if np.dtype(dtype).kind == "f":
        return rng.normal(50, 9, (n_frames, *shape)).astype(dtype)
    top = min(np.iinfo(dtype).max, 60_000)
    return rng.integers(0, top, (n_frames, *shape)).astype(dtype)


def write_foreign(
    path: Path,
    frames: np.ndarray,
    *,
    storage: dict[str, Any] | None = None,
    names: tuple[str, ...] = ("Movie",),
    times: np.ndarray | None = None,
    rate: float | None = None,
    plane: dict[str, Any] | None = None,
    **series: Any,
) -> Path:
    """Write frames (n, height, width[, more]) as series of another program's file."""
    nwb = NWBFile(
        session_description="made elsewhere",
        identifier="elsewhere",
        session_start_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    device = nwb.create_device(name="Scope", description="a scope")
    imaging_plane = nwb.create_imaging_plane(
        name="Plane",
        description="a plane",
        optical_channel=OpticalChannel(name="o", description="o", emission_lambda=525.0),
        device=device,
        excitation_lambda=470.0,
        indicator="GCaMP8f",
        location="CA1",
        **(plane or {}),
    )
    stored = np.swapaxes(frames, 1, 2)
    clock = {"rate": rate, "starting_time": 2.5} if rate else {"timestamps": times}
    for name in names:
        nwb.add_acquisition(
            OnePhotonSeries(
                name=name,
                description="frames",
                data=H5DataIO(stored, **storage) if storage else stored,
                unit="a.u.",
                imaging_plane=imaging_plane,
                **clock,
                **series,
            )
        )
    with NWBHDF5IO(path, "w") as io:
        io.write(nwb)
    return path
