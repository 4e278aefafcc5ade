"""Footprints as small pictures: the part of the field that a component covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.recording import IntArray
from miniscope_nwb.results import FloatImage, Sparse


@dataclass(frozen=True, slots=True)
class Cutout:
    """The rectangle that holds a footprint; its first pixel is (``top``, ``left``) of the field.

    ``mask`` (rows, columns) float32 has a maximum of 1; an empty footprint has one pixel of 0.
    """

    mask: FloatImage
    top: int
    left: int


def pixels_of(footprints: Sparse, cell: int) -> tuple[IntArray, FloatImage]:
    """Return the flat pixels (C order) of a footprint that are above zero, and their weights."""
    start, stop = footprints.indptr[cell], footprints.indptr[cell + 1]
    pixels = footprints.indices[start:stop].astype(np.int64)
    weights = footprints.data[start:stop]
    return pixels[weights > 0], weights[weights > 0]


def cut_out(footprints: Sparse, cell: int, *, width: int) -> Cutout:
    """Cut one footprint (a column of the csc matrix, pixels in C order) out of the field."""
    pixels, weights = pixels_of(footprints, cell)
    if not len(pixels):
        return Cutout(np.zeros((1, 1), np.float32), 0, 0)
    rows, columns = np.divmod(pixels, width)
    top, left = int(rows.min()), int(columns.min())
    mask = np.zeros((int(rows.max()) - top + 1, int(columns.max()) - left + 1), np.float32)
    mask[rows - top, columns - left] = weights / weights.max()
    return Cutout(mask, top, left)
