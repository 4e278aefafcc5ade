"""Footprints as small rectangles of the field: dense inside, nothing outside.

A row of a rectangle lies in one piece in memory, so that inner loops run over neighbours instead
of gathering scattered pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import Sparse


@dataclass(frozen=True, slots=True)
class Boxes:
    """Rectangles; arrays have shape (n,), stops are exclusive, values lie row by row."""

    top: IntArray
    bottom: IntArray
    left: IntArray
    right: IntArray

    def __len__(self) -> int:
        return len(self.top)

    @property
    def starts(self) -> IntArray:
        """Where the values of each rectangle begin in a flat array, (n + 1,)."""
        areas = (self.bottom - self.top) * (self.right - self.left)
        starts: IntArray = np.concatenate([[0], np.cumsum(areas)]).astype(np.int64)
        return starts

    def grown(self, by: int, height: int, width: int) -> Boxes:
        """Return rectangles with a margin, cut at the edge of the field."""
        return Boxes(
            np.maximum(self.top - by, 0),
            np.minimum(self.bottom + by, height),
            np.maximum(self.left - by, 0),
            np.minimum(self.right + by, width),
        )

    def binned(self, factor: int) -> Boxes:
        """Return the rectangles of coarse pixels that hold these."""
        return Boxes(
            self.top // factor,
            -(-self.bottom // factor),
            self.left // factor,
            -(-self.right // factor),
        )

    def arrays(self) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
        """Return top, bottom, left, right and starts, for compiled code."""
        return self.top, self.bottom, self.left, self.right, self.starts

    def slices(self, number: int) -> tuple[slice, slice]:
        """Return rows and columns of one rectangle."""
        return (
            slice(int(self.top[number]), int(self.bottom[number])),
            slice(int(self.left[number]), int(self.right[number])),
        )


@dataclass(frozen=True, slots=True)
class Footprints:
    """Rectangles and the values in them; ``values`` is flat, of any float type."""

    boxes: Boxes
    values: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.boxes)

    def patch(self, number: int) -> npt.NDArray[Any]:
        """Return one footprint inside its rectangle, (rows, columns); a view."""
        b, starts = self.boxes, self.boxes.starts
        shape = (int(b.bottom[number] - b.top[number]), int(b.right[number] - b.left[number]))
        return self.values[int(starts[number]) : int(starts[number + 1])].reshape(shape)

    def chosen(self, keep: IntArray | BoolArray) -> Footprints:
        """Return some of the footprints, in the order of `keep`."""
        numbers = np.arange(len(self))[keep]
        return from_patches(
            [self.patch(n) for n in numbers.tolist()],
            self.boxes.top[numbers],
            self.boxes.left[numbers],
        )

    def energies(self) -> FloatArray:
        """Return the sum of squares of each footprint, (n,)."""
        squares = np.concatenate([[0.0], np.cumsum(self.values.astype(np.float64) ** 2)])
        starts = self.boxes.starts
        energies: FloatArray = squares[starts[1:]] - squares[starts[:-1]]
        return energies

    def sparse(self, height: int, width: int) -> Sparse:
        """Return the csc matrix (height * width, n); zeros inside rectangles are left out."""
        from scipy.sparse import csc_array

        b, starts = self.boxes, self.boxes.starts
        pixels = np.empty(len(self.values), np.int64)
        for n in range(len(self)):
            rows = np.arange(b.top[n], b.bottom[n])[:, None] * width
            pixels[starts[n] : starts[n + 1]] = (rows + np.arange(b.left[n], b.right[n])).ravel()
        values = self.values.astype(np.float32)
        matrix = csc_array((values, pixels, starts), shape=(height * width, len(self)))
        matrix.eliminate_zeros()
        return matrix


def from_patches(
    patches: list[npt.NDArray[Any]], top: npt.NDArray[Any], left: npt.NDArray[Any]
) -> Footprints:
    """Put patches (rows, columns) together; `top` and `left` (n,) are their places."""
    rows = np.array([patch.shape[0] for patch in patches], np.int64)
    columns = np.array([patch.shape[1] for patch in patches], np.int64)
    top, left = np.asarray(top, np.int64), np.asarray(left, np.int64)
    values = [np.asarray(patch, np.float32).ravel() for patch in patches]
    flat = np.concatenate([np.empty(0, np.float32), *values])
    return Footprints(Boxes(top, top + rows, left, left + columns), flat)


def from_sparse(matrix: Sparse, width: int) -> Footprints:
    """Cut the columns of a sparse matrix out; an empty column becomes one pixel of zero."""
    from scipy.sparse import csc_array

    columns = csc_array(matrix)
    patches, top, left = [], [], []
    for n in range(columns.shape[1]):
        part = slice(int(columns.indptr[n]), int(columns.indptr[n + 1]))
        pixels, values = columns.indices[part].astype(np.int64), columns.data[part]
        if not len(pixels):
            pixels, values = np.zeros(1, np.int64), np.zeros(1, np.float32)
        y, x = pixels // width, pixels % width
        patch = np.zeros((int(np.ptp(y)) + 1, int(np.ptp(x)) + 1), np.float32)
        patch[y - y.min(), x - x.min()] = values
        patches.append(patch)
        top.append(int(y.min()))
        left.append(int(x.min()))
    return from_patches(patches, np.array(top), np.array(left))


def joined(first: Footprints, second: Footprints) -> Footprints:
    """Return the footprints of both."""
    a, b = first.boxes, second.boxes
    boxes = Boxes(
        np.concatenate([a.top, b.top]),
        np.concatenate([a.bottom, b.bottom]),
        np.concatenate([a.left, b.left]),
        np.concatenate([a.right, b.right]),
    )
    return Footprints(boxes, np.concatenate([first.values, second.values]).astype(np.float32))


def tight(footprints: Footprints) -> Footprints:
    """Return the same with the smallest rectangles that hold all values above zero."""
    patches, top, left = [], footprints.boxes.top.copy(), footprints.boxes.left.copy()
    for n in range(len(footprints)):
        patch = footprints.patch(n)
        rows, columns = np.flatnonzero(patch.any(axis=1)), np.flatnonzero(patch.any(axis=0))
        if not len(rows):
            patches.append(np.zeros((1, 1), np.float32))
            continue
        patches.append(patch[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        top[n] += rows[0]
        left[n] += columns[0]
    return from_patches(patches, top, left)
