"""Sums of frames over sparse footprints, in compiled code. Pixels not seen are NaN and left out.

Footprints are csc columns: ``starts`` (n_cells + 1,), ``pixels`` and ``weights`` (nnz,). Sums are
taken in float64 in the order of the pixels.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

LEAST_SUM = 0.25  # of the weights' absolute sum: what was seen of the sum is scaled up by no less


@njit(cache=True, nogil=True)
def halves(
    frames: Any, centre: Any, starts: Any, pixels: Any, weights: Any, is_first: Any, out: Any
) -> None:
    """Project frames (n, n_pixels) on both halves of each footprint.

    ``out`` (n, n_cells, 2, 3) receives, of the pixels seen: the sum of weights times what exceeds
    `centre` (n_pixels,), of weights, and of their squares. ``is_first`` (nnz,) tells the half.
    """
    for i in range(len(frames)):
        frame = frames[i]
        for k in range(len(starts) - 1):
            above0 = above1 = sum0 = sum1 = energy0 = energy1 = 0.0
            for at in range(starts[k], starts[k + 1]):
                value = np.float64(frame[pixels[at]]) - centre[pixels[at]]
                if value != value:
                    continue
                weight = np.float64(weights[at])
                if is_first[at]:
                    above0 += weight * value
                    sum0 += weight
                    energy0 += weight * weight
                else:
                    above1 += weight * value
                    sum1 += weight
                    energy1 += weight * weight
            out[i, k, 0, 0], out[i, k, 0, 1], out[i, k, 0, 2] = above0, sum0, energy0
            out[i, k, 1, 0], out[i, k, 1, 1], out[i, k, 1, 2] = above1, sum1, energy1


@njit(cache=True, nogil=True)
def weighted_mean(
    frames: Any, starts: Any, pixels: Any, weights: Any, least: float, out: Any
) -> None:
    """Write the weighted mean of frames (n, n_pixels) over each footprint, (n_cells, n).

    NaN where less than the share `least` of the weights was seen.
    """
    for i in range(len(frames)):
        frame = frames[i]
        for k in range(len(starts) - 1):
            total = seen = whole = 0.0
            for at in range(starts[k], starts[k + 1]):
                value = np.float64(frame[pixels[at]])
                weight = np.float64(weights[at])
                whole += weight
                if value == value:
                    total += weight * value
                    seen += weight
            enough = seen > 0.0 and seen >= least * whole
            out[k, i] = total / seen if enough else np.nan


@njit(cache=True, nogil=True)
def bin_above(frames: Any, centre: Any, factor: int, out: Any) -> None:
    """Average what frames (n, height, width) exceed `centre` by, over squares of pixels.

    ``out`` is (n, rows, columns); squares at the edge may be cut, NaN where nothing was seen.
    """
    n, height, width = frames.shape
    for i in range(n):
        for row in range(out.shape[1]):
            for column in range(out.shape[2]):
                total, seen = 0.0, 0
                for y in range(row * factor, min((row + 1) * factor, height)):
                    for x in range(column * factor, min((column + 1) * factor, width)):
                        value = np.float64(frames[i, y, x]) - centre[y, x]
                        if value == value:
                            total += value
                            seen += 1
                out[i, row, column] = total / seen if seen else np.nan


@njit(cache=True, nogil=True)
def take_off(frames: Any, starts: Any, pixels: Any, weights: Any, amounts: Any) -> None:
    """Subtract footprints times amounts (n_cells, n) from frames (n, n_pixels)."""
    for i in range(len(frames)):
        frame = frames[i]
        for k in range(len(starts) - 1):
            amount = np.float64(amounts[k, i])
            if amount != 0.0:
                for at in range(starts[k], starts[k + 1]):
                    frame[pixels[at]] -= amount * weights[at]


@njit(cache=True, nogil=True)
def sums_seen(frames: Any, starts: Any, pixels: Any, weights: Any, least: float, out: Any) -> None:
    """Write weighted sums of frames (n, n_pixels), (n_cells, n), for weights of either sign.

    Where pixels were not seen the others stand for them; NaN below the share `least` of the
    absolute weights.
    """
    for i in range(len(frames)):
        frame = frames[i]
        for k in range(len(starts) - 1):
            total = seen = whole = seen_size = size = 0.0
            for at in range(starts[k], starts[k + 1]):
                value = np.float64(frame[pixels[at]])
                weight = np.float64(weights[at])
                whole += weight
                size += abs(weight)
                if value == value:
                    total += weight * value
                    seen += weight
                    seen_size += abs(weight)
            if seen_size < least * size:
                total = np.nan
            elif seen_size < size and seen * whole > 0.0 and abs(seen) > LEAST_SUM * seen_size:
                total *= whole / seen
            out[k, i] = total
