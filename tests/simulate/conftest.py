"""Opens ground truths."""

from __future__ import annotations

from pathlib import Path

import pynwb
import pytest


@pytest.fixture
def read_truth():
    """Open ground truths; they are closed after the test."""
    opened = []

    def read(path: Path) -> pynwb.NWBFile:
        opened.append(pynwb.NWBHDF5IO(path, "r"))
        return opened[-1].read()

    yield read
    for io in opened:
        io.close()
