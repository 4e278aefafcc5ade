"""Motion and its quality hold the sample frames as they are stored, and little besides."""

from __future__ import annotations

import tracemalloc

import numpy as np
from simulated_motion import DIAMETER_PX, estimate, estimated, prepared, resources, simulated

from miniscope_nwb.correct.quality import motion_quality
from miniscope_nwb.correct.small_movie import BATCH_BYTES, batches
from miniscope_nwb.movie import ArrayMovie

WORKING_BYTES = 24e6  # two batches with their copies, and the groups of the template


def peak_of(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_held_beside_the_movie_is_small():
    frames, motion = simulated("moderate").frames, estimated("moderate")  # warm: nothing compiles
    sample = frames.nbytes  # all frames are sample frames here
    assert 4 * sample > WORKING_BYTES + sample  # a float32 copy of the sample would be noticed
    assert peak_of(lambda: estimate(frames, n_threads=2)) < WORKING_BYTES + sample

    def judge():
        motion_quality(ArrayMovie(frames), motion, prepared(frames), resources(2), DIAMETER_PX)

    assert peak_of(judge) < WORKING_BYTES


def test_batches_are_small_and_whole_chunks():
    for height, width in ((60, 80), (200, 280), (600, 608)):
        movie = ArrayMovie(np.broadcast_to(np.uint8(0), (95, height, width)))
        spans = batches(movie)
        lengths = [stop - start for start, stop in spans]
        assert sum(lengths) == 95
        assert all(length % 10 == 0 for length in lengths[:-1])
        assert lengths[0] == 10 or lengths[0] * 4 * height * width <= BATCH_BYTES
