"""Metrics of a footprint's shape. A mask is (rows, columns) float32 with a maximum of 1.

Sizes are taken at half of the maximum, where the soft edge of a footprint stands; the number of
stored pixels (`npix`) counts every pixel above zero.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from miniscope_nwb.metrics.cutout import Cutout
from miniscope_nwb.results import FloatImage

HALF = 0.5
_FINE = 4  # times finer than the pixels: areas of a few pixels are measured without steps
_PART_LEAST = 0.1  # of the maximum: a part that is fainter is no part


def npix(mask: FloatImage) -> int:
    """Pixels of the mask above zero; 1 or more (0: an empty footprint)."""
    return int(np.count_nonzero(mask > 0))


def centroid(cutout: Cutout) -> tuple[float, float]:
    """Weighted centre (x, y) in px of the field; NaN where the footprint is empty."""
    mask = cutout.mask.astype(np.float64)
    total = mask.sum()
    if total <= 0:
        return float("nan"), float("nan")
    rows, columns = np.indices(mask.shape)
    x, y = float((mask * columns).sum() / total), float((mask * rows).sum() / total)
    return cutout.left + x, cutout.top + y


def area_above(mask: FloatImage, level: float) -> float:
    """Area in px2 where the mask is at least `level` of its maximum, between pixels by lines.

    The mask is drawn four times finer (bilinear) before pixels are counted, so that the area of a
    cell of 30 pixels has no steps of 3 %.
    """
    fine = _finer(mask)
    peak = float(fine.max(initial=0.0))
    return float(np.count_nonzero(fine >= level * peak)) / _FINE**2 if peak > 0 else 0.0


def equivalent_diameter(mask: FloatImage) -> float:
    """Diameter in px of the disc that has the mask's area at half of its maximum."""
    return 2 * float(np.sqrt(area_above(mask, HALF) / np.pi))


def edge_width(mask: FloatImage) -> float:
    """Width of the edge: from 75 % to 25 % of the maximum, in radii at 50 %; 0 and above.

    It has no unit and does not depend on the size: 0 for a disc, 0.36 for the projection of a
    sphere, 0.77 for a Gaussian. Light from outside the focal plane has lost its edge; NaN: empty.
    """
    quarter, half, most = (np.sqrt(area_above(mask, level)) for level in (0.25, HALF, 0.75))
    return float((quarter - most) / half) if half > 0 else float("nan")


def solidity(mask: FloatImage) -> float:
    """Area at half of the maximum by the area of its convex hull, 0 to 1; 1: no dents.

    The hull is that of the pixels' corners, so that a filled rectangle has exactly 1.
    """
    import cv2

    rows, columns = np.nonzero(mask >= HALF * mask.max(initial=0.0))
    if not len(rows) or mask.max() <= 0:
        return float("nan")
    corners = [np.stack([columns + x, rows + y], 1) for x in (0, 1) for y in (0, 1)]
    hull = cv2.convexHull(np.concatenate(corners).astype(np.float32))
    return min(1.0, len(rows) / float(cv2.contourArea(hull)))


def axes(mask: FloatImage) -> tuple[float, float]:
    """Lengths in px of the longer and shorter axis of the ellipse with the mask's second moments.

    Pixels at half of the maximum and above count, all alike; each is a square of 1 px (its own
    second moment of 1/12 is added). For a filled ellipse these are its diameters.
    """
    rows, columns = np.nonzero(mask >= HALF * mask.max(initial=0.0))
    if mask.max(initial=0.0) <= 0:
        return float("nan"), float("nan")
    places = np.stack([columns, rows]).astype(np.float64)
    places -= places.mean(axis=1, keepdims=True)
    moments = places @ places.T / places.shape[1] + np.eye(2) / 12
    small, large = np.linalg.eigvalsh(moments)
    return 4 * float(np.sqrt(large)), 4 * float(np.sqrt(small))


def eccentricity(mask: FloatImage) -> float:
    """Eccentricity of that ellipse, 0 (a disc) to 1 (a line)."""
    long, short = axes(mask)
    return float(np.sqrt(max(0.0, 1 - (short / long) ** 2)))


def n_parts(mask: FloatImage) -> int:
    """Pieces that hang together (corners count) at 10 % of the maximum; 1 for a cell."""
    import cv2

    visible = (mask >= _PART_LEAST * mask.max(initial=0.0)) & (mask > 0)
    count, _ = cv2.connectedComponents(visible.astype(np.uint8), connectivity=8)
    return int(count) - 1


def edge_distance(cutout: Cutout, *, height: int, width: int) -> float:
    """Pixels between the footprint (at half of its maximum) and the nearest edge of the field.

    0: the footprint touches the edge, and is likely cut by it.
    """
    mask = cutout.mask
    rows, columns = np.nonzero(mask >= HALF * mask.max(initial=0.0))
    rows, columns = rows + cutout.top, columns + cutout.left
    ends = (rows.min(), height - 1 - rows.max(), columns.min(), width - 1 - columns.max())
    return float(min(ends))


def _finer(mask: FloatImage) -> npt.NDArray[np.float32]:
    """Draw the mask four times finer, with a rim of zeros that its edge falls off to."""
    import cv2

    framed = np.pad(mask, 1).astype(np.float32)
    rows, columns = framed.shape
    size = (columns * _FINE, rows * _FINE)
    fine: npt.NDArray[np.float32] = cv2.resize(framed, size, interpolation=cv2.INTER_LINEAR)
    return fine
