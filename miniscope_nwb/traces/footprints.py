"""Footprints, in the form that the compiled sums need, and their checkerboard halves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import Float32, Sparse


@dataclass(frozen=True, slots=True)
class Columns:
    """A sparse matrix by columns: `starts` (n_cells + 1,), `pixels` and `weights` (nnz,)."""

    starts: IntArray
    pixels: IntArray
    weights: Float32

    @staticmethod
    def of(matrix: Sparse) -> Columns:
        """Take a csc matrix apart."""
        matrix = matrix.tocsc()
        matrix.sort_indices()
        return Columns(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int64),
            matrix.data.astype(np.float32),
        )

    @property
    def arrays(self) -> tuple[IntArray, IntArray, Float32]:
        """The arguments of the kernels."""
        return self.starts, self.pixels, self.weights

    @property
    def cells(self) -> IntArray:
        """Which column each entry belongs to, (nnz,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def sums(self, values: npt.NDArray[np.floating] | FloatArray) -> FloatArray:
        """Add up a value of each entry (nnz,) by columns, (n_cells,)."""
        found: FloatArray = np.bincount(
            self.cells, weights=values, minlength=len(self.starts) - 1
        ).astype(np.float64)
        return found


def is_first_half(pixels: IntArray, width: int) -> BoolArray:
    """Say which pixels (C order) lie on the even fields of a checkerboard (row + column)."""
    even: BoolArray = (pixels // width + pixels % width) % 2 == 0
    return even


def half(footprints: Columns, width: int, number: int, height: int) -> Sparse:
    """Return one half of the footprints, csc (n_pixels, n_cells) float64: 0 even, 1 odd fields."""
    from scipy.sparse import csc_array

    keep = is_first_half(footprints.pixels, width) == (number == 0)
    shape = (height * width, len(footprints.starts) - 1)
    entries = (footprints.pixels[keep], footprints.cells[keep])
    return csc_array((footprints.weights[keep].astype(np.float64), entries), shape=shape)
