"""Open the new version of a file and see that the run stands in it, and the raw movie too."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
from pynwb import NWBHDF5IO, NWBFile

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.processed.in_sight import only_run
from miniscope_nwb.nwb.processed.names import MODULE, SEGMENTATIONS
from miniscope_nwb.nwb.processed.new_version import NewVersion
from miniscope_nwb.nwb.processed.read import find_run, read_decisions
from miniscope_nwb.nwb.processed.runs import read_runs
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import RunRecord


def recheck_run(version: NewVersion, run: RunRecord) -> None:
    """See that pynwb opens the file, that the run is whole, and that nothing of before is missing.

    Raises
    ------
    OutputError
        If something is missing.
    """
    with h5py.File(version.part, "r") as file, h5py.File(version.path, "r") as before:
        row = next((row for row in read_runs(file) if row.run == run.name), None)
        if row is None:
            raise _incomplete(version, "the run is not in ProcessingRuns")
        _check_kept(version, before, file)
        _check_chunks(version, file[f"acquisition/{run.series}/data"], must_be_full=False)
        if f"{row.translation_path}/data" not in file:
            raise _incomplete(version, f"{row.translation_path} is missing")
        for path in (*row.names.cell_paths(), *row.names.motion_paths()):
            for data in _datasets(file.get(path)):
                _check_chunks(version, data)
    with _opened_by_pynwb(version, run.name) as nwb:
        n_found = len(nwb.processing[MODULE][SEGMENTATIONS][row.names.segmentation].id)
        if n_found != run.extraction.n_cells:
            raise _incomplete(version, f"{n_found} of {run.extraction.n_cells} cells")


@contextmanager
def _opened_by_pynwb(version: NewVersion, run: str) -> Iterator[NWBFile]:
    """Open the new version as pynwb does, with one run in sight; nothing is written to the disk."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Ignoring the following cached namespace")
        with (
            CarefulFile(version.part, exists=True, only_read=True) as disk,
            h5py.File(disk, "r+") as file,
            NWBHDF5IO(file=file, mode="r") as nwb_io,
            only_run(file, run),
        ):
            yield nwb_io.read()


def check_kept(version: NewVersion) -> None:
    """See that the identifier, every raw series and every chunk of it are in the new version."""
    with h5py.File(version.part, "r") as file, h5py.File(version.path, "r") as before:
        _check_kept(version, before, file)


def _check_kept(version: NewVersion, before: h5py.File, after: h5py.File) -> None:
    if before["identifier"][()] != after["identifier"][()]:
        raise _incomplete(version, "the identifier has changed")
    for name, group in before["acquisition"].items():
        path = f"acquisition/{name}"
        if path not in after:
            raise _incomplete(version, f"{path} is missing")
        data = group.get("data") if isinstance(group, h5py.Group) else None
        if isinstance(data, h5py.Dataset):
            copy = after[f"{path}/data"]
            if copy.shape != data.shape or _n_bytes(copy) != _n_bytes(data):
                raise _incomplete(version, f"{path} is not as it was")


def _n_bytes(data: h5py.Dataset) -> int:
    return int(data.id.get_storage_size())


def _datasets(node: Any) -> list[h5py.Dataset]:
    """All datasets below an object, without those that links lead to."""
    found: list[h5py.Dataset] = []

    def note(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(item)

    if isinstance(node, h5py.Group):
        node.visititems(note)
    return found


def _check_chunks(version: NewVersion, data: h5py.Dataset, *, must_be_full: bool = True) -> None:
    """See that every chunk of a dataset is there, the last one inside the file."""
    if data.chunks is None:
        return
    expected = math.prod(
        -(-size // chunk) for size, chunk in zip(data.shape, data.chunks, strict=True)
    )
    found = data.id.get_num_chunks()
    if must_be_full and found < expected:
        raise _incomplete(version, f"{data.name} has {found} of {expected} chunks")
    last = data.id.get_chunk_info(found - 1) if found else None
    if last is not None and last.byte_offset + last.size > version.part.stat().st_size:
        raise _incomplete(version, f"the last chunk of {data.name} lies beyond the end")


def _incomplete(version: NewVersion, what: str) -> OutputError:
    return OutputError(
        f"the new version of {version.path} was not written completely ({what}); the file is as it "
        "was: check the drive and run the command again."
    )


def recheck_round(version: NewVersion, run: str, number: int, accepted: BoolArray) -> None:
    """See that pynwb opens the file, and that a round of curation is the current one of a run.

    Raises
    ------
    OutputError
        If not.
    """
    with h5py.File(version.part, "r") as file:
        row = find_run(file, run)
        stored = read_decisions(file, row)["accepted"]
        segmentation = row.names.segmentation
    if row.values["curation_round"] != number or not np.array_equal(stored, accepted):
        raise _incomplete(version, f"round {number} is not as it was decided")
    with _opened_by_pynwb(version, run) as nwb:
        cells = nwb.processing[MODULE][SEGMENTATIONS][segmentation]
        if not np.array_equal(cells["accepted"][:], accepted):
            raise _incomplete(version, "the table of cells does not repeat the round")
