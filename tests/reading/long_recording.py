"""A processed recording of any length, written in seconds: the same packed chunk everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import made_runs as made
import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from isal import isal_zlib
from pynwb import NWBHDF5IO, NWBFile
from pynwb.file import Subject
from pynwb.ophys import OnePhotonSeries, OpticalChannel

from miniscope_nwb.nwb.processed.write import write_run

CHUNK = 10  # frames


def write_long(path: Path, *, n_frames: int, height: int, width: int, n_cells: int) -> np.ndarray:
    """Write a recording with a run of `n_cells`; returns the frames of every chunk."""
    rng = np.random.default_rng(8)
    frames = rng.normal(120, 25, (CHUNK, height, width)).clip(0, 255).astype(np.uint8)
    _write_raw(path, frames, n_frames)
    side = 2 * made.FACTOR

    def footprints(n: int) -> np.ndarray:
        dense = np.zeros((n, height // made.FACTOR, width // made.FACTOR), np.float32)
        for cell in range(n):
            row, column = divmod(cell, width // (2 * side))
            dense[cell, side * row : side * row + 5, side * column : side * column + 5] = 1
        return dense

    sizes = {
        "N": n_frames, "HEIGHT": height, "WIDTH": width, "CROP": (0, 0, width, height),
        "INNER": (height // made.FACTOR, width // made.FACTOR), "dense_footprints": footprints,
    }  # fmt: skip
    with mock.patch.multiple(made, **sizes):
        run = made.make_run(path, n_cells=n_cells)
    write_run(path, run, corrected="none")
    return frames


def _write_raw(path: Path, frames: np.ndarray, n_frames: int) -> None:
    _, height, width = frames.shape
    nwb = NWBFile("long", "long", datetime(2026, 1, 2, tzinfo=UTC))
    nwb.subject = Subject(subject_id="m1", species="Mus musculus", sex="F", age="P90D")
    plane = nwb.create_imaging_plane(
        name="Plane",
        description="a plane",
        optical_channel=OpticalChannel(name="o", description="o", emission_lambda=525.0),
        device=nwb.create_device(name="Scope", description="a scope"),
        excitation_lambda=470.0,
        indicator="GCaMP6f",
        location="CA1",
    )
    data = H5DataIO(
        shape=(n_frames, width, height), dtype=np.dtype("u1"), chunks=(CHUNK, width, height),
        compression="gzip", compression_opts=1,
    )  # fmt: skip
    nwb.add_acquisition(
        OnePhotonSeries(
            name="Movie", description="frames", data=data, unit="a.u.", imaging_plane=plane,
            timestamps=np.arange(n_frames) / 20.0,
        )
    )  # fmt: skip
    packed = isal_zlib.compress(np.ascontiguousarray(np.swapaxes(frames, 1, 2)), 1)
    with NWBHDF5IO(path, "w") as io:
        io.write(nwb)
        for first in range(0, n_frames, CHUNK):
            data.dataset.id.write_direct_chunk((first, 0, 0), packed)
