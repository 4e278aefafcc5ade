"""The traces stage: every trace that is written, from one pass over the corrected movie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.engines.base import Resources, map_array
from miniscope_nwb.movie import FrameClock, Movie, map_in_order
from miniscope_nwb.params.models import TracesParams
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import ExtractionResult, Float32, Traces
from miniscope_nwb.traces import f0
from miniscope_nwb.traces.footprints import Columns
from miniscope_nwb.traces.pass_over import Block, MoviePass

_MAP_BYTES = 8_000_000  # of one array that is in memory at a time when cells are worked through


@dataclass(frozen=True, slots=True)
class _Maps:
    """Memory maps that the stage fills, (n_cells, n_frames) float32."""

    fluorescence: Float32
    noise_normalized: Float32
    neuropil: Float32
    dff: Float32
    f0: Float32
    halves: Float32  # (2, n_cells, n_frames)


def make_traces(
    movie: Movie,
    recorded: Movie,
    *,
    extraction: ExtractionResult,
    is_left_out: BoolArray,
    params: TracesParams,
    resources: Resources,
) -> Traces:
    """Make the traces as they are written.

    Parameters
    ----------
    movie
        Prepared and corrected, as the extraction saw it.
    recorded
        The same frames and pixels in recorded intensities: nothing detrended, no glow taken off.
        The same object where nothing was changed, which saves reading it.
    extraction
        Footprints, traces and background.
    is_left_out
        (n_frames,): frames whose measured traces are NaN; `denoised` and `deconvolved` are the
        extraction's own, which follow the model there.
    params
        How F0 is made.
    resources
        Maps go into its scratch folder.

    Returns
    -------
    traces
        `neuropil` is NaN where the engine gave no background, dF/F where F0 is not above 0.
    """
    maps = _make_maps(extraction.raw.shape, resources)
    if extraction.n_cells:
        _read_movie(movie, recorded, extraction, is_left_out, maps, resources)
        _finish(extraction, movie.clock, is_left_out, params, maps)
    return Traces(
        fluorescence=maps.fluorescence,
        denoised=extraction.denoised,
        deconvolved=extraction.deconvolved,
        noise_normalized=maps.noise_normalized,
        neuropil=maps.neuropil,
        dff=maps.dff,
        f0=maps.f0,
        halves=maps.halves,
        f0_text=f0.describe(params.f0_percentile, params.f0_window_s),
    )


def _make_maps(shape: tuple[int, ...], resources: Resources) -> _Maps:
    """Make the maps; where there is no cell, empty arrays (a file of nothing cannot be mapped)."""

    def make(name: str, size: tuple[int, ...]) -> Float32:
        if 0 in size:
            return np.zeros(size, np.float32)
        return map_array(resources.scratch / f"{name}.npy", size)

    return _Maps(
        fluorescence=make("fluorescence", shape),
        noise_normalized=make("noise_normalized", shape),
        neuropil=make("neuropil", shape),
        dff=make("dff", shape),
        f0=make("f0", shape),
        halves=make("halves", (2, *shape)),
    )


def _read_movie(
    movie: Movie,
    recorded: Movie,
    extraction: ExtractionResult,
    is_left_out: BoolArray,
    maps: _Maps,
    resources: Resources,
) -> None:
    """Fill neuropil, halves and, in the place of F0, the weighted recorded intensity."""
    work = MoviePass(movie, recorded, extraction, is_left_out)
    blocks = movie.blocks()

    def one(bounds: tuple[int, int]) -> Block:
        return work.block(*bounds)

    done = map_in_order(one, blocks, n_threads=resources.n_threads)
    for number, ((start, stop), block) in enumerate(zip(blocks, done, strict=True)):
        maps.neuropil[:, start:stop] = block.neuropil
        maps.halves[:, :, start:stop] = block.halves
        maps.f0[:, start:stop] = block.intensity
        resources.progress(number + 1, len(blocks))


def _finish(
    extraction: ExtractionResult,
    clock: FrameClock,
    is_left_out: BoolArray,
    params: TracesParams,
    maps: _Maps,
) -> None:
    """Make what follows from whole traces, some cells at a time."""
    share = own_share(extraction)
    n_cells, n_frames = extraction.raw.shape
    length = max(1, _MAP_BYTES // (4 * n_frames))
    for start in range(0, n_cells, length):
        cells = slice(start, min(start + length, n_cells))
        raw = np.array(extraction.raw[cells], np.float32)
        raw[:, is_left_out] = np.nan
        above = raw - extraction.baseline[cells, np.newaxis]
        noise = extraction.noise[cells, np.newaxis].astype(np.float32)
        level = f0.running_percentile(
            maps.f0[cells], clock, percentile=params.f0_percentile, window_s=params.f0_window_s
        )
        level[~(level > 0)] = np.nan
        maps.fluorescence[cells] = raw
        maps.noise_normalized[cells] = above / np.where(noise > 0, noise, np.nan)
        maps.f0[cells] = level
        maps.dff[cells] = above * share[cells, np.newaxis].astype(np.float32) / level


def own_share(extraction: ExtractionResult) -> FloatArray:
    """Return what a cell's trace adds to the footprint-weighted mean intensity, (n_cells,).

    A trace is in grey levels at the peak of the footprint a (maximum 1); the weighted mean over
    the footprint rises by ``sum(a^2) / sum(a)`` of it.
    """
    footprints = Columns.of(extraction.footprints)
    squares = footprints.sums(footprints.weights.astype(np.float64) ** 2)
    share: FloatArray = squares / footprints.sums(footprints.weights)
    return share
