"""Pixels of the sensor that do not measure light: stuck, hot, dead or flickering ones.

The tissue moves and the optics blur it over several pixels; a defective pixel stands still and
alone. So a pixel is told from its eight neighbours in two pictures, the mean and the standard
deviation over frames from the whole recording. The rule is a cautious one: a bright cell or the
edge of a vessel is no defect, and a defect that is hardly seen does no harm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import BoolArray, IntArray
from miniscope_nwb.results import FloatImage

_SIGMAS = 8.0  # of the picture's own grain, beyond the neighbours
_RANGES = 2.0  # of the neighbours' own range besides: structure has slopes, a defect has none
_STUCK_SHARE = 0.2  # of the neighbours' deviation: less is no noise
_LEAST_NOISE = 0.5  # grey levels that the neighbours vary before a still pixel is suspicious
MOST_DEFECTS = 0.01  # of the pixels: where more are found it is no matter of single pixels


def find_defects(mean: FloatImage, deviation: FloatImage) -> IntArray:
    """Return the defective pixels.

    Parameters
    ----------
    mean, deviation
        Mean and standard deviation of each pixel over frames, (height, width).

    Returns
    -------
    pixels
        (n, 2): x, y. None where more than `MOST_DEFECTS` of the pixels look defective.
    """
    is_defect = _sticks_out(mean) | _sticks_out(-mean) | _sticks_out(deviation)
    _, second_low = _neighbour_ranks(deviation)[:2]
    is_still = deviation < _STUCK_SHARE * second_low
    is_defect |= is_still & (second_low > _LEAST_NOISE)
    if is_defect.mean() > MOST_DEFECTS:
        return np.empty((0, 2), np.int64)
    rows, columns = np.nonzero(is_defect)
    return np.stack([columns, rows], axis=1).astype(np.int64)


def _neighbour_ranks(image: FloatImage) -> npt.NDArray[np.float32]:
    """Sort the eight neighbours of each pixel, (8, height, width); edges are mirrored."""
    padded = np.pad(image.astype(np.float32), 1, mode="reflect")
    height, width = image.shape
    neighbours = np.stack(
        [
            padded[1 + y : 1 + y + height, 1 + x : 1 + x + width]
            for y in (-1, 0, 1)
            for x in (-1, 0, 1)
            if (y, x) != (0, 0)
        ]
    )
    return np.sort(neighbours, axis=0)


def _sticks_out(image: FloatImage) -> BoolArray:
    """Find pixels far above their neighbours; one of these may be defective too."""
    ranks = _neighbour_ranks(image)
    middle = (ranks[3] + ranks[4]) / 2
    grain = image - middle
    sigma = 1.4826 * float(np.median(np.abs(grain - np.median(grain))))
    own_range = ranks[6] - ranks[1]
    return np.asarray(image > ranks[6] + _RANGES * own_range + _SIGMAS * sigma)


class PixelMender:
    """Gives defective pixels the mean of their sound neighbours.

    Parameters
    ----------
    pixels
        (n, 2): x, y of the defective pixels; those outside of the field are passed over.
    height, width
        Of the field.
    """

    def __init__(self, pixels: IntArray, *, height: int, width: int) -> None:
        inside = (pixels >= 0).all(axis=1) & (pixels < np.array([width, height])).all(axis=1)
        x, y = pixels[inside].T
        is_defect = np.zeros((height, width), bool)
        is_defect[y, x] = True
        self._pixels = y * width + x
        sources, weights = [], []
        for column, row in zip(x.tolist(), y.tolist(), strict=True):
            found = _sound_neighbours(is_defect, row, column)
            sources.append(np.resize(found, _WIDEST))
            weights.append((np.arange(_WIDEST) < len(found)) / len(found))
        self._sources = np.array(sources, np.int64).reshape(-1, _WIDEST)
        self._weights = np.array(weights, np.float64).reshape(-1, _WIDEST)

    def mend(self, frames: npt.NDArray[Any]) -> None:
        """Mend frames, (n, height, width), in place."""
        if not len(self._pixels):
            return
        flat = frames.reshape(len(frames), -1)
        values = (flat[:, self._sources] * self._weights).sum(axis=2)
        if np.issubdtype(frames.dtype, np.integer):
            values = np.rint(values)
        flat[:, self._pixels] = values.astype(frames.dtype)


_WIDEST = 48  # neighbours that are looked at at most: three pixels all round


def _sound_neighbours(is_defect: BoolArray, row: int, column: int) -> IntArray:
    """Return the flat indices of the nearest sound pixels."""
    height, width = is_defect.shape
    for reach in (1, 2, 3):
        rows = np.arange(max(0, row - reach), min(height, row + reach + 1))
        columns = np.arange(max(0, column - reach), min(width, column + reach + 1))
        y, x = np.meshgrid(rows, columns, indexing="ij")
        sound = ~is_defect[y, x]
        if sound.any():
            return np.asarray(y[sound] * width + x[sound], np.int64)
    return np.array([row * width + column])  # nothing sound nearby: it stays as it is
