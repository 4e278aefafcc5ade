"""What the tests of safe writing share: is a file whole, and is nothing left?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pynwb import NWBHDF5IO

from miniscope_nwb.nwb.axes import movie_from_nwb


def raw_bytes(folder: Path) -> dict[str, bytes]:
    return {p.name + str(p.parent): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def assert_whole(path: Path, frames: np.ndarray) -> None:
    with NWBHDF5IO(path, "r") as io:
        nwb = io.read()
        np.testing.assert_array_equal(
            movie_from_nwb(nwb.acquisition["OnePhotonSeries"].data[:]), frames
        )
        for name in nwb.acquisition["BehaviorVideoCam"].external_file[:]:
            assert (path.parent / name).stat().st_size > 0


def assert_nothing_left(tmp_path: Path) -> None:
    assert sorted(p.name for p in tmp_path.iterdir()) == ["raw"]
