"""How much scratch unpacked frames may take."""

from __future__ import annotations

import pytest

from miniscope_nwb.pipeline.costs import kept_bytes, kept_in_memory_bytes

GB = 10**9


@pytest.mark.parametrize(
    ("needed", "free_disk", "free_memory", "most"),
    [
        (0.1, 100, 100, 8.5),  # all scratch stays below the raw size
        (4.0, 100, 100, 4.0),
        (9.0, 100, 100, 0.0),
        (0.1, 2, 100, 1.0),
        (0.1, -1, 100, 0.0),  # none where the disk is short
        (0.1, 100, 8, 4.0),
    ],
)
def test_room_is_bounded_by_the_movie_the_disk_and_the_memory(needed, free_disk, free_memory, most):
    room = kept_bytes(
        10 * GB,
        needed=int(needed * GB),
        free_disk=int(free_disk * GB),
        free_memory=int(free_memory * GB),
    )
    assert room == pytest.approx(most * GB)


@pytest.mark.parametrize(
    ("raw_mb", "kept_mb", "spare_mb", "in_memory_mb"),
    [
        (360, 250, 4000, 110),
        (360, 250, 109, 0),  # no memory to spare
        (2000, 1700, 4000, 0),  # too much for memory: most of it is unpacked again anyway
        (360, 360, -5, 0),
    ],
)
def test_memory_takes_what_is_left_of_a_short_movie(raw_mb, kept_mb, spare_mb, in_memory_mb):
    room = kept_in_memory_bytes(raw_mb * 10**6, kept=kept_mb * 10**6, spare_memory=spare_mb * 10**6)
    assert room == in_memory_mb * 10**6
