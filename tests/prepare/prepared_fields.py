"""Simulated fields in memory, and what is done to them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from miniscope_nwb.engines.base import Resources, Scale
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.params.models import PreprocessParams
from miniscope_nwb.prepare.stage import prepare
from miniscope_nwb.simulate.field import Field
from miniscope_nwb.simulate.options import SimulateOptions, resolve

HEIGHT, WIDTH = 120, 168
RAW = Scale(1.64, 20.0, "GCaMP6f")


@cache
def _simulated(level, frames, seed, width, height):
    options = SimulateOptions(level=level, width=width, height=height, frames=frames, seed=seed)
    field = Field(resolve(options, format="v4"), device=0)
    with ThreadPoolExecutor(2) as workers:
        blocks = field.stream(np.arange(frames), workers)
        return np.stack([frame for block in blocks for frame in block.frames])


def simulated(level, *, frames=300, seed=0, width=WIDTH, height=HEIGHT):
    """Frames (n, height, width) uint8; a copy that a test may change."""
    return _simulated(level, frames, seed, width, height).copy()


def prepared(movie, tmp_path, *, scale=RAW, said=None, n_threads=2, **choices):
    """Run the stage on a movie or on frames; a given cell size makes it quick."""
    if isinstance(movie, np.ndarray):
        movie = ArrayMovie(movie)
    choices.setdefault("cell_diameter_px", 7.3)
    words = [] if said is None else said
    resources = Resources(tmp_path, n_threads=n_threads, say=words.append)
    return prepare(movie, PreprocessParams(**choices), scale, resources)
