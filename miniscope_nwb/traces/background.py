"""The background's light on footprints; the background itself is never made.

With the ring model ``B = b0 + W (Y - A C - b0)`` (W acts on binned pixels) the light on a
footprint a is ``a'b0 + (W' S a)' x``: S adds up the pixels of a square, x is the binned movie
without cells and b0. So each footprint gets a wider one, ``W' S a``, on the coarse grid.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import FloatArray
from miniscope_nwb.results import (
    ExtractionResult,
    Float32,
    LowRankBackground,
    RingBackground,
    Sparse,
)
from miniscope_nwb.traces.footprints import Columns

SEEN_LEAST = 0.5  # of the weights: less was seen, the value is not known


class Background(Protocol):
    """What the background adds to sums over footprints."""

    centre: Float32  # (height, width): its part that does not change

    def above(self, frames: Float32, start: int) -> FloatArray:
        """Return the changing part on each set of weights, (n_sets, n_cells, n).

        ``frames`` (n, height, width) are those from `start` on, less `centre` and the cells.
        """
        ...


def make_background(extraction: ExtractionResult, weights: list[Sparse]) -> Background | None:
    """Prepare the background's light on sets of weights, csc (n_pixels, n_cells) each."""
    background = extraction.background
    if isinstance(background, RingBackground):
        return Ring(background, weights)
    if isinstance(background, LowRankBackground):
        return LowRank(background, weights)
    return None


class Ring:
    """The ring model."""

    def __init__(self, ring: RingBackground, weights: list[Sparse]) -> None:
        self._factor = ring.factor
        height, width = ring.b0.shape
        self._shape = (-(-height // ring.factor), -(-width // ring.factor))
        self.centre = ring.b0.astype(np.float32)
        adding = _adding(height, width, ring.factor)
        self._wide = [Columns.of(ring.weights.T.astype(np.float64) @ (adding @ w)) for w in weights]

    def above(self, frames: Float32, start: int) -> FloatArray:
        """Return what the ring adds to b0."""
        from miniscope_nwb.traces import footprint_kernels as kernels

        x = np.empty((len(frames), *self._shape), np.float32)
        kernels.bin_pixels(frames, self._factor, x)
        flat = x.reshape(len(frames), -1)
        out = np.empty((len(self._wide), len(self._wide[0].starts) - 1, len(frames)))
        for wide, into in zip(self._wide, out, strict=True):
            kernels.sums_seen(flat, *wide.arrays, SEEN_LEAST, into)
        return out


class LowRank:
    """Few images and time courses."""

    def __init__(self, background: LowRankBackground, weights: list[Sparse]) -> None:
        n, height, width = background.images.shape
        images = background.images.reshape(n, -1).astype(np.float64)
        self._traces = background.traces
        self._mean = np.array([np.nanmean(row, dtype=np.float64) for row in background.traces])
        self.centre = (self._mean @ images).reshape(height, width).astype(np.float32)
        self._on = [np.asarray(w.T @ images.T) for w in weights]  # (n_cells, n_components)

    def above(self, frames: Float32, start: int) -> FloatArray:
        """Return what exceeds the mean of the time courses."""
        course: npt.NDArray[np.float64] = np.asarray(
            self._traces[:, start : start + len(frames)], np.float64
        )
        return np.stack([on @ (course - self._mean[:, np.newaxis]) for on in self._on])


def _adding(height: int, width: int, factor: int) -> Sparse:
    """Return the matrix (n_binned, n_pixels) that adds up the pixels of each square."""
    from scipy.sparse import csr_array

    columns = -(-width // factor)
    rows = -(-height // factor)
    square = (np.arange(height) // factor)[:, np.newaxis] * columns + np.arange(width) // factor
    entries = (np.ones(height * width), (square.ravel(), np.arange(height * width)))
    return csr_array(entries, shape=(rows * columns, height * width))
