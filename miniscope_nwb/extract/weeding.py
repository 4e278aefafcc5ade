"""Components that are no cell whatever one asks of cells: noise, slow changes, specks.

What remains may still be out of focus, a vessel or a piece of neuropil: telling these from cells is
the task of the acceptance rules, which see all metrics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.extract.boxes import Footprints
from miniscope_nwb.extract.temporal import TraceMaps
from miniscope_nwb.recording import BoolArray

MIN_JUMP = 4.5  # noise units within `_JUMP_FRAMES`: the least that the largest event must rise
MIN_AREA = 0.3  # of a disc of the cell's diameter
AREA_ABOVE = 0.3  # of the peak: pixels that count as area
# What makes a satellite; true neighbours of simulated hard movies stay clear of all four at once.
_SATELLITE_COSINE = 0.15  # of the two footprints, at least
_SATELLITE_LIGHT = 0.2  # of the brighter one's energy, at most
_SATELLITE_CORRELATION = 0.45  # of the two traces, at least
_SATELLITE_ALONE = 0.2  # energy while the other is silent, of what chance would give, at most
_JUMP_FRAMES = 3  # a burst lasts some 0.15 s; a slow change needs many small events instead


def largest_jumps(maps: TraceMaps) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the largest rise of each denoised trace within a few frames, noise units."""
    jumps = np.zeros(len(maps.noise))
    for k in range(len(jumps)):
        sums = np.convolve(maps.deconvolved[k], np.ones(_JUMP_FRAMES))
        jumps[k] = float(sums.max(initial=0)) / max(float(maps.noise[k]), 1e-12)
    return jumps


def areas(footprints: Footprints) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the number of pixels of each footprint that are not too dim."""
    return np.array(
        [int((footprints.patch(k) > AREA_ABOVE).sum()) for k in range(len(footprints))], np.int64
    )


def satellites(footprints: Footprints, maps: TraceMaps, *, height: int, width: int) -> BoolArray:
    """Say which components are only what a brighter one's movements and mistakes leave.

    A satellite overlaps a much brighter component, its trace goes with that one's, and it is
    silent whenever the other is: a cell beside a cell fires on its own at times.
    """
    matrix = footprints.sparse(height, width)
    energies = np.maximum(footprints.energies(), 1e-12)
    cosine = (matrix.T @ matrix).toarray() / np.sqrt(np.outer(energies, energies))
    light = energies * np.array([float(np.dot(row, row)) for row in maps.denoised])
    is_satellite = np.zeros(len(footprints), np.bool_)
    for weak, bright in np.argwhere(cosine > _SATELLITE_COSINE).tolist():
        if light[weak] < _SATELLITE_LIGHT * light[bright]:
            is_satellite[weak] |= _follows(maps, weak, bright)
    return is_satellite


def _follows(maps: TraceMaps, weak: int, bright: int) -> bool:
    """Say whether one trace lives on another's events only."""
    ours, theirs = (np.asarray(maps.denoised[k], np.float64) for k in (weak, bright))
    if ours.std() == 0 or theirs.std() == 0:
        return False
    if np.corrcoef(ours, theirs)[0, 1] < _SATELLITE_CORRELATION:
        return False
    silent = theirs < max(2 * float(maps.noise[bright]), 0.05 * theirs.max())
    events = np.where(ours > 2 * float(maps.noise[weak]), ours, 0) ** 2
    expected = float(events.sum() * silent.mean())
    return float(events[silent].sum()) < _SATELLITE_ALONE * expected


@dataclass(frozen=True, slots=True)
class Weeds:
    """What speaks against each component, (n_components,)."""

    is_flat: BoolArray  # its largest event rises less than `MIN_JUMP`
    is_speck: BoolArray  # its area is below `least_area_px`
    is_satellite: BoolArray
    least_area_px: float

    @property
    def keep(self) -> BoolArray:
        """Which components to go on with."""
        return ~(self.is_flat | self.is_speck | self.is_satellite)

    def words(self) -> str:
        """Say what the components were dropped for, each for the first that applies."""
        speck = self.is_speck & ~self.is_flat
        satellite = self.is_satellite & ~(self.is_flat | self.is_speck)
        counts = {
            f"without an event {MIN_JUMP} times above the noise of its trace": self.is_flat.sum(),
            f"smaller than {self.least_area_px:.0f} px": speck.sum(),
            "a brighter one's shadow": satellite.sum(),
        }
        parts = [f"{n} {reason}" for reason, n in counts.items() if n]
        return f"of {len(self.is_flat)} components, {', '.join(parts)}"


def find_weeds(
    footprints: Footprints,
    maps: TraceMaps,
    *,
    height: int,
    width: int,
    diameter_px: float,
    n_averaged: int = 1,
) -> Weeds:
    """Say which components are no cells; the noise of means of `n_averaged` frames is smaller."""
    least_area = MIN_AREA * np.pi / 4 * diameter_px**2
    return Weeds(
        is_flat=largest_jumps(maps) < MIN_JUMP * np.sqrt(n_averaged),
        is_speck=areas(footprints) < least_area,
        is_satellite=satellites(footprints, maps, height=height, width=width),
        least_area_px=least_area,
    )
