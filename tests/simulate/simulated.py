"""Small simulated recordings and what is in them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from miniscope_nwb.simulate.folder import simulate
from miniscope_nwb.simulate.options import SimulateOptions
from miniscope_nwb.video.decode import read_frames
from miniscope_nwb.video.probe import probe_part

SMALL = {"width": 64, "height": 48, "frames": 40, "cells": 3}


def make(folder: Path, format: str = "v4", **choices):
    """Simulate a small recording, unless asked otherwise: 64 x 48 pixels, 40 frames, 3 cells."""
    return simulate(folder, format=format, options=SimulateOptions(**{**SMALL, **choices}))


def content(path: Path) -> dict[str, np.ndarray]:
    """All data sets of an NWB file by their paths, but for the cached schema."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset) and not name.startswith("specifications"):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(keep)
    return found


def frames_of(folder: Path) -> np.ndarray:
    """Decode all V4 or V3 videos of a folder, (n, height, width)."""
    paths = sorted(folder.glob("*.avi"), key=lambda path: (len(path.name), path.name))
    parts = [probe_part(p, relative_path=p.name, index=k) for k, p in enumerate(paths)]
    return np.stack([frame for part in parts for frame in read_frames(part)])
