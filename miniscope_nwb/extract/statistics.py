"""Sufficient statistics of an update of footprints, summed over the whole movie.

``U = (Y - B) C^T`` around each footprint and ``V = C C^T``; the background is taken off the sums
instead of the frames, because it is linear: ``U = Y C^T - W (Y C^T - A V)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.extract.boxes import Boxes, Footprints
from miniscope_nwb.extract.frames import FrameBlock, Frames, bin_frames
from miniscope_nwb.extract.ring import Ring
from miniscope_nwb.recording import FloatArray
from miniscope_nwb.results import Float32, FloatImage

_SILENT = 0.03  # of a trace's maximum: frames with less add next to nothing


@dataclass(frozen=True, slots=True)
class Statistics:
    """Sums over all usable frames; deviations from the means."""

    boxes: Boxes  # where footprints may be
    products: FloatArray  # flat, in the boxes: (Y - B) C^T
    gram: FloatArray  # (n_cells, n_cells): C C^T


@dataclass(frozen=True, slots=True)
class _Wide:
    """Boxes of the sums: the footprints' own, and those that the ring around them reaches."""

    fine: Boxes
    coarse: Boxes  # of the footprints on the coarse grid
    ring: Boxes


def gather(
    frames: Frames,
    footprints: Footprints,
    traces: npt.NDArray[np.float32],
    ring: Ring,
    *,
    margin: int,
    share: FloatImage,
) -> Statistics:
    """Stream over the movie once.

    Parameters
    ----------
    frames
        The movie.
    footprints, traces
        Present footprints and denoised traces (n_cells, n_frames).
    ring
        The background model.
    margin
        How far footprints may grow, px.
    share
        (height, width): share of the frames in which each pixel was seen.
    """
    from miniscope_nwb.extract import project_kernels as kernels

    fine = footprints.boxes.grown(margin, ring.height, ring.width)
    coarse = fine.binned(ring.factor)
    wide = _Wide(fine, coarse, coarse.grown(ring.reach, *ring.binned_shape))
    n = len(footprints)
    floor = _SILENT * np.asarray(traces.max(axis=1))

    def sums(block: FrameBlock) -> tuple[Float32, Float32, Float32, FloatArray]:
        amounts = np.ascontiguousarray(traces[:, block.numbers].T, np.float32)
        amounts[amounts <= floor] = 0
        outs = [np.zeros(int(b.starts[-1]), np.float32) for b in (wide.fine, wide.ring)]
        kernels.accumulate(block.pixels, *wide.fine.arrays(), amounts, outs[0])
        coarse = bin_frames(block, ring.factor)
        kernels.accumulate(coarse, *wide.ring.arrays(), amounts, outs[1])
        low_rank = ring.amounts(coarse) @ amounts if len(ring.images) else np.zeros((0, n))
        return outs[0], outs[1], amounts, low_rank

    fine_sums, ring_sums = np.zeros(int(fine.starts[-1])), np.zeros(int(wide.ring.starts[-1]))
    gram, totals = np.zeros((n, n)), np.zeros(n)
    low_rank_sums = np.zeros((len(ring.images), n))
    for fine_part, ring_part, amounts, low_rank in frames.each(sums):
        low_rank_sums += low_rank
        fine_sums += fine_part
        ring_sums += ring_part
        gram += amounts.T.astype(np.float64) @ amounts
        totals += amounts.sum(axis=0, dtype=np.float64)
    gram -= np.outer(totals, totals) / max(frames.n_usable, 1)
    _make_up_for_unseen(fine_sums, fine, share)
    _take_background_off(fine_sums, ring_sums, wide, gram, footprints, ring)
    if len(ring.images):
        _take_low_rank_off(fine_sums, low_rank_sums, fine, gram, footprints, ring)
    return Statistics(fine, fine_sums, gram)


def _take_low_rank_off(
    sums: FloatArray,
    low_rank_sums: FloatArray,
    boxes: Boxes,
    gram: FloatArray,
    footprints: Footprints,
    ring: Ring,
) -> None:
    """Take the low-rank components' light off the sums, in place."""
    averaged = ring.to_mean @ footprints.sparse(ring.height, ring.width)
    amounts = low_rank_sums - (averaged.T @ ring.tilted.T).T @ gram
    rows, columns = ring.binned_shape
    images = ring.images.reshape(-1, rows, columns)
    starts = boxes.starts
    for k in range(len(boxes)):
        light = np.tensordot(amounts[:, k], images, axes=1)
        fine = light.repeat(ring.factor, axis=0).repeat(ring.factor, axis=1)
        sums[starts[k] : starts[k + 1]] -= fine[boxes.slices(k)].ravel()


def _make_up_for_unseen(sums: FloatArray, boxes: Boxes, share: FloatImage) -> None:
    """Scale the sums of pixels that were not always seen to the whole number of frames."""
    starts = boxes.starts
    if share.min() >= 1:
        return
    for k in range(len(boxes)):
        seen = np.maximum(share[boxes.slices(k)], 0.1).ravel()
        sums[starts[k] : starts[k + 1]] /= seen


def _take_background_off(
    sums: FloatArray,
    ring_sums: FloatArray,
    wide: _Wide,
    gram: FloatArray,
    footprints: Footprints,
    ring: Ring,
) -> None:
    """Take ``W (Y C^T - A V)`` off the sums, in place."""
    from miniscope_nwb.extract import statistics_kernels as kernels

    averaged = (ring.to_mean @ footprints.sparse(ring.height, ring.width)).tocsc()
    columns = ring.binned_shape[1]
    kernels.take_cells_off(
        ring_sums, *wide.ring.arrays(), gram, averaged.indptr.astype(np.int64),
        averaged.indices.astype(np.int64), averaged.data.astype(np.float64), columns,
    )  # fmt: skip
    weights = ring.weights
    kernels.take_ring_off(
        sums, *wide.fine.arrays(), ring_sums, *wide.ring.arrays(),
        weights.indptr.astype(np.int64), weights.indices.astype(np.int64), weights.data,
        columns, ring.factor,
    )  # fmt: skip
