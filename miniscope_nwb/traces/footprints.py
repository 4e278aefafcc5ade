"""Footprints, in the form that the compiled sums need, and their checkerboard halves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import Float32, Sparse


@dataclass(frozen=True, slots=True)
class Columns:
    """A sparse matrix by columns: `starts` (n_cells + 1,), `pixels` and `weights` (nnz,)."""

    starts: IntArray
    pixels: npt.NDArray[np.int32]
    weights: Float32

    @staticmethod
    def of(matrix: Sparse) -> Columns:
        """Take a csc matrix apart."""
        matrix = matrix.tocsc()
        matrix.sort_indices()
        return Columns(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32),
            matrix.data.astype(np.float32),
        )

    @property
    def arrays(self) -> tuple[IntArray, npt.NDArray[np.int32], Float32]:
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


def halves(footprints: Sparse, width: int) -> list[Sparse]:
    """Return both halves of the footprints, csc (n_pixels, n_cells) float64.

    The pixels of the even fields (row + column) of a checkerboard, and those of the odd ones.
    """
    from scipy.sparse import csc_array

    whole = Columns.of(footprints)
    is_even = (whole.pixels // width + whole.pixels % width) % 2 == 0
    return [
        csc_array(
            (whole.weights[keep].astype(np.float64), (whole.pixels[keep], whole.cells[keep])),
            shape=footprints.shape,
        )
        for keep in (is_even, ~is_even)
    ]
