"""Sums of frames over sparse footprints, in compiled code. Pixels not seen are NaN and left out.

Footprints are csc columns: ``starts`` (n_cells + 1,), ``pixels`` and ``weights`` (nnz,). Nearly
always everything was seen: sums are first taken without asking, and again with care where the
result is NaN.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

LEAST_SUM = 0.25  # of the weights' absolute sum: what was seen of the sum is scaled up by no less
QUICK = {"reassoc", "contract", "nsz"}  # sums in the processor's order; NaN stay NaN


@njit(cache=True, nogil=True, fastmath=QUICK)
def dot(frame: Any, pixels: Any, weights: Any) -> float:
    """Return the sum of weights times frame; NaN where any is."""
    total = 0.0
    for at in range(len(pixels)):
        total += np.float64(weights[at]) * np.float64(frame[pixels[at]])
    return total


@njit(cache=True, nogil=True)
def dot_seen(frame: Any, pixels: Any, weights: Any) -> Any:
    """Return the sum of weights times frame, of weights, absolute weights and squared weights.

    Of the pixels that were seen.
    """
    total = seen = size = energy = 0.0
    for at in range(len(pixels)):
        value, weight = np.float64(frame[pixels[at]]), np.float64(weights[at])
        if value == value:
            total += weight * value
            seen += weight
            size += abs(weight)
            energy += weight * weight
    return total, seen, size, energy


@njit(cache=True, nogil=True)
def project(
    frames: Any, starts: Any, pixels: Any, weights: Any, sums: Any, energies: Any, out: Any
) -> None:
    """Project frames (n, n_pixels) on footprints.

    ``out`` (3, n_cells, n) receives, of the pixels seen: the sum of weights times frame, of
    weights, of squared weights. ``sums`` and ``energies`` (n_cells,) are the latter of all.
    """
    for i in range(len(frames)):
        for k in range(len(starts) - 1):
            part = slice(starts[k], starts[k + 1])
            total, seen, energy = dot(frames[i], pixels[part], weights[part]), sums[k], energies[k]
            if total != total:
                total, seen, _, energy = dot_seen(frames[i], pixels[part], weights[part])
            out[0, k, i], out[1, k, i], out[2, k, i] = total, seen, energy


@njit(cache=True, nogil=True)
def weighted_mean(
    frames: Any, starts: Any, pixels: Any, weights: Any, sums: Any, least: float, out: Any
) -> None:
    """Write the weighted mean of frames (n, n_pixels) over each footprint, (n_cells, n).

    NaN where less than the share `least` of the weights, whose sums are given, was seen.
    """
    for i in range(len(frames)):
        for k in range(len(starts) - 1):
            part = slice(starts[k], starts[k + 1])
            total, seen = dot(frames[i], pixels[part], weights[part]), sums[k]
            if total != total:
                total, seen, _, _ = dot_seen(frames[i], pixels[part], weights[part])
            enough = seen > 0.0 and seen >= least * sums[k]
            out[k, i] = total / seen if enough else np.nan


@njit(cache=True, nogil=True)
def sums_seen(frames: Any, starts: Any, pixels: Any, weights: Any, least: float, out: Any) -> None:
    """Write weighted sums of frames (n, n_pixels), (n_cells, n), for weights of either sign.

    Where pixels were not seen the others stand for them; NaN below the share `least` of the
    absolute weights.
    """
    for k in range(len(starts) - 1):
        part = slice(starts[k], starts[k + 1])
        column, weight = pixels[part], weights[part]
        whole, size = 0.0, 0.0
        for at in range(len(weight)):
            whole += weight[at]
            size += abs(weight[at])
        for i in range(len(frames)):
            total = dot(frames[i], column, weight)
            if total != total:
                total, seen, seen_size, _ = dot_seen(frames[i], column, weight)
                if seen_size < least * size:
                    total = np.nan
                elif seen * whole > 0.0 and abs(seen) > LEAST_SUM * seen_size:
                    total *= whole / seen
            out[k, i] = total


@njit(cache=True, nogil=True, fastmath=QUICK)
def bin_pixels(frames: Any, factor: int, out: Any) -> None:
    """Average frames (n, height, width) over squares of pixels, (n, rows, columns).

    Squares at the edge may be cut; of pixels not seen the others stand, NaN where none was.
    """
    n, height, width = frames.shape
    down = np.empty(width, np.float32)
    for i in range(n):
        for row in range(out.shape[1]):
            top, bottom = row * factor, min((row + 1) * factor, height)
            down[:] = frames[i, top]
            for y in range(top + 1, bottom):
                for x in range(width):
                    down[x] += frames[i, y, x]
            for column in range(out.shape[2]):
                left, right = column * factor, min((column + 1) * factor, width)
                total = np.float32(0.0)
                for x in range(left, right):
                    total += down[x]
                if total == total:
                    out[i, row, column] = total / np.float32((bottom - top) * (right - left))
                else:
                    out[i, row, column] = mean_seen(frames[i, top:bottom, left:right])


@njit(cache=True, nogil=True)
def mean_seen(square: Any) -> Any:
    """Return the mean of the pixels that were seen; NaN: none."""
    total, seen = np.float32(0.0), np.float32(0.0)
    for y in range(square.shape[0]):
        for x in range(square.shape[1]):
            if square[y, x] == square[y, x]:
                total += square[y, x]
                seen += np.float32(1.0)
    return total / seen if seen > 0 else np.float32(np.nan)


@njit(cache=True, nogil=True)
def take_off(
    frames: Any, centre: Any, starts: Any, pixels: Any, weights: Any, amounts: Any
) -> None:
    """Subtract `centre` (n_pixels,) and footprints times amounts (n_cells, n) from frames."""
    for i in range(len(frames)):
        frame = frames[i]
        for pixel in range(len(frame)):
            frame[pixel] -= centre[pixel]
        for k in range(len(starts) - 1):
            amount = amounts[k, i]
            if amount != 0.0:
                for at in range(starts[k], starts[k + 1]):
                    frame[pixels[at]] -= amount * weights[at]
