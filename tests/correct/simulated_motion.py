"""Simulated movies in memory with the true correction of every frame and block."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from miniscope_nwb.correct.stage import estimate_motion
from miniscope_nwb.engines.base import MotionInput, Resources, Scale
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.params.models import MotionParams
from miniscope_nwb.results import MotionBlocks, MotionResult, Prepared
from miniscope_nwb.simulate.field import Field
from miniscope_nwb.simulate.options import PIXEL_SIZE_UM, SimulateOptions, resolve

_SCRATCH = tempfile.mkdtemp()  # of results that are shared by tests
atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)

DIAMETER_PX = 7.3  # of the simulator's somata


@dataclass(frozen=True)
class Simulated:
    frames: np.ndarray
    rigid_px: np.ndarray  # (n_frames, 2) true correction
    bend_px: np.ndarray  # (n_frames, n_blocks, 2) besides, at the simulator's own blocks
    grid: tuple[int, int]
    template: np.ndarray  # without motion, activity and noise

    def at(self, blocks: MotionBlocks) -> np.ndarray:
        """The true whole correction at the middles of blocks."""
        n, height, width = self.frames.shape
        y = ((blocks.y_start + blocks.y_stop - 1) / 2).round().astype(int)
        x = ((blocks.x_start + blocks.x_stop - 1) / 2).round().astype(int)
        truth = np.empty((n, len(x), 2))
        for number in range(n):
            nodes = self.bend_px[number].reshape(*self.grid, 2).astype(np.float32)
            field = cv2.resize(nodes, (width, height), interpolation=cv2.INTER_CUBIC)
            truth[number] = field[y, x] + self.rigid_px[number]
        return truth


@cache
def simulated(level, width=200, height=160, frames=300, seed=0, motion=None) -> Simulated:
    options = SimulateOptions(
        level=level, width=width, height=height, frames=frames, seed=seed, motion=motion
    )
    field = Field(resolve(options, format="v4"), device=0)
    with ThreadPoolExecutor(2) as workers:
        blocks = list(field.stream(np.arange(frames), workers))
        drawn = np.stack([frame for block in blocks for frame in block.frames])
    return Simulated(
        drawn,
        -np.concatenate([block.rigid for block in blocks]),
        -np.concatenate([block.bend for block in blocks]),
        (field.blocks.n_down, field.blocks.n_across),
        field.template(),
    )


def prepared(frames, is_left_out=None, diameter=DIAMETER_PX) -> Prepared:
    n, height, width = frames.shape
    left = np.zeros(n, bool) if is_left_out is None else is_left_out
    return Prepared(
        crop=(0, 0, width, height),
        spatial_factor=1,
        temporal_factor=1,
        is_left_out=left,
        reason_left_out=("",) * n,
        defective_pixels=np.zeros((0, 2), int),
        glow=None,
        vignette=None,
        trend=None,
        normalise="none",
        baseline=None,
        brightness=np.ones(n, np.float32),
        brightness_steps=np.zeros(0, int),
        cell_diameter_px=diameter,
    )


def resources(n_threads=1) -> Resources:
    return Resources(Path(tempfile.mkdtemp(dir=_SCRATCH)), n_threads=n_threads)


def estimate(frames, *, is_left_out=None, n_threads=1, clock=None, **params) -> MotionResult:
    job = MotionInput(
        ArrayMovie(frames, clock),
        MotionParams(**params),
        prepared(frames, is_left_out),
        Scale(PIXEL_SIZE_UM, 20.0),
    )
    return estimate_motion(job, resources(n_threads))


@cache
def estimated(level, method="auto", **choices) -> MotionResult:
    """The motion of a simulated movie as it is, estimated once for all tests of a file."""
    return estimate(simulated(level, **choices).frames, method=method)


def rms_error(found, truth) -> float:
    """Length of the error, RMS, a constant removed."""
    error = np.asarray(found, np.float64) - truth
    error = error - error.mean(axis=0)
    return float(np.sqrt((error**2).sum(axis=-1).mean()))
