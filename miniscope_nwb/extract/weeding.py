"""Components that are no cell whatever one asks of cells: noise, slow changes, specks.

What remains may still be out of focus, a vessel or a piece of neuropil: telling these from cells is
the task of the acceptance rules, which see all metrics.
"""

from __future__ import annotations

import numpy as np

from miniscope_nwb.extract.boxes import Footprints
from miniscope_nwb.extract.temporal import TraceMaps
from miniscope_nwb.recording import BoolArray

MIN_JUMP = 4.5  # noise units within `_JUMP_FRAMES`: the least that the largest event must rise
MIN_AREA = 0.3  # of a disc of the cell's diameter
AREA_ABOVE = 0.3  # of the peak: pixels that count as area
NOTHING_ROSE = f"no event rose {MIN_JUMP} times above the noise of its trace"
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


def worth_keeping(footprints: Footprints, maps: TraceMaps, *, diameter_px: float) -> BoolArray:
    """Say which components to go on with."""
    least = MIN_AREA * np.pi / 4 * diameter_px**2
    keep: BoolArray = (largest_jumps(maps) >= MIN_JUMP) & (areas(footprints) >= least)
    return keep
