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
from miniscope_nwb.movie import exhaust, map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import Float32, FloatImage

FOOTPRINT_LEAST = 0.25  # of its peak: a first footprint ends there
MIN_AREA = 0.15  # of a disc of the cell's diameter: fewer connected pixels are no cell
_BAND_ROWS = 16  # of the field, whose pixels a thread looks at
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
    n_threads: int = 1,
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
    n_threads
        That look at all pixels at the beginning; afterwards each seed changes what is left for the
        next one.
    """
    search = _Search(bright, kernel, rules, taken, n_threads=n_threads)
    best_pnr = float(search.pnr.max(initial=0))
    best_corr = float(search.corr[search.pnr >= rules.min_pnr].max(initial=0))
    trace = np.zeros(n_frames, np.float32)
    found: list[_Seed] = []
    while len(found) < rules.max_seeds and (at := search.next_pixel()) is not None:
        seed = search.take(*at, trace)
        if seed is not None:
            found.append(seed)
    footprints = from_patches(
        [seed.footprint for seed in found],
        np.array([seed.top for seed in found]),
        np.array([seed.left for seed in found]),
    )
    return Seeds(
        footprints,
        tuple(seed.frames for seed in found),
        tuple(seed.values for seed in found),
        np.array([seed.corr for seed in found], np.float64),
        np.array([seed.pnr for seed in found], np.float64),
        best_corr,
        best_pnr,
    )


@dataclass(frozen=True, slots=True)
class _Seed:
    """One seed: its first footprint, where that lies, and what is known of its trace."""

    footprint: Float32
    top: int
    left: int
    frames: npt.NDArray[np.int32]
    values: Float32
    corr: float
    pnr: float


class _Search:
    """The bright pixels that are left, how good a seed each would be, and which may be none."""

    def __init__(
        self,
        bright: BrightPixels,
        kernel: CenterSurround,
        rules: SeedRules,
        taken: BoolArray | None,
        *,
        n_threads: int,
    ) -> None:
        self._bright, self._kernel, self._rules = bright, kernel, rules
        self._entries = (bright.starts, bright.frames, bright.values)
        self._shape = shape = (bright.height, bright.width)
        self._reach = max(kernel.radius_px, round(1.25 * rules.diameter_px))
        self._is_barred = np.zeros(shape, np.bool_) if taken is None else taken.copy()
        self.corr, self.pnr = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        bands = range(0, shape[0], _BAND_ROWS)
        exhaust(map_in_order(self._score_band, bands, n_threads=n_threads))

    def _score_band(self, top: int) -> None:
        self._score(top, top + _BAND_ROWS, 0, self._shape[1])

    def _score(self, top: int, bottom: int, left: int, right: int) -> None:
        """Tell correlation and peak-to-noise ratio of the pixels of a rectangle anew."""
        from miniscope_nwb.extract import seeding_kernels as kernels

        kernels.score(
            *self._entries, self._bright.n_frames, max(0, top), min(self._shape[0], bottom),
            max(0, left), min(self._shape[1], right), self.corr, self.pnr,
        )  # fmt: skip

    def next_pixel(self) -> tuple[int, int] | None:
        """Return row and column of the best pixel, None where none reaches both thresholds."""
        from miniscope_nwb.extract import seeding_kernels as kernels

        y, x = kernels.best_pixel(
            self.corr, self.pnr, self._is_barred, self._rules.min_corr, self._rules.min_pnr
        )
        return None if y < 0 else (y, x)

    def take(self, y: int, x: int, trace: Float32) -> _Seed | None:
        """Take a pixel as a seed and its light off the bright pixels; None where it is a speck.

        `trace` (n_frames,) is room to work in.
        """
        from miniscope_nwb.extract import seeding_kernels as kernels

        (height, width), reach = self._shape, self._reach
        top, bottom = max(0, y - reach), min(height, y + reach + 1)
        left, right = max(0, x - reach), min(width, x + reach + 1)
        weights = np.zeros((bottom - top, right - left), np.float32)
        kernels.take_seed(*self._entries, width, y, x, top, left, trace, weights, LEFTOVER)
        noise = self._bright.level.noise
        footprint = _connected(_grey(weights, noise, y, x, top, left), y - top, x - left)
        corr, pnr = float(self.corr[y, x]), float(self.pnr[y, x])
        self._score(top - 1, bottom + 1, left - 1, right + 1)
        self._is_barred[y, x] = True
        if (footprint > 0).sum() < MIN_AREA * np.pi / 4 * self._rules.diameter_px**2:
            return None
        _bar(self._is_barred, y, x, self._rules.min_distance_px)
        scale = noise[y, x] / _gain(footprint, self._kernel, y - top, x - left)
        frames = np.flatnonzero(trace).astype(np.int32)
        values = trace[frames] * np.float32(scale)
        return _Seed(footprint, top, left, frames, values, corr, pnr)


def write_traces(seeds: Seeds, out: npt.NDArray[np.float32]) -> None:
    """Write the seeds' first traces into rows of zeros, (n_seeds, n_frames)."""
    for row, frames, values in zip(out, seeds.frames, seeds.values, strict=True):
        row[frames] = values


def what_emptied(seeds: Seeds, rules: SeedRules, n_averaged: int) -> str:
    """Say which threshold no pixel reached; ratios to the noise of single frames."""
    gain = float(np.sqrt(n_averaged))
    best, least = seeds.best_pnr / gain, rules.min_pnr / gain
    if best < least:
        return f"min_pnr {least:.1f} (the highest of all pixels is {best:.1f})"
    if seeds.best_corr < rules.min_corr:
        return f"min_corr {rules.min_corr:.2f} (the highest is {seeds.best_corr:.2f})"
    return f"min_corr {rules.min_corr:.2f} and min_pnr {least:.1f} together"


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
