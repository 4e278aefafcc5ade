"""Which components lie on or beside each other, and how alike they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.metrics.context import correlation
from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import Float32, Sparse

OVERLAP_LEAST = 0.05  # cosine: less is no overlap, a pixel or two at the rims


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pairs of components near each other, each pair in both orders, sorted by `cell`, (n_pairs,).

    ``cosine`` of the footprints (0 to 1); ``share``: how much of 1 grey level of `other` is seen
    by `cell`, i.e. (a . b) / (a . a); ``correlation`` of the traces.
    """

    cell: IntArray
    other: IntArray
    cosine: FloatArray
    share: FloatArray
    correlation: FloatArray

    def of(self, cell: int) -> IntArray:
        """Return the places of the pairs of one component."""
        return np.flatnonzero(self.cell == cell)


def find_neighbours(
    footprints: Sparse, centers: FloatArray, traces: Float32, *, reach_px: float
) -> Neighbours:
    """Find all pairs that share pixels or whose centres are nearer than `reach_px`.

    Parameters
    ----------
    footprints
        csc (n_pixels, n_cells).
    centers
        (n_cells, 2), x then y.
    traces
        (n_cells, n_frames), NaN where not measured.
    reach_px
        Distance of centres, px.
    """
    from scipy.spatial import cKDTree

    dot = (footprints.T @ footprints).tocoo()
    energy = np.asarray(footprints.multiply(footprints).sum(axis=0)).ravel()
    products = {
        (int(i), int(j)): float(v)
        for i, j, v in zip(dot.coords[0], dot.coords[1], dot.data, strict=True)
        if i != j and v > 0
    }
    near = np.flatnonzero(np.isfinite(centers).all(axis=1))
    pairs = set(products)
    for i, j in cKDTree(centers[near]).query_pairs(reach_px) if len(near) else ():
        pairs |= {(int(near[i]), int(near[j])), (int(near[j]), int(near[i]))}
    ordered = sorted(pairs)
    cell = np.array([i for i, _ in ordered], np.int64)
    other = np.array([j for _, j in ordered], np.int64)
    common = np.array([products.get(pair, 0.0) for pair in ordered])
    once = {(i, j): correlation(traces[i], traces[j]) for i, j in ordered if i < j}
    alike = np.array([once[min(pair), max(pair)] for pair in ordered], float)
    cosine = common / np.sqrt(np.maximum(energy[cell] * energy[other], 1e-12))
    return Neighbours(cell, other, cosine, common / np.maximum(energy[cell], 1e-12), alike)


def largest(neighbours: Neighbours, values: FloatArray, *, n_cells: int) -> FloatArray:
    """Return the largest of the pairs' values for each component, (n_cells,); 0 with no pair."""
    out = np.zeros(n_cells)
    np.maximum.at(out, neighbours.cell, np.nan_to_num(values))
    return out
