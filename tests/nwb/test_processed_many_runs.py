"""A file of many runs: adding one costs no more than adding the second, and harms none."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pynwb
import pytest
from made_runs import N, corrected_movie, make_run, raw_file

from miniscope_nwb.nwb.processed.recheck import recheck_run
from miniscope_nwb.nwb.processed.write import write_run
from miniscope_nwb.reading import open as open_file

N_RUNS = 5


def add_run(path: Path, name: str, *, motion_hash: str | None = None) -> None:
    run = make_run(path, name, motion_hash=motion_hash or f"motion-{name}", n_blocks=(2, 2))
    write_run(path, run, movie=corrected_movie())


def all_ids(path: Path) -> dict[str, str]:
    """Path -> object id of every object."""
    found: dict[str, str] = {}

    def note(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if "object_id" in node.attrs:
            found[name] = str(node.attrs["object_id"])

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return found


@pytest.fixture
def n_read(monkeypatch) -> list[int]:
    """How many objects pynwb made at each reading."""
    counts: list[int] = []
    original = pynwb.NWBHDF5IO.read

    def counting(self, **arguments):
        nwb = original(self, **arguments)
        counts.append(len(nwb.objects))
        return nwb

    monkeypatch.setattr(pynwb.NWBHDF5IO, "read", counting)
    return counts


def test_the_fifth_run_costs_what_the_third_does(tmp_path, n_read):
    path = raw_file(tmp_path / "a.nwb")
    costs = []
    for number in range(N_RUNS):
        n_read.clear()
        add_run(path, f"run{number + 1}")
        costs.append(list(n_read))
    assert len(costs[0]) == 2  # once to add, once to check
    assert costs[4] == costs[3] == costs[2]


@pytest.mark.parametrize("shared", [None, "motion-a"], ids=["own-motion", "shared-motion"])
def test_every_run_stays_whole(tmp_path, shared):
    path = raw_file(tmp_path / "a.nwb")
    before: dict[str, str] = {}
    names = [f"run{number + 1}" for number in range(4)]
    for name in names:
        add_run(path, name, motion_hash=shared)
        after = all_ids(path)
        assert before.items() <= after.items()
        assert len(set(after.values())) == len(after)
        before = after
    with pynwb.NWBHDF5IO(path, "r") as nwb_io:
        nwb = nwb_io.read()
        ophys = nwb.processing["ophys"]
        assert list(ophys["ProcessingRuns"]["run"][:]) == names
        for name in ["", *(f"_{name}" for name in names[1:])]:
            series = ophys[f"Fluorescence{name}"][f"Fluorescence{name}"]
            table = ophys["ImageSegmentation"][f"PlaneSegmentation{name}"]
            assert series.rois.table is table
            assert series.data.shape == (N, len(table))
            assert series.timestamps[:].tolist() == nwb.acquisition["Movie"].timestamps[:].tolist()
    with open_file(path) as session:
        assert session.run_names == names


def test_an_object_of_another_program_may_refer_to_any_run(tmp_path):
    path = raw_file(tmp_path / "a.nwb")
    for name in ("run1", "run2", "run3"):
        add_run(path, name)
    with pynwb.NWBHDF5IO(path, "a") as nwb_io:
        nwb = nwb_io.read()
        cells = nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
        module = nwb.create_processing_module("mine", "What somebody added.")
        table = pynwb.core.DynamicTable("Mine", "Of cells of the first run.", id=[0, 1])
        table.add_column("cell", "A cell.", data=[1, 0], table=cells)
        module.add(table)
        nwb_io.write(nwb)
    add_run(path, "run4")
    with pynwb.NWBHDF5IO(path, "r") as nwb_io:
        nwb = nwb_io.read()
        cells = nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
        column = nwb.processing["mine"]["Mine"]["cell"]
        assert column.table is cells
        assert np.array_equal(column.data[:], [1, 0])


def test_the_check_writes_nothing(tmp_path):
    from miniscope_nwb.nwb.processed.new_version import new_version

    path = raw_file(tmp_path / "a.nwb")
    for name in ("run1", "run2"):
        add_run(path, name)
    run = make_run(path, "run2", motion_hash="motion-run2", n_blocks=(2, 2))
    before = path.read_bytes()
    with new_version(path) as version:
        recheck_run(version, run)
        assert version.part.read_bytes() == before
        version.is_checked = True
