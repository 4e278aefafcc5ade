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


def shift_frame(
    frame: npt.NDArray[Any], shift_px: npt.NDArray[Any], bounds: IntArray, out: Float32
) -> None:
    """Shift one frame.

    Parameters
    ----------
    frame
        (height, width) uint8, uint16 or float32.
    shift_px
        (2,) correction, x then y: by so much the content moves right and down.
    bounds
        (4,) of `seen_after_shift`.
    out
        (height, width) float32, filled: NaN outside of the bounds.
    """
    top, bottom, left, right = (int(bound) for bound in bounds)
    blank_outside(out, top, bottom, left, right)
    if top >= bottom:
        return
    across, rest_x = split_shift(float(shift_px[0]))
    down, rest_y = split_shift(float(shift_px[1]))
    if not rest_x and not rest_y:
        part = frame[top + down : bottom + down, left + across : right + across]
        out[top:bottom, left:right] = part
        return
    _interpolate(frame, (top, bottom, left, right), (across, down), (rest_x, rest_y), out)


def _interpolate(
    frame: npt.NDArray[Any],
    bounds: tuple[int, int, int, int],
    whole: tuple[int, int],
    rest: tuple[float, float],
    out: Float32,
) -> None:
    """Weigh the neighbours of each pixel inside the bounds, along x and then along y."""
    import cv2

    top, bottom, left, right = bounds
    kernels, first, last = [], [], []
    for part in rest:
        kernels.append(cubic_weights(part) if part else np.ones(1, np.float32))
        first.append(TAPS_BEFORE if part else 0)
        last.append(TAPS_AFTER if part else 0)
    source = frame[
        top + whole[1] - first[1] : bottom + whole[1] + last[1],
        left + whole[0] - first[0] : right + whole[0] + last[0],
    ]
    done = cv2.sepFilter2D(
        source, cv2.CV_32F, kernels[0], kernels[1], anchor=(first[0], first[1])
    )  # the border that OpenCV makes up lies outside of what is taken
    out[top:bottom, left:right] = done[
        first[1] : first[1] + bottom - top, first[0] : first[0] + right - left
    ]


def blank_outside(out: Float32, top: int, bottom: int, left: int, right: int) -> None:
    """Fill a frame with NaN outside of the bounds."""
    out[:top] = np.nan
    out[bottom:] = np.nan
    out[top:bottom, :left] = np.nan
    out[top:bottom, right:] = np.nan
