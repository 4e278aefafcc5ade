"""The ring model of the background (Zhou et al. 2018; on a coarse grid: Friedrich et al. 2021).

The background of a pixel is a weighted sum of the pixels on a ring around it, one that is wider
than a cell: ``B = b0 + W (Y - A C - b0)``. The weights are regressed, pixel by pixel, on a grid of
binned pixels and some thousand frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np

from miniscope_nwb.extract.boxes import Footprints
from miniscope_nwb.extract.frames import FrameBlock, Frames, bin_frames
from miniscope_nwb.movie import exhaust, map_in_order, spread_frames
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import Float32, Sparse

N_FRAMES = 1000  # of the regression: more changes the background by less than 0.2 %
MOST_NEIGHBOURS = 20  # of a pixel: more cost time and change the traces by less than 0.002
BAND_BYTES = 200_000_000  # of the frames that are held: wide fields are fitted band after band
_ROWS_AT_ONCE = 1000  # coarse pixels that a thread centres
RIDGE = 1e-3  # of the mean variance on the ring: the weights stay finite where pixels agree


@dataclass(frozen=True)
class Ring:
    """Weights on the coarse grid, and how coarse and fine pixels belong together."""

    height: int  # of the fine grid
    width: int
    factor: int
    radius_px: float  # fine px
    weights: Sparse  # csr (n_binned, n_binned)
    images: Float32  # (n_components, n_binned), orthonormal: low-rank background beside the ring

    @property
    def binned_shape(self) -> tuple[int, int]:
        """Rows and columns of the coarse grid."""
        return -(-self.height // self.factor), -(-self.width // self.factor)

    @cached_property
    def tilted(self) -> Float32:
        """Images that give the low-rank components' amounts: (1 - W)^T L, as rows."""
        tilted: Float32 = self.images - (self.weights.T @ self.images.T).T
        return np.ascontiguousarray(tilted, np.float32)

    def amounts(self, coarse: Float32) -> FloatArray:
        """Return the low-rank components' amounts in coarse frames, (n_components, n)."""
        flat = coarse.reshape(len(coarse), -1)
        return np.stack([flat @ row for row in self.tilted]).astype(np.float64)

    @property
    def reach(self) -> int:
        """How far the ring reaches, coarse px."""
        return int(np.ceil(self.radius_px / self.factor + 0.5))

    @cached_property
    def to_sum(self) -> Sparse:
        """Matrix (n_binned, n_pixels), csr: sums of fine pixels."""
        from scipy.sparse import csr_array

        rows, columns = np.arange(self.height), np.arange(self.width)
        n_columns = self.binned_shape[1]
        bins = (rows // self.factor)[:, None] * n_columns + (columns // self.factor)[None]
        pixels = np.arange(bins.size)
        shape = (self.binned_shape[0] * n_columns, bins.size)
        return csr_array((np.ones(bins.size, np.float32), (bins.ravel(), pixels)), shape=shape)

    @cached_property
    def to_mean(self) -> Sparse:
        """Matrix (n_binned, n_pixels), csr: means of fine pixels."""
        from scipy.sparse import diags_array

        counts = np.asarray(self.to_sum.sum(axis=1)).ravel()
        return (diags_array((1 / counts).astype(np.float32)) @ self.to_sum).tocsr()


def ring_offsets(radius: float) -> IntArray:
    """Return pixels of a ring about one pixel wide, evenly around it, (n, 2): down, right."""
    reach = int(np.ceil(radius + 0.5))
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(down, right)
    chosen = (distance >= radius - 0.5) & (distance < radius + 0.5)
    offsets: IntArray = np.stack([down[chosen], right[chosen]], axis=1).astype(np.int64)
    around = np.lexsort((distance[chosen], np.arctan2(down[chosen], right[chosen])))
    step = -(-len(offsets) // MOST_NEIGHBOURS)
    return offsets[around[::step]]


def fit_ring(
    frames: Frames,
    footprints: Footprints,
    traces: Float32,
    *,
    region: BoolArray,
    radius_px: float,
    factor: int,
    n_components: int = 0,
) -> Ring:
    """Fit the weights to frames spread over the movie, the cells' light taken off.

    Parameters
    ----------
    frames
        The movie.
    footprints, traces
        What is known of the cells; traces are (n_cells, n_frames), grey levels.
    region
        (height, width) pixels that take part.
    radius_px, factor
        Radius of the ring, fine px, and width of a coarse pixel.
    n_components
        Low-rank components of what the ring leaves.
    """
    from scipy.sparse import csr_array

    from miniscope_nwb.extract import ring_kernels as kernels

    height, width = region.shape
    usable = _binned_region(region, factor)
    n_rows, n_columns = usable.shape
    offsets = ring_offsets(radius_px / factor)
    neighbours = np.full((usable.size, len(offsets)), -1, np.int32)
    weights = np.zeros((usable.size, len(offsets)), np.float32)
    kernels.find_neighbours(usable, offsets, neighbours)
    sample = _Sample(frames, footprints, traces, factor, n_columns)
    for band in _bands(n_rows, n_columns, sample.n_frames):
        _fit_band(sample, band, neighbours, weights, reach=int(np.abs(offsets).max()))
    valid = neighbours >= 0
    starts = np.concatenate([[0], np.cumsum(valid.sum(axis=1))])
    shape = (usable.size, usable.size)
    matrix = csr_array((weights[valid], neighbours[valid], starts), shape=shape)
    images = np.zeros((0, usable.size), np.float32)
    if n_components:  # of all pixels together
        images = _components(sample.read(0, n_rows), matrix, n_components)
    return Ring(height, width, factor, radius_px, matrix, images)


@dataclass(frozen=True)
class _Sample:
    """Binned frames spread over the movie, the cells' light taken off."""

    frames: Frames
    footprints: Footprints
    traces: Float32
    factor: int
    n_columns: int

    @cached_property
    def numbers(self) -> IntArray:
        """Which frames."""
        return spread_frames(~self.frames.is_left_out, N_FRAMES)

    @property
    def n_frames(self) -> int:
        """How many frames."""
        return len(self.numbers)

    def read(self, first: int, stop: int) -> Float32:
        """Return the rows [first, stop) of the coarse grid, (n_pixels, n_frames), centred."""
        data = np.empty(((stop - first) * self.n_columns, self.n_frames), np.float32)

        def fill(block: FrameBlock) -> None:
            subtract_cells(block, self.footprints, self.traces[:, block.numbers])
            coarse = bin_frames(block, self.factor)[:, first:stop]
            place = np.searchsorted(self.numbers, block.numbers[0])
            data[:, place : place + len(coarse)] = coarse.reshape(len(coarse), -1).T

        def centre(row: int) -> None:
            some = data[row : row + _ROWS_AT_ONCE]
            some -= some.mean(axis=1, keepdims=True)

        n_threads = self.frames.n_threads
        exhaust(self.frames.sample(self.numbers, fill))
        exhaust(map_in_order(centre, range(0, len(data), _ROWS_AT_ONCE), n_threads=n_threads))
        return data


def _bands(n_rows: int, n_columns: int, n_frames: int) -> list[tuple[int, int]]:
    """Cut the coarse grid into bands of rows whose sample fits into `BAND_BYTES`."""
    n_bands = min(n_rows, -(-4 * n_rows * n_columns * n_frames // BAND_BYTES))
    edges = np.linspace(0, n_rows, n_bands + 1).round().astype(int).tolist()
    return list(pairwise(edges))


def _fit_band(
    sample: _Sample, band: tuple[int, int], neighbours: Any, weights: Float32, *, reach: int
) -> None:
    """Fit the pixels of some rows; their rings reach beyond these."""
    from miniscope_nwb.extract import ring_kernels as kernels

    columns = sample.n_columns
    first = max(0, band[0] - reach)
    stop = min(len(weights) // columns, band[1] + reach)
    data = sample.read(first, stop)
    inside = slice(first * columns, stop * columns)
    around = np.where(neighbours[inside] >= 0, neighbours[inside] - first * columns, -1)
    _in_parts(
        partial(kernels.fit, data, around.astype(np.int32)),
        (band[0] - first) * columns,
        (band[1] - first) * columns,
        weights[inside],
        n_threads=sample.frames.n_threads,
    )


def _components(data: Float32, weights: Sparse, n_components: int) -> Float32:
    """Return the images that explain most of what the ring leaves, (n_components, n_binned)."""
    rest = data - weights @ data
    _, vectors = np.linalg.eigh(rest.T.astype(np.float64) @ rest)
    images = (rest @ vectors[:, ::-1][:, :n_components]).T
    images /= np.maximum(np.linalg.norm(images, axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray(images, np.float32)


def _in_parts(fit: Any, first: int, stop: int, weights: Float32, *, n_threads: int) -> None:
    """Fit rows of pixels in threads; each pixel's weights are its own."""
    edges = np.linspace(first, stop, 65).astype(np.int64).tolist()
    exhaust(
        map_in_order(
            lambda part: fit(part[0], part[1], RIDGE, weights), pairwise(edges), n_threads=n_threads
        )
    )


def _binned_region(region: BoolArray, factor: int) -> BoolArray:
    """Return the coarse pixels that hold any pixel of the region."""
    height, width = region.shape
    rows, columns = -(-height // factor), -(-width // factor)
    padded = np.zeros((rows * factor, columns * factor), np.bool_)
    padded[:height, :width] = region
    return np.asarray(padded.reshape(rows, factor, columns, factor).any(axis=(1, 3)), np.bool_)


def subtract_cells(block: FrameBlock, footprints: Footprints, traces: Float32) -> None:
    """Take the cells' light off a block of frames, in place; traces (n_cells, n) of the block."""
    from miniscope_nwb.extract import project_kernels as kernels

    if len(footprints):
        amounts = np.ascontiguousarray(traces.T, np.float32)
        kernels.take_off(block.pixels, block.seen, *footprints.boxes.arrays(), footprints.values,
                         amounts)  # fmt: skip
