"""Footprints of any NWB file, ours or another's, as sparse columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.axes import image_from_nwb
from miniscope_nwb.nwb.processed.names import GROUP, SEGMENTATIONS
from miniscope_nwb.nwb.processed.runs import read_runs
from miniscope_nwb.nwb.read import open_nwb
from miniscope_nwb.results import Sparse


def read_footprints(
    path: Path, run: str | None = None, *, accepted_only: bool = True
) -> tuple[Sparse, int, int]:
    """Read the footprints of a run on the raw field of view.

    Parameters
    ----------
    path
        An NWB file, ours or another's.
    run
        Name of a run, or of a `PlaneSegmentation`; None: the first run, or the only table.
    accepted_only
        Leave out what the current round of curation rejects, where the file has one.

    Returns
    -------
    footprints
        csc (n_pixels, n_cells) float32, pixels in C order of (height, width), as stored.
    height, width
        Of the field, px.

    Raises
    ------
    NwbContentError
        If the file has no such masks.
    """
    with open_nwb(Path(path)) as file:
        table = _find_table(file, run)
        footprints, height, width = read_masks(file, table)
        if accepted_only and "accepted" in table:
            footprints = footprints[:, np.flatnonzero(table["accepted"][:].astype(np.bool_))]
    return footprints, height, width


def read_masks(file: h5py.File, table: h5py.Group) -> tuple[Sparse, int, int]:
    """Read all masks of a `PlaneSegmentation`: sparse columns, height and width."""
    if "image_mask" in table:
        return _from_images(table["image_mask"])
    if not len(table["id"]):
        from scipy.sparse import csc_array

        width, height = _field(file, np.zeros(0), np.zeros(0))
        return csc_array((height * width, 0), dtype=np.float32), height, width
    if "pixel_mask" in table:
        return _from_pixels(file, table)
    raise NwbContentError(
        f"{table.name} in {Path(file.filename).name} holds neither image masks nor pixel masks."
    )


def _from_images(masks: h5py.Dataset) -> tuple[Sparse, int, int]:
    from scipy.sparse import csc_array

    n_cells, width, height = masks.shape
    columns, values = [], []
    for cell in range(n_cells):
        mask = image_from_nwb(masks[cell]).ravel()
        pixels = np.flatnonzero(mask)
        columns.append(pixels.astype(np.int32))
        values.append(mask[pixels].astype(np.float32))
    starts = np.concatenate([[0], np.cumsum([len(pixels) for pixels in columns])])
    parts = (_joined(values, np.float32), _joined(columns, np.int32), starts.astype(np.int32))
    return csc_array(parts, shape=(height * width, n_cells)), height, width


def _from_pixels(file: h5py.File, table: h5py.Group) -> tuple[Sparse, int, int]:
    """Masks as lists of x (column), y (row), weight."""
    from scipy.sparse import csc_array

    pixels, stops = table["pixel_mask"][:], table["pixel_mask_index"][:].astype(np.int64)
    x, y = pixels["x"].astype(np.int64), pixels["y"].astype(np.int64)
    width, height = _field(file, x, y)
    cell = np.repeat(np.arange(len(stops)), np.diff(stops, prepend=0))
    weight = pixels["weight"].astype(np.float32)
    shape = (height * width, len(stops))
    return csc_array((weight, (y * width + x, cell)), shape=shape), height, width


def _field(file: h5py.File, x: Any, y: Any) -> tuple[int, int]:
    """Width and height of the field of view: the movie's, or as far as the masks reach."""
    for node in file.get("acquisition", {}).values():
        data = node.get("data") if isinstance(node, h5py.Group) else None
        is_movie = str(node.attrs.get("neurodata_type", "")).endswith("PhotonSeries")
        if is_movie and isinstance(data, h5py.Dataset) and data.ndim == 3:
            return int(data.shape[1]), int(data.shape[2])
    return int(x.max(initial=-1)) + 1, int(y.max(initial=-1)) + 1


def _joined(parts: list[Any], dtype: Any) -> Any:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def _find_table(file: h5py.File, wanted: str | None) -> h5py.Group:
    where = Path(file.filename).name
    runs = read_runs(file)
    for row in runs:
        if wanted is None or row.run == wanted:
            return file[f"{GROUP}/{SEGMENTATIONS}/{row.names.segmentation}"]
    tables: dict[str, h5py.Group] = {}

    def note(name: str, node: Any) -> None:
        if isinstance(node, h5py.Group) and node.attrs.get("neurodata_type") == "PlaneSegmentation":
            tables[name.rpartition("/")[2]] = node

    file.get("processing", file).visititems(note)
    known = [row.run for row in runs] or list(tables)
    if wanted in tables:
        return tables[wanted]
    if wanted is not None:
        there = f"it holds {', '.join(known)}" if known else "it holds no masks"
        raise NwbContentError(f"{where} has no masks of {wanted}: {there}.")
    if len(tables) == 1:
        return next(iter(tables.values()))
    if not tables:
        raise NwbContentError(f"{where} holds no masks of cells: name a processed file.")
    raise NwbContentError(
        f"{where} holds {len(tables)} tables of cells: name one as {where}:{next(iter(tables))}."
    )
