"""Jobs for engines, made of simulated movies with known truth: what a contract suite hands in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.engines.base import ExtractInput, MotionInput, Resources, Scale
from miniscope_nwb.movie import ArrayMovie, FrameClock, Movie, regular_clock
from miniscope_nwb.params.models import ExtractParams, MotionParams
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import MotionResult, Prepared, SummaryImages
from miniscope_nwb.testing.score import Truth, simulated_truth

CELL_DIAMETER_PX = 7.4  # of the simulator's somata: 12 um at 1.64 um a pixel


@dataclass(frozen=True, slots=True)
class SimulatedMovie:
    """A movie, and what is true of it."""

    frames: npt.NDArray[np.uint8]  # (n_frames, height, width)
    clock: FrameClock
    rigid_px: npt.NDArray[np.float64]  # (n_frames, 2) displacement of the tissue, x then y
    truth: Truth

    @property
    def movie(self) -> Movie:
        """The frames as stages see them."""
        return ArrayMovie(self.frames, self.clock)


def simulated_movie(**choices: Any) -> SimulatedMovie:
    """Simulate a movie in memory.

    Parameters
    ----------
    choices
        Of `SimulateOptions`: level, width, height, frames, seed, cells, motion, noise, rate.
    """
    from concurrent.futures import ThreadPoolExecutor

    from miniscope_nwb.simulate.field import Field
    from miniscope_nwb.simulate.options import SimulateOptions, resolve

    options = resolve(SimulateOptions(**choices), format="v4")
    field = Field(options, device=0)
    frames: list[npt.NDArray[np.uint8]] = []
    rigid: list[npt.NDArray[np.float64]] = []
    with ThreadPoolExecutor(options.threads) as workers:
        for block in field.stream(np.arange(options.frames), workers):
            frames.extend(block.frames)
            rigid.append(np.asarray(block.rigid, np.float64))
    return SimulatedMovie(
        np.stack(frames),
        regular_clock(options.frames, rate_hz=options.rate),
        np.concatenate(rigid),
        simulated_truth(options),
    )


def plain_preparation(movie: Movie, is_left_out: BoolArray | None = None) -> Prepared:
    """Return the record of a preprocessing that changed nothing."""
    left_out = np.zeros(movie.n_frames, np.bool_) if is_left_out is None else is_left_out
    return Prepared(
        crop=(0, 0, movie.width, movie.height),
        spatial_factor=1,
        temporal_factor=1,
        is_left_out=left_out,
        reason_left_out=tuple("black" if bad else "" for bad in left_out.tolist()),
        defective_pixels=np.empty((0, 2), np.int64),
        glow=None,
        vignette=None,
        trend=None,
        normalise="none",
        baseline=None,
        brightness=np.full(movie.n_frames, 100, np.float32),
        brightness_steps=np.empty(0, np.int64),
        cell_diameter_px=CELL_DIAMETER_PX,
    )


def motion_job(movie: Movie, is_left_out: BoolArray | None = None, **changes: Any) -> MotionInput:
    """Return a job of motion correction; `changes` are parameters of the stage, or ``extra``."""
    extra = changes.pop("extra", {})
    return MotionInput(
        movie=movie,
        params=MotionParams(**changes),
        prepared=plain_preparation(movie, is_left_out),
        scale=Scale(pixel_size_um=1.64, rate_hz=movie.clock.rate_hz, indicator="GCaMP6f"),
        extra=extra,
    )


def extract_job(
    movie: Movie, is_left_out: BoolArray | None = None, *, seeds: Any = None, **changes: Any
) -> ExtractInput:
    """Return a job of extraction on a movie that does not move."""
    extra = changes.pop("extra", {})
    prepared = plain_preparation(movie, is_left_out)
    sample = movie.read(0, min(200, movie.n_frames)).astype(np.float32)
    mean: Any = sample.mean(axis=0)
    still = MotionResult(
        template=mean,
        shifts_px=np.zeros((movie.n_frames, 2), np.float32),
        blocks=None,
        block_shifts_px=None,
        is_registered=np.ones(movie.n_frames, np.bool_),
        block_residual_px=0.0,
    )
    images = SummaryImages(
        template=mean,
        mean=mean,
        max=sample.max(axis=0),
        std=sample.std(axis=0),
        variance=sample.var(axis=0),
        correlation=np.ones_like(mean),
        pnr=np.full_like(mean, 20),
        region=np.ones(mean.shape, np.bool_),
        cell_diameter_px=CELL_DIAMETER_PX,
    )
    return ExtractInput(
        movie=movie,
        params=ExtractParams(**changes),
        prepared=prepared,
        motion=still,
        images=images,
        is_left_out=prepared.is_left_out,
        scale=Scale(pixel_size_um=1.64, rate_hz=movie.clock.rate_hz, indicator="GCaMP6f"),
        seeds=seeds,
        extra=extra,
    )


def resources(folder: Path, **changes: Any) -> Resources:
    """Return resources with an empty scratch folder of its own below `folder`."""
    number = len(list(folder.iterdir())) if folder.exists() else 0
    scratch = folder / f"scratch_{number}"
    scratch.mkdir(parents=True)
    return Resources(scratch=scratch, **changes)
