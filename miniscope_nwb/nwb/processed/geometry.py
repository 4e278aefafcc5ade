"""From the pixels that were processed (cropped, binned) to those of the raw movie.

A prepared pixel covers a square of raw ones: images and footprints are enlarged without smoothing
and placed at the crop. The centre of prepared pixel 0 is raw coordinate ``(factor - 1) / 2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import MotionBlocks, Prepared

Image = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """How the prepared field of view lies in the raw one; sizes in pixels."""

    height: int  # of the raw frame
    width: int
    x0: int  # first column and row of the crop
    y0: int
    factor: int  # raw pixels a prepared one, on each axis
    inner_height: int  # of the prepared frame
    inner_width: int

    def whole(self, image: Image, *, outside: float = np.nan) -> Image:
        """Place a prepared image (height, width) in the raw field of view."""
        out = np.full((self.height, self.width), outside, image.dtype)
        rows, columns = self.area
        out[rows, columns] = enlarge(image, self.factor)
        return out

    @property
    def area(self) -> tuple[slice, slice]:
        """Rows and columns of the raw frame that the prepared one covers."""
        return (
            slice(self.y0, self.y0 + self.inner_height * self.factor),
            slice(self.x0, self.x0 + self.inner_width * self.factor),
        )

    def x(self, column: FloatArray) -> FloatArray:
        """Raw x of prepared columns, centre to centre."""
        return self.x0 + (np.asarray(column) + 0.5) * self.factor - 0.5

    def y(self, row: FloatArray) -> FloatArray:
        """Raw y of prepared rows, centre to centre."""
        return self.y0 + (np.asarray(row) + 0.5) * self.factor - 0.5

    def x_edge(self, column: IntArray) -> IntArray:
        """Raw column at which a prepared one begins."""
        return self.x0 + np.asarray(column, np.int64) * self.factor

    def y_edge(self, row: IntArray) -> IntArray:
        """Raw row at which a prepared one begins."""
        return self.y0 + np.asarray(row, np.int64) * self.factor


def make_frame(prepared: Prepared, *, height: int, width: int, inner: tuple[int, int]) -> Frame:
    """Say how a prepared frame of size `inner` (height, width) lies in the raw one.

    Raises
    ------
    ValueError
        If it does not fit.
    """
    x0, y0, _, _ = prepared.crop
    frame = Frame(height, width, x0, y0, prepared.spatial_factor, *inner)
    rows, columns = frame.area
    if min(x0, y0) < 0 or rows.stop > height or columns.stop > width:
        raise ValueError(f"prepared frames of {inner} do not fit into {height} x {width} pixels")
    return frame


def enlarge(image: Image, factor: int) -> Image:
    """Repeat the pixels of (..., height, width) on both axes."""
    return image if factor == 1 else image.repeat(factor, -2).repeat(factor, -1)


def raw_blocks(blocks: MotionBlocks, frame: Frame) -> MotionBlocks:
    """Blocks of the prepared frame in raw pixels."""
    return MotionBlocks(
        blocks.n_down,
        blocks.n_across,
        x_start=frame.x_edge(blocks.x_start),
        x_stop=frame.x_edge(blocks.x_stop),
        y_start=frame.y_edge(blocks.y_start),
        y_stop=frame.y_edge(blocks.y_stop),
    )
