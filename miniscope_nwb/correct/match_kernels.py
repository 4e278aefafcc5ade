"""Compiled loops of the comparison with the template: where surfaces have their peaks."""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from miniscope_nwb.correct.matcher import STENCIL

Array = npt.NDArray[Any]

_SIDE = 2 * STENCIL + 1
_N_STEPS = 4  # of Newton's method: from half a pixel the last one moves by less than 0.001 px
_LONGEST_STEP_PX = 0.75
_ROUNDING = 1e-6  # of values that are single-precision numbers
_NODES = np.arange(-STENCIL, STENCIL + 1.0)
_TO_COEFFICIENTS = np.linalg.inv(_NODES[:, None] ** np.arange(_SIDE))


@njit(cache=True, nogil=True)
def find_peaks(surfaces: Array, place: Array, is_at_border: Array, rest: Array) -> Array:
    """Find the highest value of each surface, and the peak of the polynomial around it.

    A surface has no fine detail, because the template was low-passed, so the polynomial through
    7 x 7 values follows it to a few thousandths, and Newton's method finds its peak; a parabola
    through three values leans to whole pixels.

    Parameters
    ----------
    surfaces
        (n, side, side), rows are y. The outermost `STENCIL` values serve the polynomial and are not
        searched.
    place
        (n, 2) int64, filled: the highest value, x then y.
    is_at_border
        (n,) bool, filled: it lies at the border of what is searched.
    rest
        (n, 2), filled: the peak beside `place`, x then y.

    Returns
    -------
    height
        (n,) of the peak.
    """
    last = surfaces.shape[1] - STENCIL - 1
    height = np.empty(len(surfaces))
    coefficients = np.empty((_SIDE, _SIDE))
    for i in range(len(surfaces)):
        surface = surfaces[i]
        x, y = STENCIL, STENCIL
        for row in range(STENCIL, last + 1):
            for column in range(STENCIL, last + 1):
                if surface[row, column] > surface[y, x]:
                    x, y = column, row
        place[i, 0], place[i, 1] = x, y
        is_at_border[i] = min(x, y) == STENCIL or max(x, y) == last
        _fit(surface, y - STENCIL, x - STENCIL, coefficients)
        height[i] = _climb(coefficients, rest[i])
    return height


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def compare(
    spectrum: Array, template: Array, fixed: Array, gain: float, energy: Array, highpass: Array
) -> Array:
    """Turn the spectra of pictures, in place, into those of how well each displacement fits.

    Parameters
    ----------
    spectrum, template, energy
        (n, height, width) complex64; `energy` is taken off `gain` times.
    fixed
        (n, height, width) complex64 that is taken off once, or one without elements.
    highpass
        (height, width) that the power is measured behind.

    Returns
    -------
    power
        (n,) of the high-passed pictures.
    """
    power = np.empty(len(spectrum))
    times = np.float32(gain)
    for i in range(len(spectrum)):
        total = np.float64(0)
        for row in range(spectrum.shape[1]):
            part = np.float32(0)
            for column in range(spectrum.shape[2]):
                value = spectrum[i, row, column]
                passed = highpass[row, column]
                part += (value.real * value.real + value.imag * value.imag) * passed * passed
                value = value * template[i, row, column] - times * energy[i, row, column]
                if fixed.size:
                    value -= fixed[i, row, column]
                spectrum[i, row, column] = value
            total += part
        power[i] = total
    return power


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def pull(
    picture: Array, along_x: Array, along_y: Array, x: int, y: int
) -> tuple[np.float64, np.float64]:
    """Multiply a picture with two others that are moved by whole pixels, and sum up.

    Parameters
    ----------
    picture, along_x, along_y
        (height, width) float32.
    x, y
        Where the others' first pixel comes to lie; what is outside of the picture counts nothing.

    Returns
    -------
    along_x, along_y
        The two sums.
    """
    height, width = picture.shape
    left, right = max(0, x), min(width, width + x)
    sum_x, sum_y = np.float64(0), np.float64(0)
    for row in range(max(0, y), min(height, height + y)):
        values = picture[row, left:right]
        first, second = along_x[row - y, left - x :], along_y[row - y, left - x :]
        part_x, part_y = np.float32(0), np.float32(0)
        for column in range(len(values)):
            part_x += values[column] * first[column]
            part_y += values[column] * second[column]
        sum_x += part_x
        sum_y += part_y
    return sum_x, sum_y


@njit(cache=True, nogil=True)
def _fit(surface: Array, top: int, left: int, coefficients: Array) -> None:
    """Put the polynomial through 7 x 7 values: powers of y, then of x."""
    half = np.zeros((_SIDE, _SIDE))
    for power in range(_SIDE):
        for row in range(_SIDE):
            for column in range(_SIDE):
                value = surface[top + row, left + column]
                half[power, column] += _TO_COEFFICIENTS[power, row] * value
    coefficients[:] = 0
    for power in range(_SIDE):
        for column in range(_SIDE):
            for other in range(_SIDE):
                coefficients[power, other] += half[power, column] * _TO_COEFFICIENTS[other, column]


@njit(cache=True, nogil=True)
def _climb(coefficients: Array, rest: Array) -> float:
    """Climb from the middle to the peak by Newton's method; return the height there."""
    along_x = np.empty((3, _SIDE))  # the polynomials of y at x, and their derivatives by x
    rest[:] = 0.0
    for step in range(_N_STEPS + 1):
        for power in range(_SIDE):
            _horner(coefficients[power], rest[0], along_x[:, power])
        value = np.empty((3, 3))  # derivative by x, then by y
        for derivative in range(3):
            _horner(along_x[derivative], rest[1], value[derivative])
        if step == _N_STEPS:
            break
        xx, xy, yy = value[2, 0], value[1, 1], value[0, 2]
        determinant = xx * yy - xy**2
        least = _ROUNDING * abs(value[0, 0])  # less is a flat surface and no peak
        if not (xx < -least and determinant > least**2):
            break  # the highest value itself is taken
        step_x = (xy * value[0, 1] - yy * value[1, 0]) / determinant
        step_y = (xy * value[1, 0] - xx * value[0, 1]) / determinant
        # The highest value is next to the peak.
        rest[0] = _within(rest[0] + _within(step_x, _LONGEST_STEP_PX), 1.0)
        rest[1] = _within(rest[1] + _within(step_y, _LONGEST_STEP_PX), 1.0)
    height: float = value[0, 0]
    return height


@njit(cache=True, nogil=True)
def _horner(coefficients: Array, place: float, out: Array) -> None:
    """Evaluate a polynomial and its first two derivatives."""
    value, first, second = 0.0, 0.0, 0.0
    for power in range(_SIDE - 1, -1, -1):
        second = second * place + 2 * first
        first = first * place + value
        value = value * place + coefficients[power]
    out[0], out[1], out[2] = value, first, second


@njit(cache=True, nogil=True)
def _within(value: float, farthest: float) -> float:
    return min(max(value, -farthest), farthest)
