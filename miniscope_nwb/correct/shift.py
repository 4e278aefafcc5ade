"""Shifting a frame by a part of a pixel, without inventing what the sensor did not see.

A frame is moved by whole pixels, which is exact, and by the rest with the cubic convolution of
Keys (1981), whose weights are computed for that very rest: nothing is rounded to a table of steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import IntArray

Float32 = npt.NDArray[np.float32]

NEGLIGIBLE_PX = 1e-6  # a shift so near to whole pixels is one: shifts are float32
TAPS_BEFORE, TAPS_AFTER = 1, 2  # neighbours that the cubic weighs besides the pixel itself
_N_TAPS = TAPS_BEFORE + 1 + TAPS_AFTER


def split_shift(shift_px: float) -> tuple[int, float]:
    """Split the way to where a shifted pixel comes from into whole pixels and a rest in [0, 1)."""
    way = -float(shift_px)
    nearest = round(way)
    if abs(way - nearest) < NEGLIGIBLE_PX:
        return nearest, 0.0
    whole = int(np.floor(way))
    return whole, way - whole


def cubic_weights(rest: float) -> Float32:
    """Return the weights of the 4 neighbours of a place `rest` px after the second one.

    Keys' kernel with a = -1/2, the one that keeps straight lines straight.
    """
    t = rest
    weights = [
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]
    return np.array(weights, np.float32)


def seen_after_shift(
    shifts_px: npt.NDArray[Any], seen: IntArray, *, height: int, width: int
) -> IntArray:
    """Say which part of each shifted frame was seen, with all neighbours that the cubic weighs.

    Parameters
    ----------
    shifts_px
        (n, 2) corrections, x then y.
    seen
        (n, 4) what was seen before the shift: first row, row after the last, first column, column
        after the last.
    height, width
        Size of the frames.

    Returns
    -------
    bounds
        The same after it; all 0 where nothing is left.
    """
    bounds = np.zeros_like(seen)
    for number, (top, bottom, left, right) in enumerate(seen.tolist()):
        rows = _span(float(shifts_px[number, 1]), top, bottom, height)
        columns = _span(float(shifts_px[number, 0]), left, right, width)
        if rows[0] < rows[1] and columns[0] < columns[1]:
            bounds[number] = (*rows, *columns)
    return bounds


def _span(shift_px: float, first: int, stop: int, size: int) -> tuple[int, int]:
    """Shift the span [first, stop), less the neighbours that it lacks, inside of [0, size)."""
    whole, rest = split_shift(shift_px)
    if rest:
        first, stop = first + TAPS_BEFORE, stop - TAPS_AFTER
    return max(first - whole, 0), min(stop - whole, size)


def shift_frames(
    frames: npt.NDArray[Any], shifts_px: npt.NDArray[Any], bounds: IntArray, out: Float32
) -> None:
    """Shift frames, each in its own way.

    Parameters
    ----------
    frames
        (n, height, width) uint8, uint16 or float32.
    shifts_px
        (n, 2) corrections, x then y: by so much the content moves right and down.
    bounds
        (n, 4) of `seen_after_shift`.
    out
        (n, height, width) float32, filled: NaN outside of the bounds.
    """
    from miniscope_nwb.correct import shift_kernels as kernels

    whole = np.empty((len(frames), 2), np.int64)
    taps = np.ones((len(frames), 2), np.int64)
    weights = np.zeros((len(frames), 2, _N_TAPS), np.float32)
    for number, shift in enumerate(shifts_px.tolist()):
        for axis in range(2):
            whole[number, axis], rest = split_shift(shift[axis])
            if rest:
                taps[number, axis] = _N_TAPS
                weights[number, axis] = cubic_weights(rest)
    source = np.ascontiguousarray(frames)
    kernels.shift_frames(source, np.asarray(bounds, np.int64), whole, taps, weights, out)


def shift_frame(
    frame: npt.NDArray[Any], shift_px: npt.NDArray[Any], bounds: IntArray, out: Float32
) -> None:
    """Shift one frame, as `shift_frames` does."""
    shift_frames(frame[None], shift_px[None], bounds[None], out[None])
