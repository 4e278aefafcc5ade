"""Traces from projections: cells that overlap are demixed, each trace is deconvolved.

Block coordinate descent on ``H C = P``: the raw trace of a cell is what the others leave of its
projection, its denoised trace the deconvolution of that. Cells that do not touch are updated
together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.deconvolve import (
    Fits,
    deconvolve_many,
    estimate_kernels,
    estimate_noises,
    update_many,
)
from miniscope_nwb.movie import FrameClock
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray

_COUPLED = 0.02  # of the diagonal: cells less coupled than this are updated together
_MOST_TOGETHER = 64  # cells at a time
_TOGETHER_BYTES = 4_000_000  # of their traces, of which there are five copies meanwhile


@dataclass(frozen=True, slots=True)
class TraceMaps:
    """Memory maps (n_cells, n_frames), float32, and what deconvolution found."""

    raw: npt.NDArray[np.float32]  # NaN where not measured
    denoised: npt.NDArray[np.float32]
    deconvolved: npt.NDArray[np.float32]
    noise: FloatArray  # (n_cells,)
    fits: Fits

    def chosen(self, kept: IntArray) -> TraceMaps:
        """Return some of the traces (ascending), moved to the front of the maps."""
        return TraceMaps(
            compact(self.raw, kept),
            compact(self.denoised, kept),
            compact(self.deconvolved, kept),
            self.noise[kept],
            Fits(self.fits.baseline[kept], self.fits.penalty[kept], self.fits.noise[kept]),
        )


@dataclass(frozen=True, slots=True)
class TraceRules:
    """How traces are deconvolved."""

    clock: FrameClock
    is_left_out: BoolArray
    kernel: FloatArray  # (order,)
    deconvolve: bool
    n_threads: int


def update_traces(
    projections: npt.NDArray[np.float32],
    matrix: FloatArray,
    *,
    maps: tuple[npt.NDArray[np.float32], ...],
    rules: TraceRules,
    n_sweeps: int,
) -> TraceMaps:
    """Solve for all traces.

    Parameters
    ----------
    projections
        (n_cells, n_frames), NaN where not measured.
    matrix
        (n_cells, n_cells), see `project.Projector`.
    maps
        Where raw, denoised and deconvolved traces go; the denoised ones are where it starts.
    rules
        How traces are deconvolved.
    n_sweeps
        Rounds over all cells.
    """
    from scipy.sparse import csr_array

    raw, denoised, deconvolved = maps
    n_cells = len(projections)
    scale = np.diag(matrix)
    others = csr_array((matrix - np.diag(scale)).astype(np.float32))
    most = int(np.clip(_TOGETHER_BYTES // (4 * projections.shape[1]), 1, _MOST_TOGETHER))
    groups = independent_groups(matrix, most=most)
    noise = np.ones(n_cells)
    found = np.full((3, n_cells), np.nan)
    for sweep in range(n_sweeps):
        for group in groups:
            left = projections[group] - others[group] @ np.asarray(denoised)
            raw[group] = left / scale[group, None].astype(np.float32)
            if sweep in {0, n_sweeps - 1}:
                noise[group] = estimate_noises(
                    raw[group], rules.clock, rules.is_left_out, n_threads=rules.n_threads
                )
            start = Fits(*found[:, group]) if sweep else None
            fits = _deconvolve(raw, group, noise[group], start, maps, rules)
            found[:, group] = np.stack([fits.baseline, fits.penalty, fits.noise])
    return TraceMaps(raw, denoised, deconvolved, noise, Fits(*found))


def finish_traces(
    maps: TraceMaps, rules: TraceRules, *, decay_s: float, order: int, s_min: float
) -> tuple[TraceMaps, FloatArray, str]:
    """Deconvolve the raw traces for good, each with a kernel of its own.

    Returns
    -------
    maps
        The same arrays, written anew.
    kernels
        (n_cells, order).
    warning
        One sentence where the traces decay unlike the indicator, or empty.
    """
    kernels = estimate_kernels(
        maps.raw,
        clock=rules.clock,
        noise=maps.noise,
        is_missing=rules.is_left_out,
        decay_s=decay_s,
        order=order,
        n_threads=rules.n_threads,
    )
    if not rules.deconvolve:
        return maps, kernels.coefficients, kernels.warning
    fits = deconvolve_many(
        maps.raw,
        kernel=kernels.coefficients,
        clock=rules.clock,
        out_denoised=maps.denoised,
        out_deconvolved=maps.deconvolved,
        is_missing=rules.is_left_out,
        noise=maps.noise,
        s_min=s_min,
        n_threads=rules.n_threads,
    )
    done = TraceMaps(maps.raw, maps.denoised, maps.deconvolved, maps.noise, fits)
    return done, kernels.coefficients, kernels.warning


def _deconvolve(
    raw: npt.NDArray[np.float32],
    group: IntArray,
    noise: FloatArray,
    start: Fits | None,
    maps: tuple[npt.NDArray[np.float32], ...],
    rules: TraceRules,
) -> Fits:
    """Deconvolve some traces into the maps; without deconvolution, keep what is not negative."""
    part = np.ascontiguousarray(raw[group])
    calcium, events = np.zeros_like(part), np.zeros_like(part)
    fits = update_many(
        part,
        kernel=np.tile(rules.kernel, (len(group), 1)),
        noise=noise,
        clock=rules.clock,
        out_denoised=calcium,
        out_deconvolved=events,
        start=start,
        is_missing=rules.is_left_out,
        n_threads=rules.n_threads,
    )
    if not rules.deconvolve:
        above = part - fits.baseline[:, None].astype(np.float32)
        calcium = np.where(np.isfinite(above), np.maximum(above, 0), 0)
    maps[1][group], maps[2][group] = calcium, events
    return fits


def independent_groups(matrix: FloatArray, *, most: int = _MOST_TOGETHER) -> list[IntArray]:
    """Divide cells into groups of at most `most`, none coupled with another, in a fixed order."""
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-12))
    coupled = np.abs(matrix) > _COUPLED * scale[:, None] * scale[None]
    coupled |= coupled.T
    colours = np.full(len(matrix), -1, np.int64)
    for cell in range(len(matrix)):
        taken = set(colours[coupled[cell]].tolist())
        colours[cell] = next(c for c in range(len(matrix) + 1) if c not in taken)
    groups = []
    for colour in range(int(colours.max(initial=-1)) + 1):
        members = np.flatnonzero(colours == colour)
        groups += [members[i : i + most] for i in range(0, len(members), most)]
    return groups


def compact(rows: npt.NDArray[np.float32], kept: IntArray) -> npt.NDArray[np.float32]:
    """Move the rows that are kept (ascending) to the front, in place; return these."""
    for to, row in enumerate(kept.tolist()):
        if to != row:
            rows[to] = rows[row]
    return rows[: len(kept)]
