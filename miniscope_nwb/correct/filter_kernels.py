"""The compiled loops of the copy on which motion is estimated."""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True, fastmath={"contract"})
def average_pairs(frame: Array, out: Array) -> None:
    """Average squares of 2 x 2 pixels of a frame of any type, into (height // 2, width // 2)."""
    for row in range(out.shape[0]):
        upper, lower, means = frame[2 * row], frame[2 * row + 1], out[row]
        for column in range(out.shape[1]):
            left, right = 2 * column, 2 * column + 1
            total = np.float32(upper[left]) + np.float32(upper[right])
            total += np.float32(lower[left]) + np.float32(lower[right])
            means[column] = np.float32(0.25) * total


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def weigh(frame: Array, window: Array, out: Array) -> float:
    """Write frame times window, float32 (height, width), and return its sum."""
    whole = np.float64(0)
    for row in range(frame.shape[0]):
        part = np.float32(0)
        for column in range(frame.shape[1]):
            value = frame[row, column] * window[row, column]
            out[row, column] = value
            part += value
        whole += part
    return whole


@njit(cache=True, nogil=True)
def cut_blocks(picture: Array, top: Array, left: Array, window: Array, out: Array) -> None:
    """Write squares of a picture times the window, (n_blocks, height, width)."""
    height, width = window.shape
    for k in range(len(top)):
        for row in range(height):
            values = picture[top[k] + row, left[k] : left[k] + width]
            weights, cut = window[row], out[k, row]
            for column in range(width):
                cut[column] = values[column] * weights[column]
