"""Footprints from the statistics: nonnegative least squares, and what a footprint must be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.extract.boxes import Footprints, from_patches
from miniscope_nwb.extract.statistics import Statistics
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import Float32, FloatImage

_N_SWEEPS = 10
_LEAST = 0.1  # of the peak: less is no part of the footprint
_SIGMAS = 2.0  # of the weight's own error: less is noise


@dataclass(frozen=True, slots=True)
class FootprintRules:
    """What a footprint must be."""

    region: BoolArray  # (height, width)
    pixel_noise: FloatImage
    diameter_px: float
    margin: int  # px a footprint may grow in one update
    keep_all: bool  # given masks: none is dropped


def update_footprints(
    statistics: Statistics, footprints: Footprints, rules: FootprintRules
) -> tuple[Footprints, Float32]:
    """Update all footprints.

    Returns
    -------
    footprints
        Peak 1; a footprint that vanished is all zero.
    peaks
        (n_cells,) what traces must be multiplied with to keep their light.
    """
    from miniscope_nwb.extract import statistics_kernels as kernels

    boxes, starts = statistics.boxes, statistics.boxes.starts
    values = np.zeros(int(starts[-1]))
    allowed = np.zeros(len(values), np.bool_)
    for k in range(len(boxes)):
        whole = _placed(footprints, k, boxes.slices(k))
        values[starts[k] : starts[k + 1]] = whole.ravel()
        allowed[starts[k] : starts[k + 1]] = _reach(whole, rules, boxes.slices(k)).ravel()
    kernels.descend(
        values, allowed, *boxes.arrays(), statistics.products, statistics.gram, _N_SWEEPS
    )
    patches, peaks = [], np.zeros(len(boxes), np.float32)
    for k in range(len(boxes)):
        rows, columns = boxes.slices(k)
        patch = values[starts[k] : starts[k + 1]].reshape(rows.stop - rows.start, -1)
        error = rules.pixel_noise[rows, columns] / np.sqrt(max(statistics.gram[k, k], 1e-12))
        clean = clean_footprint(patch.astype(np.float32), error)
        peaks[k] = clean.max(initial=0)
        if peaks[k] == 0 and rules.keep_all:
            clean, peaks[k] = _placed(footprints, k, boxes.slices(k)), 1.0
        patches.append((clean / max(float(peaks[k]), 1e-12)).astype(np.float32))
    return from_patches(patches, boxes.top, boxes.left), peaks


def clean_footprint(patch: Float32, error: Float32) -> Float32:
    """Keep the part around the peak that is neither dim nor within its own error."""
    from scipy import ndimage

    peak_image = ndimage.uniform_filter(patch, 3, mode="constant")
    y, x = np.unravel_index(int(np.argmax(peak_image)), patch.shape)
    peak = float(patch[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].max())
    bright = (patch >= _LEAST * peak) & (patch > _SIGMAS * error) & (patch > 0)
    labels, _ = ndimage.label(bright)
    label = labels[y, x]
    if label == 0:
        return np.zeros_like(patch)
    kept: Float32 = np.where(labels == label, np.minimum(patch, peak), 0)
    return kept


def _placed(footprints: Footprints, k: int, where: tuple[slice, slice]) -> Float32:
    """Return a footprint inside of a larger rectangle."""
    rows, columns = where
    out = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
    patch = footprints.patch(k)
    top = int(footprints.boxes.top[k]) - rows.start
    left = int(footprints.boxes.left[k]) - columns.start
    out[top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    return out


def _reach(whole: Float32, rules: FootprintRules, where: tuple[slice, slice]) -> BoolArray:
    """Say where a footprint may be: near where it is, inside the region."""
    from scipy import ndimage

    disc = np.hypot(*np.mgrid[-rules.margin : rules.margin + 1, -rules.margin : rules.margin + 1])
    near = ndimage.binary_dilation(whole > 0, disc <= rules.margin + 0.3)
    allowed: BoolArray = near & rules.region[where]
    return allowed
