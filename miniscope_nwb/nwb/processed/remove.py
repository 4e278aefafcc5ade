"""Take a run out of a file: its own objects and rows, nothing else."""

from __future__ import annotations

import h5py

from miniscope_nwb.nwb.processed.names import CONTAINERS, GROUP, RUN_TABLES
from miniscope_nwb.nwb.processed.rows import keep_rows, read_column
from miniscope_nwb.nwb.processed.runs import read_runs


def remove_run(file: h5py.File, run: str) -> None:
    """Remove a run; a motion result that another run shares stays.

    Parameters
    ----------
    file
        Open for changes.
    run
        Its name; it is in the file.
    """
    rows = read_runs(file)
    own = next(row for row in rows if row.run == run)
    others = [row for row in rows if row.run != run]
    paths = list(own.names.cell_paths())
    if all(row.values["motion"] != own.values["motion"] for row in others):
        paths += own.names.motion_paths()
    for path in paths:
        if path in file:
            del file[path]
    for name in RUN_TABLES:
        table = file.get(f"{GROUP}/{name}")
        if table is None:
            continue
        keep = [other != run for other in read_column(table, "run")]
        if any(keep):
            keep_rows(table, keep)
        else:
            del file[f"{GROUP}/{name}"]
    for path in CONTAINERS:
        if path in file and not len(file[path]):
            del file[path]
