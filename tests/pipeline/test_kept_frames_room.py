"""How much scratch unpacked frames may take."""

from __future__ import annotations

import pytest

from miniscope_nwb.pipeline.costs import kept_bytes

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
