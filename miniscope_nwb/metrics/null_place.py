"""A place without a cell for every footprint, and what is seen there: the null of event images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.engines.base import map_array
from miniscope_nwb.metrics.cutout import Cutout
from miniscope_nwb.metrics.gather import short_blocks
from miniscope_nwb.metrics.halves import is_first_half
from miniscope_nwb.movie import Movie, map_in_order
from miniscope_nwb.recording import BoolArray, IntArray
from miniscope_nwb.results import Float32, FloatImage

_RING = (1.0, 2.0)  # diameters from the centre: the local background of a displaced footprint
_RING_STEP = 4  # every fourth of its pixels is enough for a mean
_FIRST_REACH = 32  # px in which a place is searched first
NOWHERE = np.iinfo(np.int64).min  # no place without a cell was found


def occupied(cutouts: list[Cutout], *, height: int, width: int, least: float) -> BoolArray:
    """Tell which pixels (height, width) any footprint covers with `least` of its maximum."""
    covered = np.zeros((height, width), bool)
    for item in cutouts:
        rows, columns = item.mask.shape
        view = covered[item.top : item.top + rows, item.left : item.left + columns]
        view |= item.mask > least
    return covered


def displacements(cutouts: list[Cutout], is_taken: BoolArray, region: BoolArray) -> IntArray:
    """Find for each footprint the nearest place that no footprint covers, inside the region.

    Returns
    -------
    displacements
        (n_cells, 2) int px, x then y; `NOWHERE` where the field is full.
    """
    height, width = is_taken.shape
    count = np.cumsum(np.cumsum(is_taken | ~region, 0, dtype=np.int64), 1)
    blocked: IntArray = np.pad(count, ((1, 0), (1, 0)))
    out = np.full((len(cutouts), 2), NOWHERE, np.int64)
    for k, item in enumerate(cutouts):
        reach = _FIRST_REACH
        while (place := _nearest_free(blocked, item, reach)) is None and reach < height + width:
            reach *= 2
        if place is not None:
            out[k] = place
    return out


def _nearest_free(blocked: IntArray, item: Cutout, reach: int) -> tuple[int, int] | None:
    """Find the nearest free place at most `reach` px away, as a displacement; None: there is none.

    Parameters
    ----------
    blocked
        (height + 1, width + 1): how many pixels above and left of a corner may not be covered.
    """
    rows, columns = item.mask.shape
    last_top, last_left = blocked.shape[0] - 1 - rows, blocked.shape[1] - 1 - columns
    top, left = max(0, item.top - reach), max(0, item.left - reach)
    stop, end = min(last_top, item.top + reach) + 1, min(last_left, item.left + reach) + 1
    if stop <= top or end <= left:
        return None
    free = (
        blocked[top + rows : stop + rows, left + columns : end + columns]
        - blocked[top:stop, left + columns : end + columns]
        - blocked[top + rows : stop + rows, left:end]
        + blocked[top:stop, left:end]
    ) == 0  # for each top left corner
    tops, lefts = np.nonzero(free)
    if not len(tops):
        return None
    down, right = tops + top - item.top, lefts + left - item.left
    far = down**2 + right**2
    best = int(np.argmin(far))
    # In the corners of the square lie places that are farther than some beside it.
    return (int(right[best]), int(down[best])) if far[best] <= reach**2 else None


def null_weights(
    cutouts: list[Cutout], places: IntArray, is_taken: BoolArray, *, diameter_px: float
) -> Any:
    """Weights (n_pixels, 2 n_cells) csc that read displaced halves above their local background.

    Column k reads the first half of footprint k, column n_cells + k its second. A trace is in grey
    levels at the footprint's peak; the mean of a ring around the place, without footprints, is
    taken off.
    """
    from scipy.sparse import csc_array

    height, width = is_taken.shape
    first = is_first_half(height, width)
    columns = [
        _null_column(item, (dx, dy), half, is_taken, diameter_px=diameter_px)
        for half in (first, ~first)
        for item, (dx, dy) in zip(cutouts, places.tolist(), strict=True)
    ]
    starts = np.cumsum([0, *(len(pixels) for pixels, _ in columns)])
    pixels = np.concatenate([np.empty(0, np.int64), *(pixels for pixels, _ in columns)])
    values = np.concatenate([np.empty(0, np.float32), *(weights for _, weights in columns)])
    return csc_array((values, pixels, starts), shape=(height * width, len(columns)))


def _null_column(
    item: Cutout,
    move: tuple[int, int],
    half: BoolArray,
    is_taken: BoolArray,
    *,
    diameter_px: float,
) -> tuple[IntArray, Float32]:
    """Return flat pixels and weights of one displaced half and of the ring around it."""
    if move[0] == NOWHERE:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    width = is_taken.shape[1]
    left, top = item.left + move[0], item.top + move[1]
    y, x = np.nonzero(item.mask)
    keep = half[y + top, x + left]
    weights = item.mask[y, x][keep].astype(np.float64)
    weights /= max(float((weights**2).sum()), 1e-12)
    pixels = ((y + top) * width + x + left)[keep]
    center = (left + item.mask.shape[1] / 2, top + item.mask.shape[0] / 2)
    ring = _ring(center, is_taken, diameter_px=diameter_px)
    if len(ring):
        pixels = np.concatenate([pixels, ring])
        weights = np.concatenate([weights, np.full(len(ring), -weights.sum() / len(ring))])
    return pixels, weights.astype(np.float32)


def _ring(center: tuple[float, float], is_taken: BoolArray, *, diameter_px: float) -> IntArray:
    """Return the flat pixels of the local background: a ring without footprints, thinned out."""
    width = is_taken.shape[1]
    reach = _RING[1] * diameter_px
    x0, y0 = max(0, int(center[0] - reach)), max(0, int(center[1] - reach))
    window = is_taken[y0 : int(center[1] + reach) + 2, x0 : int(center[0] + reach) + 2]
    rows, columns = np.indices(window.shape)
    away = np.hypot(columns + x0 - center[0], rows + y0 - center[1]) / diameter_px
    y, x = np.nonzero((away > _RING[0]) & (away < _RING[1]) & ~window)
    pixels: IntArray = ((y + y0) * width + x + x0)[::_RING_STEP]
    return pixels


def null_traces(
    movie: Movie, weights: Any, mean: FloatImage, *, path: Path, n_threads: int
) -> Float32:
    """Read the displaced halves in the whole movie, (2, n_cells, n_frames) mapped float32.

    Frames are taken as deviations from the mean image; a pixel that was not seen counts as equal
    to its mean. One ordered pass.
    """
    n_cells = weights.shape[1] // 2
    if not n_cells:  # a file of nothing cannot be mapped
        return np.zeros((2, 0, movie.n_frames), np.float32)
    traces = map_array(path, (2, n_cells, movie.n_frames))
    flat = np.nan_to_num(mean).ravel()
    starts, pixels = weights.indptr.astype(np.int64), weights.indices.astype(np.int64)
    from miniscope_nwb.metrics.patch_kernels import read_deviations

    def read(block: tuple[int, int]) -> Any:
        frames = movie.read(*block)
        out = np.empty((weights.shape[1], len(frames)), np.float32)
        read_deviations(frames.reshape(len(frames), -1), flat, starts, pixels, weights.data, out)
        return out

    blocks = short_blocks(movie)
    for (start, stop), values in zip(
        blocks, map_in_order(read, blocks, n_threads=n_threads), strict=True
    ):
        traces[0, :, start:stop] = values[:n_cells]
        traces[1, :, start:stop] = values[n_cells:]
    return traces
