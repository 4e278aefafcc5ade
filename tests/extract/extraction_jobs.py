"""Small jobs with a known answer, for the tests of extraction."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from miniscope_nwb.engines.base import ExtractInput, Resources, Scale
from miniscope_nwb.extract.cnmfe import extract
from miniscope_nwb.movie import ArrayMovie, Movie
from miniscope_nwb.params.models import ExtractParams
from miniscope_nwb.results import MotionResult, Prepared, SummaryImages
from miniscope_nwb.simulate.field import Field
from miniscope_nwb.simulate.options import PIXEL_SIZE_UM, SimulateOptions, resolve
from miniscope_nwb.testing.score import simulated_truth

DIAMETER_PX = 12.0 / PIXEL_SIZE_UM


@lru_cache(maxsize=8)
def recording(level, *, width=160, height=120, frames=600, seed=0, cells=None):
    """Frames without motion, (n, height, width) uint8, and their truth."""
    options = resolve(
        SimulateOptions(
            level=level, width=width, height=height, frames=frames, seed=seed, motion=0, cells=cells
        ),
        format="v4",
    )
    movie = np.empty((frames, height, width), np.uint8)
    with ThreadPoolExecutor(2) as workers:
        blocks = Field(options, device=0).stream(np.arange(frames), workers)
        drawn = (frame for block in blocks for frame in block.frames)
        for number, frame in enumerate(drawn):
            movie[number] = frame
    return movie, simulated_truth(options)


def job_of(movie, *, params=None, seeds=None, left_out=None, region=None):
    movie = movie if isinstance(movie, Movie) else ArrayMovie(movie)
    n, height, width = movie.n_frames, movie.height, movie.width
    left_out = np.zeros(n, bool) if left_out is None else left_out
    prepared = Prepared(
        crop=(0, 0, width, height),
        spatial_factor=1,
        temporal_factor=1,
        is_left_out=left_out,
        reason_left_out=("",) * n,
        defective_pixels=np.zeros((0, 2), np.int64),
        glow=None,
        vignette=None,
        trend=None,
        normalise="none",
        baseline=None,
        brightness=np.zeros(n, np.float32),
        brightness_steps=np.zeros(0, np.int64),
        cell_diameter_px=DIAMETER_PX,
    )
    image = np.zeros((height, width), np.float32)
    motion = MotionResult(image, np.zeros((n, 2), np.float32), None, None, ~left_out, 0.0)
    region = np.ones((height, width), bool) if region is None else region
    images = SummaryImages(*(image,) * 7, region, DIAMETER_PX)
    scale = Scale(PIXEL_SIZE_UM, movie.clock.rate_hz, "GCaMP6f")
    params = params or ExtractParams()
    return ExtractInput(movie, params, prepared, motion, images, left_out, scale, seeds)


def run(movie, folder, *, threads=1, **options):
    folder.mkdir()
    return extract(job_of(movie, **options), Resources(folder, n_threads=threads))
