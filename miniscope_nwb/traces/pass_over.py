"""What is read from each block of the movie: background, halves, and recorded intensity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.movie import Movie
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import ExtractionResult, Float32
from miniscope_nwb.traces.background import SEEN_LEAST, make_background
from miniscope_nwb.traces.footprints import Columns, halves


@dataclass(frozen=True, slots=True)
class Block:
    """Traces of the frames of a block, (n_cells, n) float32; NaN where not measured."""

    neuropil: Float32
    halves: Float32  # (2, n_cells, n)
    intensity: Float32  # footprint-weighted, recorded


class MoviePass:
    """The work on a block; may be called from several threads."""

    def __init__(
        self,
        movie: Movie,
        recorded: Movie,
        extraction: ExtractionResult,
        is_left_out: BoolArray,
    ) -> None:
        self._movie, self._recorded = movie, recorded
        self._calcium = extraction.denoised
        self._is_left_out = is_left_out
        self._footprints = Columns.of(extraction.footprints)
        parts = halves(extraction.footprints, extraction.width)
        self._parts = [Columns.of(part) for part in parts]
        self._sums = np.stack([part.sums(part.weights) for part in self._parts])
        self._energy = np.stack([part.sums(part.weights**2.0) for part in self._parts])
        self._background = make_background(extraction, parts)
        shape = (extraction.height, extraction.width)
        self._centre = np.zeros(shape, np.float32)
        if self._background is not None:
            self._centre = self._background.centre
        # Of the part of the background that does not change, the mean on each footprint.
        flat = np.nan_to_num(self._centre.ravel()).astype(np.float64)
        self._constant = (parts[0] + parts[1]).T @ flat / self._sums.sum(axis=0)

    def block(self, start: int, stop: int) -> Block:
        """Read the frames [start, stop) and make their traces."""
        from miniscope_nwb.traces.footprint_kernels import take_off

        frames = np.ascontiguousarray(self._movie.read(start, stop), np.float32)
        calcium = np.nan_to_num(np.asarray(self._calcium[:, start:stop], np.float32))
        intensity = self._intensity(frames, start, stop)
        pixels = frames.reshape(len(frames), -1)
        take_off(pixels, self._centre.ravel(), *self._footprints.arrays, calcium)
        light = None if self._background is None else self._background.above(frames, start)
        found = self._halves(pixels, calcium, light)
        neuropil = np.full(calcium.shape, np.nan, np.float32)
        if light is not None:
            neuropil[:] = light.sum(axis=0) / self._sums.sum(axis=0)[:, np.newaxis]
            neuropil += self._constant[:, np.newaxis].astype(np.float32)
        gone = self._is_left_out[start:stop]
        for traces in (neuropil, found, intensity):
            traces[..., gone] = np.nan
        return Block(neuropil, found, intensity)

    def _intensity(self, frames: Float32, start: int, stop: int) -> Float32:
        """Return the weighted mean of the recorded intensity, (n_cells, n)."""
        from miniscope_nwb.traces.footprint_kernels import weighted_mean

        if self._recorded is not self._movie:
            frames = np.ascontiguousarray(self._recorded.read(start, stop), np.float32)
        out = np.empty((len(self._calcium), len(frames)), np.float32)
        pixels, sums = frames.reshape(len(frames), -1), self._sums.sum(axis=0)
        weighted_mean(pixels, *self._footprints.arrays, sums, SEEN_LEAST, out)
        return out

    def _halves(self, left: Float32, calcium: Float32, light: FloatArray | None) -> Float32:
        """Return the demixed traces on both halves, (2, n_cells, n).

        Least squares with the half's pixels alone, in what all cells have left of the frames; the
        cell's own calcium, which knows both halves, is put back and so plays no part. Where pixels
        were not seen, the changing background on the rest is in proportion to its weights.
        """
        from miniscope_nwb.traces.footprint_kernels import project

        out = np.full((2, *calcium.shape), np.nan, np.float32)
        for number, part in enumerate(self._parts):
            whole, full = self._sums[number], self._energy[number]
            sums = np.empty((3, *calcium.shape))
            project(left, *part.arrays, whole, full, sums)
            above, seen, energy = sums
            whole, full = whole[:, np.newaxis], full[:, np.newaxis]
            if light is not None:
                share = np.divide(seen, whole, out=np.zeros_like(seen), where=whole > 0)
                above = above - share * light[number]
            is_known = (energy > 0) & (energy >= SEEN_LEAST * full)
            np.divide(above, energy, out=out[number], where=is_known)
            out[number] += calcium
        return out
