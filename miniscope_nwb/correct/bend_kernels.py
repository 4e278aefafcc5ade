"""Compiled loops of the piecewise correction: where pixels come from, and what they read there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from miniscope_nwb.recording import IntArray

Float32 = npt.NDArray[np.float32]
SPARE = 32  # pixels: four times as many as a processor of 256 bits takes at once
_SLACK_PX = 1e-3  # the two loops may round a way differently: no pixel is read beyond the frame
Function = TypeVar("Function", bound=Callable[..., Any])

_compiled = cast(
    Callable[[Function], Function], njit(cache=True, nogil=True, fastmath={"contract"})
)  # a product and a sum may be rounded once instead of twice


@_compiled
def _along_x(grid: Float32, index: IntArray, weights: Float32) -> Float32:
    """Interpolate a grid (n_down, n_across, 2) at all columns, with the sign turned.

    Returns (2, n_down, width): x, then y. Once a frame, so that a row is then but a weighted sum.
    """
    n_down, width = grid.shape[0], len(index)
    out = np.zeros((2, n_down, width), np.float32)
    for axis in range(2):
        for node in range(n_down):
            for column in range(width):
                for tap in range(4):
                    value = grid[node, index[column, tap], axis]
                    out[axis, node, column] -= weights[column, tap] * value
    return out


@_compiled
def _along_y(
    lines: Float32, index: IntArray, weights: Float32, start: int, stop: int, way: Float32
) -> None:
    """Weigh lines (n_down, width) of `_along_x` for one row, at the columns [start, stop)."""
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    a, b = lines[index[0], start:stop], lines[index[1], start:stop]
    c, d = lines[index[2], start:stop], lines[index[3], start:stop]
    some = way[start:stop]
    for k in range(len(some)):
        some[k] = w0 * a[k] + w1 * b[k] + w2 * c[k] + w3 * d[k]


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
    lines = _along_x(grid, index_x, weights_x)
    way_x, way_y = np.empty(width, np.float32), np.empty(width, np.float32)
    for row in range(height):
        is_whole = row < reach or row >= height - reach or 2 * reach >= width
        half = width if is_whole else reach
        for start, stop in ((0, half), (max(half, width - reach), width)):
            _along_y(lines[0], index_y[row], weights_y[row], start, stop, way_x)
            _along_y(lines[1], index_y[row], weights_y[row], start, stop, way_y)
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
def bend_frames(
    sources: Float32,
    grids: Float32,
    index_y: IntArray,
    weights_y: Float32,
    index_x: IntArray,
    weights_x: Float32,
    bounds: IntArray,
    out: Float32,
) -> None:
    """Read each pixel of frames where it comes from, with Keys' cubic (a = -1/2).

    Parameters
    ----------
    sources
        (n, height * width + `SPARE`): pixels of frames, row by row.
    grids
        (n, n_down, n_across, 2) corrections at the nodes, x then y.
    index_y, weights_y, index_x, weights_x
        (height, 4) and (width, 4): nodes and weights of each row and column.
    bounds
        (n, 4) of `bent_bounds`.
    out
        (n, height, width), C-contiguous, filled: NaN outside of the bounds.
    """
    nothing = np.float32(np.nan)
    for number in range(len(out)):
        top, bottom, left, right = bounds[number]
        target = out[number]
        target[:top] = nothing
        target[bottom:] = nothing
        target[top:bottom, :left] = nothing
        target[top:bottom, right:] = nothing
        lines = _along_x(grids[number], index_x, weights_x)
        _bend(sources[number], lines, index_y, weights_y, bounds[number], target)


@_compiled
def _bend(
    source: Float32,
    lines: Float32,
    index_y: IntArray,
    weights_y: Float32,
    bounds: IntArray,
    out: Float32,
) -> None:
    """Read the pixels of a frame inside of the bounds; `lines` are those of `_along_x`.

    Neighbours that come from neighbours, by the same whole pixels, are read together. Such a run is
    prolonged to a multiple of `SPARE`, which the processor reads many at a time; what is too much
    is overwritten by the next one.
    """
    left, right, width = bounds[2], bounds[3], out.shape[1]
    n_read = right - left
    rest_x, rest_y = np.zeros(width + SPARE, np.float32), np.zeros(width + SPARE, np.float32)
    line = np.empty(n_read + SPARE, np.float32)
    jump = np.empty(n_read, np.int32)  # by whole pixels, in `source`
    for row in range(bounds[0], bounds[1]):
        _along_y(lines[0], index_y[row], weights_y[row], left, right, rest_x)
        _along_y(lines[1], index_y[row], weights_y[row], left, right, rest_y)
        _split_ways(rest_x[left:right], rest_y[left:right], width, jump)
        start = 0
        while start < n_read:
            stop = start + 1
            while stop < n_read and jump[stop] == jump[start]:
                stop += 1
            n = (stop - start + SPARE - 1) // SPARE * SPARE
            first, column = row * width + left + start + jump[start], left + start
            places = rest_x[column : column + n], rest_y[column : column + n]
            _cubic(source, first, width, places[0], places[1], line[start : start + n])
            start = stop
        out[row, left:right] = line[:n_read]


@_compiled
def _split_ways(way_x: Float32, way_y: Float32, width: int, jump: npt.NDArray[np.int32]) -> None:
    """Split ways into whole pixels, those of both axes together, and rests in [0, 1)."""
    line = np.int32(width)
    for k in range(len(jump)):
        whole_x, whole_y = np.floor(way_x[k]), np.floor(way_y[k])
        way_x[k] -= whole_x
        way_y[k] -= whole_y
        jump[k] = np.int32(whole_y) * line + np.int32(whole_x)


@_compiled
def _cubic(
    source: Float32, first: int, width: int, rest_x: Float32, rest_y: Float32, out: Float32
) -> None:
    """Read a run of places: the first lies in [0, 1) to the right of `first` and below it.

    One loop over few arrays, which the compiler vectorises: neighbours are those of one row array.
    """
    half, one, two = np.float32(0.5), np.float32(1), np.float32(2)
    three_halves, five_halves = np.float32(1.5), np.float32(2.5)
    n, start = len(out), first - width - 1
    above, here = source[start : start + n + 3], source[start + width : start + width + n + 3]
    start += 2 * width
    below, last = source[start : start + n + 3], source[start + width : start + width + n + 3]
    for k in range(n):
        t, u = rest_x[k], rest_y[k]
        wa = ((one - half * t) * t - half) * t
        wb = (three_halves * t - five_halves) * t * t + one
        wc = ((two - three_halves * t) * t + half) * t
        wd = (half * t - half) * t * t
        a = wa * above[k] + wb * above[k + 1] + wc * above[k + 2] + wd * above[k + 3]
        b = wa * here[k] + wb * here[k + 1] + wc * here[k + 2] + wd * here[k + 3]
        c = wa * below[k] + wb * below[k + 1] + wc * below[k + 2] + wd * below[k + 3]
        d = wa * last[k] + wb * last[k + 1] + wc * last[k + 2] + wd * last[k + 3]
        va = ((one - half * u) * u - half) * u
        vb = (three_halves * u - five_halves) * u * u + one
        vc = ((two - three_halves * u) * u + half) * u
        vd = (half * u - half) * u * u
        out[k] = va * a + vb * b + vc * c + vd * d
