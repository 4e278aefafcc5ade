"""How a movie of the table lies on the disk: frames that any program maps, and the truth.

``movie.h5`` holds one contiguous data set ``mov``, frames x height x width, uint8; ``truth.npz``
holds plain arrays.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from benchmarks.scoring import Blocks
from miniscope_nwb.testing.score import Truth

if TYPE_CHECKING:
    from benchmarks.movies import BenchMovie

DATASET = "mov"
_CELLS = ("footprints", "in_focus", "fluorescence", "spikes")  # arrays of `Truth`


@dataclass(frozen=True)
class MovieTruth:
    """What is true of a movie. ``shifts`` (n_frames, 2) are corrections, x then y."""

    cells: Truth
    shifts: np.ndarray
    blocks: Blocks | None


def create_frames(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """Make an HDF5 file of one contiguous data set; return its frames, mapped for writing."""
    with h5py.File(path, "w") as file:
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_layout(h5py.h5d.CONTIGUOUS)
        layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)  # so that it has a place in the file
        space = h5py.h5s.create_simple(shape)
        made = h5py.h5d.create(file.id, DATASET.encode(), h5py.h5t.STD_U8LE, space, layout)
        offset = int(made.get_offset())
    return np.memmap(path, np.uint8, "r+", offset, shape)


def write_truth(path: Path, truth: MovieTruth) -> None:
    """Save the truth as plain arrays."""
    known = asdict(truth.cells)
    masks = truth.cells.footprints
    arrays: dict[str, Any] = {name: known[name] for name in _CELLS if name != "footprints"}
    plain = {name: value for name, value in known.items() if name not in _CELLS}
    blocks = truth.blocks or Blocks(np.zeros((0, 2)), np.zeros((0, 0, 2)))
    np.savez_compressed(
        path, data=masks.data, indices=masks.indices, indptr=masks.indptr, shifts=truth.shifts,
        centres=blocks.centres, block_shifts=blocks.shifts, plain=json.dumps(plain), **arrays,
    )  # fmt: skip


def read_truth(path: Path) -> MovieTruth:
    """Read what `write_truth` saved."""
    from scipy.sparse import csc_array

    with np.load(path) as saved:
        plain = json.loads(str(saved["plain"]))
        shape = (plain["height"] * plain["width"], len(saved["in_focus"]))
        masks = csc_array((saved["data"], saved["indices"], saved["indptr"]), shape=shape)
        arrays = {name: saved[name] for name in _CELLS if name != "footprints"}
        has_blocks = len(saved["centres"]) > 0
        return MovieTruth(
            Truth(footprints=masks, **arrays, **plain),
            saved["shifts"],
            Blocks(saved["centres"], saved["block_shifts"]) if has_blocks else None,
        )


def as_nwb(movie: BenchMovie, path: Path) -> Path:
    """Write the movie as an NWB file with rate, size of pixels and indicator, for `process`."""
    from datetime import UTC, datetime

    from hdmf.backends.hdf5 import H5DataIO
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.ophys import OnePhotonSeries, OpticalChannel

    from miniscope_nwb.nwb.movie import chunk_shape

    nwb = NWBFile(movie.name, movie.name, datetime(2026, 1, 1, tzinfo=UTC))
    device = nwb.create_device(name="Miniscope", description="simulated or as recorded")
    channel = OpticalChannel(name="green", description="green", emission_lambda=525.0)
    plane = nwb.create_imaging_plane(
        name="ImagingPlane", description="the field", optical_channel=channel, device=device,
        excitation_lambda=470.0, indicator="GCaMP6f", location="unknown",
        grid_spacing=[movie.pixel_size_um * 1e-6] * 2, grid_spacing_unit="meters",
    )  # fmt: skip
    chunks = chunk_shape((movie.n_frames, movie.width, movie.height), 1)  # as `convert` does
    data = H5DataIO(
        np.swapaxes(movie.frames(), 1, 2), chunks=chunks, compression="gzip", compression_opts=1
    )
    nwb.add_acquisition(
        OnePhotonSeries(
            name="OnePhotonSeries",
            description="frames",
            data=data,
            unit="n.a.",
            imaging_plane=plane,
            rate=movie.rate_hz,
        )
    )
    with NWBHDF5IO(path, "w") as file:
        file.write(nwb)
    return path
