"""Small pictures of events: comparing them with footprints, and measuring what they show."""

from __future__ import annotations

import numpy as np

from miniscope_nwb.metrics.context import correlation
from miniscope_nwb.metrics.cutout import Cutout
from miniscope_nwb.metrics.shape import area_above
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import FloatImage

_LEAST_FREE = 0.15  # of the picture's pixels must be free for a plane to be fitted through them


def place_mask(cutout: Cutout, *, left: int, top: int, side: int) -> FloatImage:
    """Draw a footprint into a square picture whose top left corner is given in px of the field."""
    out = np.zeros((side, side), np.float32)
    rows, columns = cutout.mask.shape
    y, x = cutout.top - top, cutout.left - left
    y0, y1, x0, x1 = max(0, y), min(side, y + rows), max(0, x), min(side, x + columns)
    if y1 > y0 and x1 > x0:
        out[y0:y1, x0:x1] = cutout.mask[y0 - y : y1 - y, x0 - x : x1 - x]
    return out


def near_pixels(mask: FloatImage, diameter_px: float) -> BoolArray:
    """Pixels that a footprint is compared on: its own, and all within a diameter of its centre."""
    rows, columns = np.indices(mask.shape)
    total = float(mask.sum())
    if total <= 0:
        return np.zeros(mask.shape, bool)
    y, x = float((mask * rows).sum()) / total, float((mask * columns).sum()) / total
    result: BoolArray = (mask > 0) | (np.hypot(rows - y, columns - x) <= diameter_px)
    return result


def flattened(picture: FloatImage, is_free: BoolArray) -> FloatImage:
    """Take a plane off a picture, fitted to its pixels without footprints (least squares).

    That is what the neuropil around does meanwhile. Where fewer than 15 % of the pixels are free,
    their median is taken off; where none is, nothing.
    """
    good = is_free & np.isfinite(picture)
    if np.count_nonzero(good) < max(3, _LEAST_FREE * picture.size):
        level = float(np.median(picture[good])) if good.any() else 0.0
        return picture - np.float32(level)
    rows, columns = np.indices(picture.shape)
    terms = np.stack([np.ones(picture.shape), rows, columns], axis=-1).astype(np.float64)
    plane, *_ = np.linalg.lstsq(terms[good], picture[good].astype(np.float64), rcond=None)
    flat: FloatImage = (picture - terms @ plane).astype(np.float32)
    return flat


def match(picture: FloatImage, mask: FloatImage, pixels: BoolArray) -> float:
    """Pearson correlation of a picture with a footprint over chosen pixels, -1 to 1; NaN: none."""
    return correlation(picture[pixels], mask[pixels])


def width_of(picture: FloatImage, mask: FloatImage, pixels: BoolArray) -> float:
    """Diameter in px of what a picture shows under a footprint, at half of its height.

    The height is that of the footprint fitted where it is at 75 % of its maximum and above; only
    `pixels` are counted (those of other components are not). A component that the extraction cut
    too small out of something large betrays itself here. NaN where nothing is above the background.
    """
    core = (mask >= 0.75) & np.isfinite(picture)
    inner = mask[core].astype(np.float64)
    height = float(inner @ picture[core]) / float(inner @ inner) if core.any() else 0.0
    if not height > 0:
        return float("nan")
    shown = np.where(pixels & np.isfinite(picture), np.clip(picture / height, 0, 1), 0)
    return 2 * float(np.sqrt(area_above(shown.astype(np.float32), 0.5) / np.pi))
