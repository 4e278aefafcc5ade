"""Sums over small parts of frames, compiled by numba."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_patches(
    frames: npt.NDArray[np.float32],
    frame_of: npt.NDArray[np.int64],
    slot_of: npt.NDArray[np.int64],
    y_start: npt.NDArray[np.int64],
    x_start: npt.NDArray[np.int64],
    sums: npt.NDArray[np.float64],
    counts: npt.NDArray[np.uint16],
) -> None:
    """Add the patch of frame ``frame_of[k]`` at the place of slot ``slot_of[k]`` to that slot.

    `frames` (n, height, width); `sums` and `counts` (n_slots, side, side) are added to in place;
    NaN and what lies outside of the field add nothing.
    """
    _, height, width = frames.shape
    side = sums.shape[1]
    for k in range(len(frame_of)):
        frame, slot = frame_of[k], slot_of[k]
        top, left = y_start[slot], x_start[slot]
        for i in range(max(0, -top), min(side, height - top)):
            for j in range(max(0, -left), min(side, width - left)):
                value = frames[frame, top + i, left + j]
                if not np.isnan(value):
                    sums[slot, i, j] += value
                    counts[slot, i, j] += 1


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def read_deviations(
    frames: npt.NDArray[np.float32],
    mean: npt.NDArray[np.float32],
    starts: npt.NDArray[np.int64],
    pixels: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Weigh the deviations of frames (n, n_pixels) from a mean (n_pixels,) by csc columns.

    `out` (n_columns, n) receives the sums; NaN, a pixel that was not seen, adds nothing.
    """
    for frame in range(len(frames)):
        for column in range(len(starts) - 1):
            total = 0.0
            for k in range(starts[column], starts[column + 1]):
                value = frames[frame, pixels[k]] - mean[pixels[k]]
                if not np.isnan(value):
                    total += np.float64(weights[k]) * value
            out[column, frame] = total
