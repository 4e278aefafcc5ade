"""What an extraction knows while it runs, and the steps that change it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from miniscope_nwb.engines.base import ExtractInput, Resources, map_array
from miniscope_nwb.extract import merging
from miniscope_nwb.extract.boxes import Footprints, from_patches, from_sparse, joined, tight
from miniscope_nwb.extract.bright import Level, find_bright, measure_level, measure_pixel_noise
from miniscope_nwb.extract.coarse import CoarseMovie
from miniscope_nwb.extract.frames import (
    FrameBlock,
    Frames,
    MeanSums,
    SeenShare,
    mean_of,
    rough_frames,
)
from miniscope_nwb.extract.plan import MIN_CORR, MIN_PNR, Plan, make_plan, seed_thresholds
from miniscope_nwb.extract.project import make_projector, project_all
from miniscope_nwb.extract.result import make_empty_result, make_result
from miniscope_nwb.extract.ring import Ring, fit_ring, subtract_cells
from miniscope_nwb.extract.seeding import SeedRules, Seeds, find_seeds, what_emptied, write_traces
from miniscope_nwb.extract.spatial import FootprintRules, update_footprints
from miniscope_nwb.extract.statistics import gather
from miniscope_nwb.extract.temporal import (
    TraceMaps,
    TraceRules,
    compact,
    finish_traces,
    update_traces,
)
from miniscope_nwb.extract.weeding import find_weeds
from miniscope_nwb.images.filtering import center_surround_kernel
from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import Derived, ExtractionResult, FloatImage, Sparse

_SWEEPS = 3  # over all cells in an update of traces


@dataclass
class Extraction:
    """Footprints, traces and background as they stand."""

    job: ExtractInput
    resources: Resources
    plan: Plan
    rough: Frames  # a first mean taken off: what seeds are searched in
    pixel_noise: FloatImage
    footprints: Footprints
    traces: npt.NDArray[np.float32]  # denoised, (n_cells, n_frames)
    derived: list[Derived]
    frames: Frames | None = None  # the exact mean taken off, once it is known
    seen: SeenShare | None = None
    maps: TraceMaps | None = None
    projections: npt.NDArray[np.float32] | None = None  # of these footprints, where they are known
    ring: Ring | None = None
    kernels: FloatArray | None = None  # (n_cells, order)
    n_seeds: int = 0
    emptied_by: str = ""
    level: Level | None = None  # of the filtered movie
    thresholds: tuple[float, float] = (MIN_CORR, MIN_PNR)  # of seeds: min_corr, min_pnr
    _rooms: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    @classmethod
    def begin(cls, job: ExtractInput, resources: Resources) -> Extraction:
        """Read the movie's mean and noise; nothing is found yet."""
        plan = make_plan(job)
        rough = rough_frames(job.movie, job.is_left_out, n_threads=resources.n_threads)
        noise = measure_pixel_noise(rough)
        nothing = from_patches([], np.zeros(0), np.zeros(0))
        traces = np.zeros((0, job.movie.n_frames), np.float32)
        return cls(job, resources, plan, rough, noise, nothing, traces, list(plan.derived))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.job.movie.height, self.job.movie.width

    @property
    def n_averaged(self) -> int:
        """Frames of a mean, 1 at the full rate."""
        movie = self.job.movie
        return movie.factor if isinstance(movie, CoarseMovie) else 1

    def _map(self, name: str, n_cells: int) -> npt.NDArray[np.float32]:
        path = self.resources.scratch / f"{name}_{next(self._numbers)}.npy"
        return map_array(path, (n_cells, self.job.movie.n_frames))

    def _room(self, name: str, n_cells: int) -> npt.NDArray[np.float32]:
        """Return a map of so many rows, an old one of this name where it is large enough."""
        if name not in self._rooms or len(self._rooms[name]) < n_cells:
            self._forget(name)
            self._rooms[name] = self._map(name, n_cells)
        return self._rooms[name][:n_cells]

    def _forget(self, name: str) -> None:
        """Give the disk space of a map back (where the system lets a mapped file go)."""
        old = self._rooms.pop(name, None)
        if isinstance(old, np.memmap) and old.filename is not None:
            with suppress(OSError):
                Path(old.filename).unlink()

    def seed(self) -> None:
        """Search for cells, in what the present ones leave."""
        kernel = center_surround_kernel(self.plan.diameter_px)
        region = self.job.images.region

        def subtract(block: FrameBlock) -> None:
            subtract_cells(block, self.footprints, self._explained(block.numbers))

        if self.level is None:
            self.level = measure_level(self.rough, kernel)
            self.thresholds, derived = seed_thresholds(
                self.job, self.rough, kernel, seed=self.resources.seed, n_averaged=self.n_averaged
            )
            self.derived += derived
        means = MeanSums(self.rough) if self.seen is None else None
        bright = find_bright(
            self.rough, kernel, self.level, region=region, scratch=self.resources.scratch,
            subtract=subtract if len(self.footprints) else None, means=means,
        )  # fmt: skip
        if means is not None:
            self._know_mean(means.result())
        min_corr, min_pnr = self.thresholds
        rules = SeedRules(
            min_corr=min_corr,
            min_pnr=min_pnr,
            diameter_px=self.plan.diameter_px,
            min_distance_px=self.plan.min_distance_px,
            max_seeds=self.plan.max_cells - len(self.footprints),
        )
        seeds = find_seeds(
            bright, kernel, rules, n_frames=self.job.movie.n_frames,
            n_threads=self.resources.n_threads,
        )  # fmt: skip
        self.n_seeds += len(seeds)
        if not len(self.footprints) and not len(seeds) and not self.emptied_by:
            self.emptied_by = what_emptied(seeds, rules, self.n_averaged)
        self._add(seeds)

    def _know_mean(self, seen: SeenShare) -> None:
        self.seen = seen
        self.frames = replace(self.rough, mean=seen.mean)

    def _explained(self, numbers: IntArray) -> npt.NDArray[np.float32]:
        """Return what the cells explain of some frames, noise of their traces included.

        So a bright cell whose transients the model misses a little is no second seed.
        """
        if self.maps is None:
            return self.traces[:, numbers]
        baseline = self.maps.fits.baseline.astype(np.float32)
        above = self.maps.raw[:, numbers] - baseline[:, None]
        return np.where(np.isfinite(above), above, self.maps.denoised[:, numbers])

    def _add(self, seeds: Seeds) -> None:
        n = len(self.footprints)
        merged = self._map("denoised", n + len(seeds))
        for k in range(n):
            merged[k] = self.traces[k]
        write_traces(seeds, merged[n:])
        self._forget("denoised")
        self._rooms["denoised"] = merged
        self.footprints, self.traces = joined(self.footprints, tight(seeds.footprints)), merged
        self.maps = self.projections = None

    def take_over(self, coarse: Extraction) -> None:
        """Go on at the full rate with what was found on means of frames; traces are a start."""
        assert isinstance(coarse.job.movie, CoarseMovie)
        self.footprints, self.ring = coarse.footprints, coarse.ring
        self.n_seeds, self.emptied_by = coarse.n_seeds, coarse.emptied_by
        own = {item.parameter for item in self.derived}
        self.derived += [item for item in coarse.derived if item.parameter not in own]
        if coarse.seen is not None:
            self._know_mean(coarse.seen)
        if not len(self.footprints):
            return
        self.traces = self._room("denoised", len(self.footprints))
        for row, found in zip(self.traces, coarse.traces, strict=True):
            row[:] = coarse.job.movie.spread(found)

    def take_given(self, seeds: Sparse) -> None:
        """Start from given masks."""
        self._know_mean(mean_of(self.rough))
        self.footprints = from_sparse(seeds, self.shape[1])
        self.traces = self._room("denoised", len(self.footprints))
        self.n_seeds = len(self.footprints)

    def fit_background(self) -> None:
        """Fit the ring model."""
        assert self.frames is not None
        self.projections = None
        self.ring = fit_ring(
            self.frames,
            self.footprints,
            self.traces,
            region=self.job.images.region,
            radius_px=self.plan.ring_radius_px,
            factor=self.plan.ring_factor,
            n_components=self.job.params.n_background,
        )

    def update_traces(self) -> None:
        """Project the movie on the footprints, unless that is done, and demix the traces."""
        assert self.ring is not None
        assert self.frames is not None
        assert self.seen is not None
        projector = make_projector(self.footprints, self.ring)
        n = len(self.footprints)
        if self.projections is None:
            self.projections = self._room("projections", n)
            project_all(self.frames, projector, self.projections)
        maps = self._room("raw", n), self.traces, self._room("deconvolved", n)
        self.maps = update_traces(
            self.projections, projector.matrix, maps=maps, rules=self._rules(), n_sweeps=_SWEEPS
        )
        self.traces = self.maps.denoised

    def _rules(self) -> TraceRules:
        return TraceRules(
            clock=self.job.movie.clock,
            is_left_out=self.job.is_left_out,
            kernel=self.plan.kernel,
            deconvolve=self.job.params.deconvolve,
            n_threads=self.resources.n_threads,
        )

    def finish(self) -> None:
        """Deconvolve all traces with their own kernels."""
        assert self.maps is not None
        self.maps, self.kernels, warning = finish_traces(
            self.maps,
            self._rules(),
            decay_s=self.plan.decay_s,
            order=self.plan.ar_order,
            s_min=self.job.params.s_min or 0.0,
        )
        if warning:
            self.resources.say(warning)

    def update_footprints(self) -> None:
        """Stream over the movie and update the footprints; drop those that vanish."""
        assert self.ring is not None
        assert self.frames is not None
        assert self.seen is not None
        margin = max(1, round(self.plan.diameter_px / 4))
        statistics = gather(
            self.frames, self.footprints, self.traces, self.ring, margin=margin,
            share=self.seen.share,
        )  # fmt: skip
        rules = FootprintRules(
            region=self.job.images.region,
            pixel_noise=self.pixel_noise,
            diameter_px=self.plan.diameter_px,
            margin=margin,
            keep_all=self.job.seeds is not None,
        )
        footprints, peaks = update_footprints(statistics, self.footprints, rules)
        merging.scale_traces(self.traces, peaks.astype(np.float64))
        kept = np.flatnonzero(peaks > 0)
        self.footprints = tight(footprints.chosen(kept))
        self.traces = compact(self.traces, kept)
        self.maps = self.projections = None

    def merge(self) -> bool:
        """Merge components that are one cell, say whether any was; given masks stay apart."""
        if self.job.seeds is not None:
            return False
        height, width = self.shape
        groups = merging.groups_to_merge(
            self.footprints, self.traces, height=height, width=width,
            threshold=self.job.params.merge_threshold,
        )  # fmt: skip
        if groups:
            footprints, kept, shares = merging.merge(
                self.footprints, self.traces, groups, height=height, width=width
            )
            self.footprints, self.traces = tight(footprints), compact(self.traces, kept)
            self._mix_projections(kept, shares)
            self.maps = None
        return bool(groups)

    def _mix_projections(self, kept: IntArray, shares: list[merging.Shares]) -> None:
        """Mix the projections as the footprints were; they are linear, where all was seen.

        That spares a pass over the movie, where the traces are but a start for the full rate.
        """
        if self.projections is None or self.n_averaged == 1:
            self.projections = None
            return
        for group, share in shares:
            self.projections[group[0]] = share.astype(np.float32) @ self.projections[group]
        self.projections = compact(self.projections, kept)

    def weed(self) -> None:
        """Drop components that are noise; given masks stay."""
        if self.job.seeds is not None or self.maps is None or not len(self.footprints):
            return
        weeds = find_weeds(
            self.footprints, self.maps, height=self.shape[0], width=self.shape[1],
            diameter_px=self.plan.diameter_px, n_averaged=self.n_averaged,
        )  # fmt: skip
        if not weeds.keep.any():
            self.emptied_by = weeds.words()
        self._choose(np.flatnonzero(weeds.keep))

    def _choose(self, kept: IntArray) -> None:
        assert self.maps is not None
        if len(kept) == len(self.footprints):
            return
        self.footprints = self.footprints.chosen(kept)
        self.maps = self.maps.chosen(kept)
        self.traces = self.maps.denoised
        if self.projections is not None:
            self.projections = compact(self.projections, kept)

    def empty_result(self) -> ExtractionResult:
        """Return the result that nothing was found."""
        return make_empty_result(self)

    def result(self) -> ExtractionResult:
        """Return the record of what was found."""
        return make_result(self)
