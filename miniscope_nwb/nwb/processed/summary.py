"""What the runs of a file found, in plain values: for tables and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from miniscope_nwb.nwb.processed.read import (
    find_run,
    read_decisions,
    read_parameters,
    read_rounds,
    read_timings,
)
from miniscope_nwb.nwb.processed.runs import RunRow, read_runs
from miniscope_nwb.nwb.read import Columns, open_nwb
from miniscope_nwb.nwb.recording_file import has_movie

# Of columns that may be missing because no run has a value: nothing is known.
_OPTIONAL = ("shift_std_x", "shift_std_y", "residual_motion_px", "blur", "share_moved")


def summarise(
    path: Path, *, run: str | None = None, number: int | None = None
) -> list[dict[str, Any]]:
    """Return the runs of a file, the oldest first, each with its rounds and timings.

    Parameters
    ----------
    path
        The NWB file.
    run
        Only this one.
    number
        Round of curation by which accepted cells are counted; None: each run's current one.

    Raises
    ------
    NwbContentError
        If the file cannot be read, or there is no such run or round.
    """
    with open_nwb(path) as file:
        rows = read_runs(file) if run is None else [find_run(file, run)]
        return [_one(file, row, number) for row in rows]


def holds_movie(path: Path) -> bool:
    """Say whether a file holds a movie that could be processed."""
    with open_nwb(path) as file:
        return has_movie(file)


def _one(file: h5py.File, row: RunRow, number: int | None) -> dict[str, Any]:
    shown = int(row.values["curation_round"]) if number is None else number
    rounds = _records(read_rounds(file, row))
    for item in rounds:
        item["n_accepted"] = _n_accepted(file, row, item["round"])
    return {
        **dict.fromkeys(_OPTIONAL, float("nan")),
        **row.values,
        "n_accepted": _n_accepted(file, row, shown),
        "round": shown,
        "rounds": rounds,
        "timings": _records(read_timings(file, row)),
        "parameters": _records(read_parameters(file, row)),
    }


def _n_accepted(file: h5py.File, row: RunRow, number: int) -> int:
    return int(np.sum(read_decisions(file, row, number).get("accepted", ())))


def _records(columns: Columns) -> list[dict[str, Any]]:
    """One dictionary a row."""
    n_rows = len(next(iter(columns.values()), ()))
    plain = {
        name: values.tolist() if isinstance(values, np.ndarray) else values
        for name, values in columns.items()
    }
    return [{name: values[row] for name, values in plain.items()} for row in range(n_rows)]
