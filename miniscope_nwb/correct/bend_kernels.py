"""Compiled loops of the piecewise correction: where pixels come from, and what they read there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from miniscope_nwb.recording import IntArray

Float32 = npt.NDArray[np.float32]
Function = TypeVar("Function", bound=Callable[..., Any])

_compiled = cast(Callable[[Function], Function], njit(cache=True, nogil=True))
_inlined = cast(Callable[[Function], Function], njit(cache=True, nogil=True, inline="always"))


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


@_inlined
def _at_column(values: Float32, index: IntArray, weights: Float32, column: int) -> float:
    """Interpolate nodes along x."""
    return (  # type: ignore[no-any-return]
        weights[column, 0] * values[index[column, 0]]
        + weights[column, 1] * values[index[column, 1]]
        + weights[column, 2] * values[index[column, 2]]
        + weights[column, 3] * values[index[column, 3]]
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
    for row in range(height):
        _interpolate_rows(grid, index_y, weights_y, row, nodes)
        is_edge = row < reach or row >= height - reach
        for column in range(width):
            if not is_edge and reach <= column < width - reach:
                continue
            first_x = column + math.floor(_at_column(nodes[0], index_x, weights_x, column)) - 1
            first_y = row + math.floor(_at_column(nodes[1], index_x, weights_x, column)) - 1
            if first_y < seen[0]:
                top = max(top, row + 1)
            if first_y + 4 > seen[1]:
                bottom = min(bottom, row)
            if first_x < seen[2]:
                left = max(left, column + 1)
            if first_x + 4 > seen[3]:
                right = min(right, column)
    if top >= bottom or left >= right:
        return np.zeros(4, np.int64)
    return np.array([top, bottom, left, right])


@_compiled
def bend_frame(
    frame: npt.NDArray[Any],
    grid: Float32,
    index_y: IntArray,
    weights_y: Float32,
    index_x: IntArray,
    weights_x: Float32,
    bounds: IntArray,
    out: Float32,
) -> None:
    """Read each pixel inside the bounds where it comes from, with Keys' cubic (a = -1/2).

    `frame` and `out` are (height, width); `out` is left alone outside of the bounds, which are
    those of `bent_bounds`.
    """
    half, two, one = np.float32(0.5), np.float32(2), np.float32(1)
    three_halves, five_halves = np.float32(1.5), np.float32(2.5)
    nodes = np.empty((2, grid.shape[1]), np.float32)
    for row in range(bounds[0], bounds[1]):
        _interpolate_rows(grid, index_y, weights_y, row, nodes)
        for column in range(bounds[2], bounds[3]):
            way_x = _at_column(nodes[0], index_x, weights_x, column)
            way_y = _at_column(nodes[1], index_x, weights_x, column)
            whole_x, whole_y = math.floor(way_x), math.floor(way_y)
            t, u = way_x - np.float32(whole_x), way_y - np.float32(whole_y)
            x, y = column + whole_x - 1, row + whole_y - 1
            a0 = ((one - half * t) * t - half) * t
            a1 = (three_halves * t - five_halves) * t * t + one
            a2 = ((two - three_halves * t) * t + half) * t
            a3 = (half * t - half) * t * t
            b0 = ((one - half * u) * u - half) * u
            b1 = (three_halves * u - five_halves) * u * u + one
            b2 = ((two - three_halves * u) * u + half) * u
            b3 = (half * u - half) * u * u
            total = np.float32(0)
            for line, b in ((y, b0), (y + 1, b1), (y + 2, b2), (y + 3, b3)):
                total += b * (
                    a0 * np.float32(frame[line, x])
                    + a1 * np.float32(frame[line, x + 1])
                    + a2 * np.float32(frame[line, x + 2])
                    + a3 * np.float32(frame[line, x + 3])
                )
            out[row, column] = total
