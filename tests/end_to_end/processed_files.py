"""Converted recordings to be processed: simulated once, copied for each test."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from filelock import FileLock

from miniscope_nwb.convert.folder import plan_folder
from miniscope_nwb.nwb.io import write_plan
from miniscope_nwb.nwb.recording_file import input_hash
from miniscope_nwb.session import ConvertOptions
from miniscope_nwb.simulate.folder import simulate
from miniscope_nwb.simulate.options import SimulateOptions

COMPLETE = """\
subject: {subject_id: m06, species: Mus musculus, sex: F, age: P90D}
imaging: {indicator: GCaMP6f, excitation_wavelength_nm: 470, emission_wavelength_nm: 525,
  location: CA1, pixel_size_um: 1.64}
session: {experimenter: "Doe, Jane", experiment_description: Open field., keywords: [mouse]}
"""
SMALL = SimulateOptions(level="easy", width=120, height=96, frames=300, cells=12, cameras=0, seed=4)


def make_recording(folder: Path, options: SimulateOptions = SMALL) -> Path:
    """Simulate and convert a recording; return the NWB file."""
    raw = folder / "raw"
    simulate(raw, format="v4", options=options)
    session = folder / "session.yaml"
    session.write_text(COMPLETE, encoding="utf-8")
    (planned,) = plan_folder(
        raw, output=folder / "recording.nwb", metadata_files=[session], options=ConvertOptions()
    )
    return write_plan(planned.plan, planned.output).path


def made_once(factory: Any, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that is made once for all modules, on whatever worker they run."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # each worker has a folder of its own below it
    folder, is_made = root / name, root / f"{name}.made"
    with FileLock(root / f"{name}.lock"):
        if not is_made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            is_made.touch()
    return folder


def copy_of(path: Path, folder: Path, name: str = "recording.nwb") -> Path:
    """Copy a file into a test's own folder."""
    return Path(shutil.copy(path, folder / name))


def raw_checksum(path: Path) -> str:
    """Checksum of the frames and stamps in `acquisition`, as values and as packed bytes."""
    digest = hashlib.sha256(input_hash(path, "OnePhotonSeries").encode())
    with h5py.File(path, "r") as file:
        for name in sorted(file["acquisition"]):
            group = file[f"acquisition/{name}"]
            for key in ("data", "timestamps"):
                if key in group and group[key].dtype.kind != "O":
                    digest.update(np.ascontiguousarray(group[key][()]).tobytes())
    return digest.hexdigest()


_RUN_ONLY = {"started", "ended", "seconds", "peak_memory_bytes", "made_at", "host"}


def content(path: Path) -> dict[str, Any]:
    """Return every dataset of the processing of a file, without times and memory."""
    found: dict[str, Any] = {}

    def visit(name: str, node: Any) -> None:
        if not isinstance(node, h5py.Dataset) or node.dtype == h5py.ref_dtype:
            return
        if name.startswith(("processing/ophys", "events")) and name.split("/")[-1] not in _RUN_ONLY:
            found[name] = node[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def assert_same_content(first: Path, second: Path) -> None:
    """Hold that two files hold the same processing, bit for bit."""
    one, two = content(first), content(second)
    assert one.keys() == two.keys()
    assert any("Fluorescence" in name for name in one)
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name], err_msg=name)
