"""Footprints that were given: another run's, another session's, a file's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.results import Prepared, Sparse


@dataclass(frozen=True, slots=True)
class GivenMasks:
    """Masks on the raw field: csc (n_pixels, n_cells), pixels in C order of (height, width)."""

    footprints: Sparse
    height: int
    width: int
    n_runs: int = 1  # of the file, where none of them was named

    @property
    def digest(self) -> str:
        """Checksum of the masks: part of what identifies a run."""
        found = hashlib.sha256(f"{self.height} {self.width}".encode())
        for array in (self.footprints.indptr, self.footprints.indices):
            found.update(np.ascontiguousarray(array, "<i8").tobytes())
        found.update(np.ascontiguousarray(self.footprints.data, "<f4").tobytes())
        return found.hexdigest()

    def on_field(self, prepared: Prepared) -> Sparse:
        """Return the masks on the prepared field, each with a maximum of 1.

        A mask that lies outside of the crop becomes an empty column.
        """
        from scipy.sparse import coo_array

        x0, y0, x1, y1 = prepared.crop
        factor = prepared.spatial_factor
        height, width = (y1 - y0) // factor, (x1 - x0) // factor
        masks = self.footprints.tocoo()
        pixel, cell = masks.coords
        row, column = np.divmod(pixel, self.width)
        row, column = (row - y0) // factor, (column - x0) // factor
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        places = (row[inside] * width + column[inside], cell[inside])
        shape = (height * width, masks.shape[1])
        binned = coo_array((masks.data[inside], places), shape).tocsc()
        return _with_unit_maximum(binned)


def read_masks(text: str, *, height: int, width: int) -> GivenMasks:
    """Read the masks of a run: ``FILE`` (its first run) or ``FILE:RUN``.

    Parameters
    ----------
    height, width
        Of the movie that they are sought in, raw px.

    Raises
    ------
    NwbContentError
        If the file has no such masks, or its field has another size.
    """
    from miniscope_nwb.nwb.processed.masks import read_footprints
    from miniscope_nwb.nwb.processed.runs import read_runs
    from miniscope_nwb.nwb.read import open_nwb

    path, run = split_name(text)
    footprints, rows, columns = read_footprints(path, run)
    n_runs = 1
    if run is None:
        with open_nwb(path) as file:
            n_runs = len(read_runs(file))
    if (rows, columns) != (height, width):
        raise NwbContentError(
            f"the masks of {path} lie on a field of {columns}x{rows} px, and the movie has "
            f"{width}x{height}: give masks of the same field."
        )
    return GivenMasks(_with_unit_maximum(footprints.tocsc()), rows, columns, n_runs)


def split_name(text: str) -> tuple[Path, str | None]:
    """Split FILE:RUN; a colon in the name of an existing file is no separator."""
    if Path(text).exists():
        return Path(text), None
    name, colon, run = text.rpartition(":")
    if colon and run and len(name) > 1:
        return Path(name), run
    return Path(text), None


def _with_unit_maximum(footprints: Any) -> Sparse:
    """Scale every column to a maximum of 1; what is not positive is left out."""
    from scipy.sparse import csc_array

    scaled = csc_array(footprints, dtype=np.float32, copy=True)
    scaled.sum_duplicates()
    scaled.data = np.where(np.isfinite(scaled.data), np.maximum(scaled.data, 0), 0)
    scaled.eliminate_zeros()
    counts = np.diff(scaled.indptr)
    peaks = np.ones(scaled.shape[1], np.float32)
    filled = counts > 0
    if filled.any():
        peaks[filled] = np.maximum.reduceat(scaled.data, scaled.indptr[:-1][filled])
    scaled.data /= np.repeat(peaks, counts)
    return scaled
