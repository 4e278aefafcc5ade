"""Where cells are: greedy seeding on the bright pixels, after Zhou et al. 2018.

The pixel with the largest product of local correlation and peak-to-noise ratio is the next seed.
Its bright frames are a first trace, the pixels around it that are bright with it a first
footprint; what the two explain is taken off the bright pixels, and the search goes on, until no
pixel reaches both thresholds. So a cell that overlaps another is found once the other is off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.extract.boxes import Footprints, from_patches
from miniscope_nwb.extract.bright import BrightPixels
from miniscope_nwb.images.filtering import CenterSurround
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import Float32, FloatImage

FOOTPRINT_LEAST = 0.25  # of its peak: a first footprint ends there
MIN_AREA = 0.15  # of a disc of the cell's diameter: fewer connected pixels are no cell
LEFTOVER = 0.35  # of what a seed explains: as much may be left by an imperfect first footprint


@dataclass(frozen=True, slots=True)
class SeedRules:
    """What a seed must be."""

    min_corr: float
    min_pnr: float
    diameter_px: float
    min_distance_px: float
    max_seeds: int


@dataclass(frozen=True, slots=True)
class Seeds:
    """First footprints (peak 1) and the frames in which they are bright."""

    footprints: Footprints
    frames: tuple[npt.NDArray[np.int32], ...]  # of each seed, ascending
    values: tuple[Float32, ...]  # grey levels at the footprint's peak
    corr: FloatArray  # (n_seeds,) of the seed's pixel
    pnr: FloatArray
    best_corr: float  # the highest of all pixels that reach min_pnr, before the first seed
    best_pnr: float  # the highest of all pixels

    def __len__(self) -> int:
        return len(self.footprints)


def find_seeds(
    bright: BrightPixels,
    kernel: CenterSurround,
    rules: SeedRules,
    *,
    n_frames: int,
    taken: BoolArray | None = None,
) -> Seeds:
    """Seed greedily.

    Parameters
    ----------
    bright
        Bright pixels; its values are used up.
    kernel
        The spatial filter that they went through.
    rules
        Thresholds and sizes.
    n_frames
        Of the movie: the length of traces.
    taken
        (height, width): pixels that may not become seeds.
    """
    from miniscope_nwb.extract import seeding_kernels as kernels

    height, width = bright.height, bright.width
    entries = (bright.starts, bright.frames, bright.values)
    reach = max(kernel.radius_px, round(1.25 * rules.diameter_px))
    corr, pnr = (np.zeros((height, width), np.float32) for _ in range(2))
    kernels.score(*entries, bright.n_frames, 0, height, 0, width, corr, pnr)
    best_pnr = float(pnr.max(initial=0))
    best_corr = float(corr[pnr >= rules.min_pnr].max(initial=0))
    is_barred = np.zeros((height, width), np.bool_) if taken is None else taken.copy()
    trace = np.zeros(n_frames, np.float32)
    patches: list[Float32] = []
    tops, lefts, rows, found = [], [], [], []
    while len(patches) < rules.max_seeds:
        y, x = kernels.best_pixel(corr, pnr, is_barred, rules.min_corr, rules.min_pnr)
        if y < 0:
            break
        top, bottom = max(0, y - reach), min(height, y + reach + 1)
        left, right = max(0, x - reach), min(width, x + reach + 1)
        weights = np.zeros((bottom - top, right - left), np.float32)
        kernels.take_seed(*entries, width, y, x, top, left, trace, weights, LEFTOVER)
        patch = _grey(weights, bright.level.noise, y, x, top, left)
        footprint = _connected(patch, y - top, x - left)
        seen = corr[y, x], pnr[y, x]
        kernels.score(
            *entries, bright.n_frames,
            max(0, top - 1), min(height, bottom + 1), max(0, left - 1), min(width, right + 1),
            corr, pnr,
        )  # fmt: skip
        is_barred[y, x] = True
        if (footprint > 0).sum() < MIN_AREA * np.pi / 4 * rules.diameter_px**2:
            continue
        _bar(is_barred, y, x, rules.min_distance_px)
        scale = bright.level.noise[y, x] / _gain(footprint, kernel, y - top, x - left)
        patches.append(footprint)
        tops.append(top)
        lefts.append(left)
        frames = np.flatnonzero(trace).astype(np.int32)
        rows.append((frames, trace[frames] * np.float32(scale)))
        found.append(seen)
    figures = np.array(found, float).reshape(-1, 2)
    footprints = from_patches(patches, np.array(tops), np.array(lefts))
    return Seeds(
        footprints,
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        figures[:, 0],
        figures[:, 1],
        best_corr,
        best_pnr,
    )


def write_traces(seeds: Seeds, out: npt.NDArray[np.float32]) -> None:
    """Write the seeds' first traces into rows of zeros, (n_seeds, n_frames)."""
    for row, frames, values in zip(out, seeds.frames, seeds.values, strict=True):
        row[frames] = values


def _grey(weights: Float32, noise: FloatImage, y: int, x: int, top: int, left: int) -> Float32:
    """Return weights in noise units as grey levels, relative to the seed's."""
    rows, columns = weights.shape
    local = noise[top : top + rows, left : left + columns]
    grey: Float32 = weights * np.where(np.isfinite(local), local, 0) / noise[y, x]
    return grey.astype(np.float32)


def _connected(patch: Float32, y: int, x: int) -> Float32:
    """Keep what is connected with the seed and not too dim, peak 1."""
    from scipy import ndimage

    peak = float(patch[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].max())
    labels, _ = ndimage.label(patch >= FOOTPRINT_LEAST * peak)
    kept = (labels == labels[y, x]) & (labels[y, x] > 0)
    footprint: Float32 = np.where(kept, np.minimum(patch, peak), 0).astype(np.float32)
    return footprint / np.float32(max(peak, 1e-12))


def _bar(is_barred: BoolArray, y: int, x: int, distance: float) -> None:
    """Bar all pixels nearer than a distance."""
    height, width = is_barred.shape
    reach = int(np.ceil(distance))
    rows = np.arange(max(0, y - reach), min(height, y + reach + 1))
    columns = np.arange(max(0, x - reach), min(width, x + reach + 1))
    near = np.hypot(rows[:, None] - y, columns[None] - x) < distance
    is_barred[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] |= near


def _gain(footprint: Float32, kernel: CenterSurround, y: int, x: int) -> float:
    """Return what the spatial filter makes of a footprint of peak 1, at the seed."""
    array, radius = kernel.array(), kernel.radius_px
    rows = np.arange(footprint.shape[0]) - y + radius
    columns = np.arange(footprint.shape[1]) - x + radius
    inside_rows = (rows >= 0) & (rows < len(array))
    inside_columns = (columns >= 0) & (columns < len(array))
    weights = array[np.ix_(rows[inside_rows], columns[inside_columns])]
    return max(float((weights * footprint[np.ix_(inside_rows, inside_columns)]).sum()), 0.05)
