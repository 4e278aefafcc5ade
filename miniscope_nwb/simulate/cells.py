"""Cells with known footprints: soft ellipses in focus, large dim blurs out of focus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.simulate import chance
from miniscope_nwb.simulate.levels import Level
from miniscope_nwb.simulate.options import PIXEL_SIZE_UM

FloatImage = npt.NDArray[np.float32]

SOMA_UM = (10.0, 14.0)  # diameters of somata
_SOFTNESS = 0.12  # of the edge, in radii
_OUT_OF_FOCUS_SIZE = (1.6, 2.2)  # times the diameter in focus
_OUT_OF_FOCUS_PEAK = 0.4  # times the peak in focus
_LEAST = 0.02  # of the maximum: less is no part of the footprint
_OVERLAP_LEAST = 0.1  # of the maximum: pixels that count for `overlaps`
_TRIES = 30  # places that are tried for a cell that shall not overlap


@dataclass(frozen=True, slots=True)
class Footprint:
    """Where a cell is seen in the motion-free field.

    ``mask`` has shape (height, width) of the patch, float32, its peak is 1 (but for cells that
    the edge of the field cuts); ``top`` and ``left`` place it in the field.
    """

    mask: FloatImage
    top: int
    left: int

    def whole(self, height: int, width: int) -> FloatImage:
        """Return the mask in the whole field, (height, width) float32."""
        image = np.zeros((height, width), np.float32)
        rows, columns = self.mask.shape
        image[self.top : self.top + rows, self.left : self.left + columns] = self.mask
        return image


@dataclass(frozen=True, slots=True)
class Cells:
    """All cells of a field; arrays have shape (n_cells,)."""

    footprints: tuple[Footprint, ...]
    in_focus: npt.NDArray[np.bool_]
    overlaps: npt.NDArray[np.bool_]  # shares pixels with another cell
    center_x: npt.NDArray[np.float64]  # weighted centroid, px
    center_y: npt.NDArray[np.float64]
    amplitude: npt.NDArray[np.float64]  # grey levels at the peak of a single spike's transient

    def __len__(self) -> int:
        return len(self.footprints)


def make_cells(n: int, *, width: int, height: int, level: Level, seed: int, device: int) -> Cells:
    """Place `n` cells in a field of the given size in pixels."""
    rng = chance.generator(seed, device, chance.CELLS)
    in_focus = rng.random(n) >= level.out_of_focus_share
    spread = rng.lognormal(0.0, 0.25, n)
    peak = level.peak_grey / 3 * np.clip(spread, 0.5, 2.0)
    places = _places(rng, n, width=width, height=height, overlap_share=level.overlap_share)
    footprints = tuple(
        _draw(rng, place, focused=bool(focused), width=width, height=height)
        for place, focused in zip(places, in_focus, strict=True)
    )
    centers = np.array([_centroid(item) for item in footprints], float).reshape(n, 2)
    return Cells(
        footprints=footprints,
        in_focus=in_focus,
        overlaps=_find_overlaps(footprints, height, width),
        center_x=centers[:, 0],
        center_y=centers[:, 1],
        amplitude=peak * np.where(in_focus, 1.0, _OUT_OF_FOCUS_PEAK),
    )


def _places(
    rng: np.random.Generator, n: int, *, width: int, height: int, overlap_share: float
) -> list[tuple[float, float]]:
    """Centres (x, y); most keep a distance, some are put beside another on purpose."""
    apart = 1.1 * SOMA_UM[1] / PIXEL_SIZE_UM
    places: list[tuple[float, float]] = []
    for _ in range(n):
        if places and rng.random() < overlap_share:
            x, y = places[rng.integers(len(places))]
            angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.45, 0.8) * apart
            place = (x + distance * np.cos(angle), y + distance * np.sin(angle))
            places.append((float(np.clip(place[0], 0, width)), float(np.clip(place[1], 0, height))))
            continue
        tried = rng.uniform((0, 0), (width, height), (_TRIES, 2)) - 0.5
        taken = np.array(places).reshape(-1, 1, 2)
        nearest = np.linalg.norm(tried - taken, axis=2).min(axis=0, initial=np.inf)
        best = int(np.argmax(nearest >= apart)) if (nearest >= apart).any() else nearest.argmax()
        places.append((float(tried[best, 0]), float(tried[best, 1])))
    return places


def _draw(
    rng: np.random.Generator, place: tuple[float, float], *, focused: bool, width: int, height: int
) -> Footprint:
    """Draw one ellipse, cut at the edge of the field."""
    radii = rng.uniform(*SOMA_UM, 2) / 2 / PIXEL_SIZE_UM
    angle = rng.uniform(0, np.pi)
    blur = rng.uniform(*_OUT_OF_FOCUS_SIZE)
    reach = int(np.ceil(radii.max() * (1.8 if focused else 2.9 * blur)))
    x, y = min(place[0], width - 1.0), min(place[1], height - 1.0)
    left, top = max(0, round(x) - reach), max(0, round(y) - reach)
    right, bottom = min(width, round(x) + reach + 1), min(height, round(y) + reach + 1)
    across, down = np.meshgrid(np.arange(left, right) - x, np.arange(top, bottom) - y)
    along = across * np.cos(angle) + down * np.sin(angle)
    beside = -across * np.sin(angle) + down * np.cos(angle)
    distance = np.hypot(along / radii[0], beside / radii[1])
    if focused:
        mask = 1 / (1 + np.exp(np.minimum((distance - 1) / _SOFTNESS, 50)))
    else:
        mask = np.exp(-0.5 * (distance / blur / 0.85) ** 2)
    mask[mask < _LEAST] = 0
    return Footprint(mask.astype(np.float32), top, left)


def _centroid(footprint: Footprint) -> tuple[float, float]:
    mask = footprint.mask.astype(np.float64)
    rows, columns = np.indices(mask.shape)
    total = mask.sum()
    x, y = float((mask * columns).sum() / total), float((mask * rows).sum() / total)
    return footprint.left + x, footprint.top + y


def _find_overlaps(
    footprints: tuple[Footprint, ...], height: int, width: int
) -> npt.NDArray[np.bool_]:
    count = np.zeros((height, width), np.int32)
    areas = []
    for item in footprints:
        rows, columns = np.nonzero(item.mask > _OVERLAP_LEAST * item.mask.max())
        areas.append((rows + item.top, columns + item.left))
        count[areas[-1]] += 1
    return np.array([bool((count[area] > 1).any()) for area in areas], bool)
