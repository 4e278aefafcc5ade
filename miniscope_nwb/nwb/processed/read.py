"""Reads what a run left in a file, through h5py alone: arrays in our order of axes.

Images are (height, width) and traces (n_cells, n_frames), pixels those of the raw movie. Whatever
a run did not store is None or an empty table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.axes import image_from_nwb, movie_from_nwb
from miniscope_nwb.nwb.processed.names import (
    DECISIONS,
    GROUP,
    PARAMETERS,
    ROUNDS,
    SEGMENTATIONS,
    TIMINGS,
)
from miniscope_nwb.nwb.processed.runs import RunRow, read_runs
from miniscope_nwb.nwb.read import Columns, read_table
from miniscope_nwb.nwb.recording_file import has_movie
from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import Float32, MotionBlocks

# Our name of a trace -> container and series in the file, without the run's ending.
TRACES = {
    "fluorescence": ("Fluorescence", "Fluorescence"),
    "denoised": ("Fluorescence", "Denoised"),
    "deconvolved": ("Fluorescence", "Deconvolved"),
    "noise_normalized": ("Fluorescence", "NoiseNormalized"),
    "neuropil": ("Fluorescence", "Neuropil"),
    "dff": ("DfOverF", "DfOverF"),
}


def find_run(file: h5py.File, name: str | None) -> RunRow:
    """Return a run by name; None: the last one.

    Raises
    ------
    NwbContentError
        If there is no such run.
    """
    rows, where = read_runs(file), Path(file.filename).name
    if not rows:
        first = (
            f"run `miniscope-nwb process {file.filename}` first"
            if has_movie(file)
            else "it has no movie of a miniscope either; name a processed file"
        )
        raise NwbContentError(f"{where} holds no run of the processing: {first}.")
    for row in reversed(rows):
        if name is None or row.run == name:
            return row
    raise NwbContentError(
        f"{where} holds no run {name}: it holds {', '.join(row.run for row in rows)}."
    )


def cells_table(file: h5py.File, run: RunRow) -> h5py.Group:
    """Return the `PlaneSegmentation` of a run."""
    return file[f"{GROUP}/{SEGMENTATIONS}/{run.names.segmentation}"]


def read_images(file: h5py.File, run: RunRow) -> dict[str, npt.NDArray[np.float32]]:
    """Read the summary images by name, each (height, width)."""
    images = file.get(f"{GROUP}/{run.names.images}", {})
    return {
        str(name): image_from_nwb(node[:])
        for name, node in images.items()
        if isinstance(node, h5py.Dataset) and node.ndim == 2
    }


def read_shifts(file: h5py.File, run: RunRow) -> Float32:
    """Read the rigid correction of each frame, (n_frames, 2), x then y."""
    shifts: Float32 = file[f"{run.translation_path}/data"][:]
    return shifts


def read_times(file: h5py.File, run: RunRow) -> FloatArray:
    """Read when the frames of the run's traces were taken, (n_frames,), s.

    The processed part of a file that was split has them too, where the movie is not.
    """
    shifts = file[run.translation_path]
    if "timestamps" in shifts:
        return np.asarray(shifts["timestamps"][:], np.float64)
    start = shifts["starting_time"]
    return np.arange(len(shifts["data"])) / float(start.attrs["rate"]) + float(start[()])


def read_blocks(file: h5py.File, run: RunRow) -> tuple[MotionBlocks, Float32] | None:
    """Read the blocks and their corrections, (n_frames, n_blocks, 2); None of a rigid run."""
    table = read_table(file, run.names.blocks, group=GROUP)
    if table is None:
        return None
    edges = [np.asarray(table[key], np.int64) for key in ("x_start", "x_stop", "y_start", "y_stop")]
    n_across = len(np.unique(edges[0]))
    blocks = MotionBlocks(len(edges[0]) // n_across, n_across, *edges)
    return blocks, file[f"{GROUP}/{run.names.block_shifts}/data"][:]


def read_motion_table(file: h5py.File, run: RunRow) -> Columns:
    """Read the table of frames: correlations, outliers, brightness."""
    return read_table(file, run.names.motion_quality, group=GROUP) or {}


def read_defects(file: h5py.File, run: RunRow) -> IntArray:
    """Read the defective pixels, (n, 2), x then y."""
    table = read_table(file, run.names.defects, group=GROUP)
    if table is None:
        return np.zeros((0, 2), np.int64)
    return np.stack([table["x"], table["y"]], axis=1).astype(np.int64)


def read_trace(
    file: h5py.File, run: RunRow, name: str, cells: slice | IntArray = slice(None)
) -> Float32:
    """Read one of the traces, (n_cells, n_frames).

    Parameters
    ----------
    file, run
        Where.
    name
        A key of `TRACES`.
    cells
        Which cells; by default all.

    Raises
    ------
    NwbContentError
        If no traces have that name; those that there are, are named.
    """
    if name not in TRACES:
        raise NwbContentError(f"There are no traces {name}: choose {', '.join(TRACES)}.")
    container, series = TRACES[name]
    data = file.get(f"{GROUP}/{container}{run.names.suffix}/{series}{run.names.suffix}/data")
    if data is None:  # no cell was found, or no F0 could be stated
        n_frames = len(file[f"{run.translation_path}/data"])
        n_cells = len(cells_table(file, run)["id"])
        return np.full((n_cells, n_frames), np.nan, np.float32)[cells]
    return np.ascontiguousarray(data[:, cells].T)


# What a table without rows would hold: a reader asks for these whatever was found.
_NO_CELLS: Columns = {
    "accepted": np.zeros(0, np.bool_),
    **dict.fromkeys(("reason", "mask_type", "mask_type_method"), np.zeros(0, np.object_)),
    "npix": np.zeros(0, np.int64),
    **dict.fromkeys(("center_x", "center_y", "snr", "r_value"), np.zeros(0)),
}


def read_cells(file: h5py.File, run: RunRow) -> Columns:
    """Read the scalar columns of the table of cells, then the metrics, one row a component."""
    table = cells_table(file, run)
    columns = _columns(table)
    metrics = file.get(f"{GROUP}/{run.names.quality}")
    if metrics is not None:
        found = _columns(metrics)
        columns |= {name: values for name, values in found.items() if name not in columns}
    columns.pop("roi", None)
    return columns if len(table["id"]) else _NO_CELLS | columns


def _columns(table: h5py.Group) -> Columns:
    """Read columns of one value a row."""
    columns: Columns = {}
    for name in map(str, table.attrs["colnames"]):
        data = table[name]
        if data.ndim != 1 or name.endswith("_mask"):
            continue
        is_text = h5py.check_string_dtype(data.dtype) is not None
        columns[name] = data.asstr()[:].tolist() if is_text else data[:]
    return columns


def read_events(file: h5py.File, run: RunRow) -> Columns:
    """Read the calcium events: timestamp, peak_time, end_time, size, roi."""
    table = file.get(f"events/{run.names.events}")
    if table is None:
        empty: Columns = dict.fromkeys(("timestamp", "peak_time", "end_time", "size"), np.zeros(0))
        return empty | {"roi": np.zeros(0, np.int64)}
    return _columns(table)


def read_event_images(file: h5py.File, run: RunRow) -> dict[str, Any] | None:
    """Read the event images: ``image`` and ``null_image`` are (n_cells, side, side)."""
    table = file.get(f"{GROUP}/{run.names.event_images}")
    if table is None:
        return None
    found = {str(name): table[name][:] for name in table.attrs["colnames"] if name != "roi"}
    return {
        name: movie_from_nwb(values) if values.ndim == 3 else values
        for name, values in found.items()
    }


def read_rounds(file: h5py.File, run: RunRow) -> Columns:
    """Read the rounds of curation of a run."""
    return _of_run(read_table(file, ROUNDS, group=GROUP), run)


def read_decisions(file: h5py.File, run: RunRow, number: int | None = None) -> Columns:
    """Read what a round of curation holds each component to be; None: the current round.

    Raises
    ------
    NwbContentError
        If there is no such round.
    """
    wanted = int(run.values["curation_round"]) if number is None else number
    known = [int(value) for value in read_rounds(file, run).get("round", ())]
    if wanted not in known:
        raise NwbContentError(
            f"run {run.run} in {Path(file.filename).name} has no round {wanted} of curation: it "
            f"has {', '.join(map(str, known))}.{_runs_with_round(file, wanted)}"
        )
    columns = read_all_decisions(file, run)
    if columns:
        columns = _chosen(columns, np.flatnonzero(np.asarray(columns["round"]) == wanted))
        columns.setdefault("confidence", np.full(len(columns["roi"]), np.nan))
    return columns


def read_all_decisions(file: h5py.File, run: RunRow) -> Columns:
    """Read the decisions of all rounds of a run, one row a component and round."""
    return _of_run(read_table(file, DECISIONS, group=GROUP), run)


def _runs_with_round(file: h5py.File, wanted: int) -> str:
    """Name the runs that have such a round, as a sentence; nothing where none has."""
    runs = read_runs(file)
    found = [row.run for row in runs if wanted in read_rounds(file, row).get("round", ())]
    if not found:
        return ""
    return f" Round {wanted} is there of run {' and of '.join(found)}: give --run {found[0]}."


def read_parameters(file: h5py.File, run: RunRow) -> Columns:
    """Read the parameters of a run."""
    return _of_run(read_table(file, PARAMETERS, group=GROUP), run)


def read_timings(file: h5py.File, run: RunRow) -> Columns:
    """Read what the stages of a run took."""
    return _of_run(read_table(file, TIMINGS, group=GROUP), run)


def _of_run(table: Columns | None, run: RunRow) -> Columns:
    if table is None:
        return {}
    rows = np.flatnonzero([name == run.run for name in table["run"]])
    return _chosen({name: values for name, values in table.items() if name != "run"}, rows)


def _chosen(table: Columns, rows: Any) -> Columns:
    return {
        name: values[rows]
        if isinstance(values, np.ndarray)
        else [values[row] for row in rows.tolist()]
        for name, values in table.items()
    }
