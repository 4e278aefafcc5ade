"""What the estimation of motion works with, and what it tells that nobody gave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from miniscope_nwb.correct.settings import settle
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.testing.jobs import motion_job

MOVIE = ArrayMovie(np.ones((20, 120, 160), np.uint8))


def told(settings):
    return {item.parameter: item.value for item in settings.derived}


def test_blocks_of_a_binned_movie_are_told_in_pixels_of_the_raw_one():
    job = motion_job(MOVIE, overlap_px=30)
    settings = settle(replace(job, prepared=replace(job.prepared, spatial_factor=2)))
    assert (settings.block_px, settings.overlap_px) == (48, 15)
    assert told(settings)["block_px"] == 96
    assert "overlap_px" not in told(settings)  # it was given


def test_nothing_is_told_of_blocks_where_there_are_none():
    settings = settle(motion_job(MOVIE, method="rigid"))
    assert not {"block_px", "overlap_px"} & set(told(settings))
