"""Compiled loops of the piecewise correction: where pixels come from, and what they read there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from miniscope_nwb.recording import IntArray

Float32 = npt.NDArray[np.float32]
_SLACK_PX = 1e-3  # the two loops may round a way differently: no pixel is read beyond the frame
Function = TypeVar("Function", bound=Callable[..., Any])

_compiled = cast(
    Callable[[Function], Function], njit(cache=True, nogil=True, fastmath={"contract"})
)  # a product and a sum may be rounded once instead of twice


@_compiled
def _interpolate_rows(
    grid: Float32, index: IntArray, weights: Float32, row: int, out: Float32
) -> None:
    """Interpolate a grid (n_down, n_across, 2) at a row, with the sign turned; (2, n_across)."""
    for node in range(grid.shape[1]):
        for axis in range(2):
            total = np.float32(0)
            for tap in range(4):
                total -= weights[row, tap] * grid[index[row, tap], node, axis]
            out[axis, node] = total


@_compiled
def _interpolate_columns(
    nodes: Float32,
    index: IntArray,
    weights: Float32,
    start: int,
    stop: int,
    way_x: Float32,
    way_y: Float32,
) -> None:
    """Interpolate the nodes (2, n_across) of a row at the columns [start, stop)."""
    for column in range(start, stop):
        i0, i1, i2, i3 = index[column, 0], index[column, 1], index[column, 2], index[column, 3]
        w0, w1 = weights[column, 0], weights[column, 1]
        w2, w3 = weights[column, 2], weights[column, 3]
        way_x[column] = (
            w0 * nodes[0, i0] + w1 * nodes[0, i1] + w2 * nodes[0, i2] + w3 * nodes[0, i3]
        )
        way_y[column] = (
            w0 * nodes[1, i0] + w1 * nodes[1, i1] + w2 * nodes[1, i2] + w3 * nodes[1, i3]
        )


@_compiled
def bent_bounds(
    grid: Float32,
    index_y: IntArray,
    weights_y: Float32,
    index_x: IntArray,
    weights_x: Float32,
    seen: IntArray,
    reach: int,
) -> IntArray:
    """Find the rectangle of a bent frame in which every pixel has all its neighbours.

    Parameters
    ----------
    grid
        (n_down, n_across, 2) corrections at the nodes, x then y.
    index_y, weights_y, index_x, weights_x
        (height, 4) and (width, 4): nodes and weights of each row and column.
    seen
        (4,) what the sensor saw of the frame.
    reach
        Only pixels so near to an edge of the frame can lack neighbours.

    Returns
    -------
    bounds
        (4,) first row, row after the last, first column, column after the last; all 0: nothing.
    """
    height, width = len(index_y), len(index_x)
    top, bottom, left, right = 0, height, 0, width
    nodes = np.empty((2, grid.shape[1]), np.float32)
    way_x, way_y = np.empty(width, np.float32), np.empty(width, np.float32)
    for row in range(height):
        _interpolate_rows(grid, index_y, weights_y, row, nodes)
        is_whole = row < reach or row >= height - reach or 2 * reach >= width
        half = width if is_whole else reach
        for start, stop in ((0, half), (max(half, width - reach), width)):
            _interpolate_columns(nodes, index_x, weights_x, start, stop, way_x, way_y)
            for column in range(start, stop):
                if row + np.floor(way_y[column] - _SLACK_PX) - 1 < seen[0]:
                    top = max(top, row + 1)
                if row + np.floor(way_y[column] + _SLACK_PX) + 3 > seen[1]:
                    bottom = min(bottom, row)
                if column + np.floor(way_x[column] - _SLACK_PX) - 1 < seen[2]:
                    left = max(left, column + 1)
                if column + np.floor(way_x[column] + _SLACK_PX) + 3 > seen[3]:
                    right = min(right, column)
    if top >= bottom or left >= right:
        return np.zeros(4, np.int64)
    return np.array([top, bottom, left, right])


@_compiled
def bend_frame(
    frame: Float32,
    grid: Float32,
    index_y: IntArray,
    weights_y: Float32,
    index_x: IntArray,
    weights_x: Float32,
    bounds: IntArray,
    out: Float32,
) -> None:
    """Read each pixel inside the bounds where it comes from, with Keys' cubic (a = -1/2).

    `frame` and `out` are (height, width), C-contiguous; `out` is left alone outside of the bounds,
    which are those of `bent_bounds`. Three short loops over a row are twice as fast as a long one.
    """
    width = frame.shape[1]
    flat = frame.reshape(frame.size)
    nodes = np.empty((2, grid.shape[1]), np.float32)
    rest_x, rest_y = np.empty(width, np.float32), np.empty(width, np.float32)
    place = np.empty(width, np.int64)  # of the first neighbour in `flat`
    for row in range(bounds[0], bounds[1]):
        _interpolate_rows(grid, index_y, weights_y, row, nodes)
        _interpolate_columns(nodes, index_x, weights_x, bounds[2], bounds[3], rest_x, rest_y)
        for column in range(bounds[2], bounds[3]):
            whole_x, whole_y = np.floor(rest_x[column]), np.floor(rest_y[column])
            rest_x[column] -= whole_x
            rest_y[column] -= whole_y
            first = (row + np.int64(whole_y) - 1) * width + column + np.int64(whole_x) - 1
            place[column] = first
        for column in range(bounds[2], bounds[3]):
            out[row, column] = _cubic(flat, place[column], width, rest_x[column], rest_y[column])


@_compiled
def _cubic(flat: Float32, first: int, width: int, t: float, u: float) -> float:
    """Weigh 4 x 4 neighbours of a place `t` to the right of the second one and `u` below it."""
    half, one, two = np.float32(0.5), np.float32(1), np.float32(2)
    three_halves, five_halves = np.float32(1.5), np.float32(2.5)
    a0 = ((one - half * t) * t - half) * t
    a1 = (three_halves * t - five_halves) * t * t + one
    a2 = ((two - three_halves * t) * t + half) * t
    a3 = (half * t - half) * t * t
    b0 = ((one - half * u) * u - half) * u
    b1 = (three_halves * u - five_halves) * u * u + one
    b2 = ((two - three_halves * u) * u + half) * u
    b3 = (half * u - half) * u * u
    # Unsigned: numba then tests no index for being negative.
    p, line = np.uint64(first), np.uint64(width)
    i1, i2, i3 = np.uint64(1), np.uint64(2), np.uint64(3)
    row_0 = a0 * flat[p] + a1 * flat[p + i1] + a2 * flat[p + i2] + a3 * flat[p + i3]
    p += line
    row_1 = a0 * flat[p] + a1 * flat[p + i1] + a2 * flat[p + i2] + a3 * flat[p + i3]
    p += line
    row_2 = a0 * flat[p] + a1 * flat[p + i1] + a2 * flat[p + i2] + a3 * flat[p + i3]
    p += line
    row_3 = a0 * flat[p] + a1 * flat[p + i1] + a2 * flat[p + i2] + a3 * flat[p + i3]
    total: float = b0 * row_0 + b1 * row_1 + b2 * row_2 + b3 * row_3
    return total
