"""Projections of the movie, less its background, on the footprints; no background is ever made.

With ``B = b0 + W (Y - A C - b0)`` and ``Y`` free of its mean, the least-squares traces solve
``H C = A^T Y - (W^T A)^T Y`` with ``H = A^T A - A^T W A``: the ring is folded into a second, wider
set of footprints on the coarse grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.extract.boxes import Footprints, from_sparse
from miniscope_nwb.extract.frames import FrameBlock, Frames, bin_frames
from miniscope_nwb.extract.ring import Ring
from miniscope_nwb.recording import FloatArray
from miniscope_nwb.results import Float32

SEEN_LEAST = 0.5  # of a footprint's energy: where less was seen, the trace is not measured


@dataclass(frozen=True, slots=True)
class Projector:
    """Footprints, the ring's footprints, and the matrix between traces and projections."""

    footprints: Footprints
    ring_footprints: Footprints  # W^T A on the coarse grid
    matrix: FloatArray  # (n_cells, n_cells): A^T A - A^T W A
    gains: FloatArray  # (n_cells, n_components): the low-rank components' share in a projection
    ring: Ring

    def project(self, block: FrameBlock) -> FloatArray:
        """Return the projections of some frames, (n_cells, n); NaN where too little was seen."""
        from miniscope_nwb.extract import project_kernels as kernels

        shape = (len(self.footprints), len(block.pixels))
        ours, ring = np.empty(shape), np.empty(shape)
        boxes, values = self.footprints.boxes.arrays(), self.footprints.values
        kernels.project(block.pixels, *boxes, values, ours)
        if not block.is_whole:
            seen = np.empty(shape)
            kernels.seen_energy(block.seen, *boxes, values, seen)
            share = seen / self.footprints.energies()[:, None]
            part = np.flatnonzero(((seen >= 0) & (share < 1)).any(axis=0))
            for i in part.tolist():
                cut = seen[:, i] >= 0
                known = np.where(share[:, i] >= SEEN_LEAST, share[:, i], np.nan)
                ours[cut, i] /= known[cut]
        coarse = bin_frames(block, self.ring.factor)
        kernels.project(
            coarse, *self.ring_footprints.boxes.arrays(), self.ring_footprints.values, ring
        )
        if self.gains.size:
            ring += self.gains @ self.ring.amounts(coarse)
        return ours - ring


def make_projector(footprints: Footprints, ring: Ring) -> Projector:
    """Fold the ring into the footprints."""
    matrix = footprints.sparse(ring.height, ring.width)
    summed = ring.to_sum @ matrix
    averaged = ring.to_mean @ matrix
    folded = (ring.weights.T @ summed).tocsc()
    products = (matrix.T @ matrix).toarray().astype(np.float64)
    products -= (folded.T @ averaged).toarray()
    gains = np.asarray((summed.T @ ring.images.T), np.float64)
    if gains.size:
        products -= gains @ np.asarray((averaged.T @ ring.tilted.T).T, np.float64)
    wide = from_sparse(folded, ring.binned_shape[1])
    return Projector(footprints, wide, products, gains, ring)


def project_all(frames: Frames, projector: Projector, out: npt.NDArray[np.float32]) -> None:
    """Write the projections of all usable frames into `out` (n_cells, n_frames); others NaN."""

    def one(block: FrameBlock) -> tuple[FrameBlock, Float32]:
        values = projector.project(block).astype(np.float32)
        return FrameBlock(
            block.numbers, np.empty((0, 0, 0), np.float32), block.seen, block.start, block.stop
        ), values

    for block, values in frames.each(one):
        part = np.full((len(out), block.stop - block.start), np.nan, np.float32)
        part[:, block.numbers - block.start] = values
        out[:, block.start : block.stop] = part
