"""Random numbers that depend on nothing but the seed, what they are for, and their place."""

from __future__ import annotations

import numpy as np

BLOCK = 128  # frames whose random numbers are drawn together

# What random numbers are drawn for. The numbers are part of the seed: never change one.
CELLS, VESSELS, NEUROPIL, SENSOR, SPIKES, MOTION, JERKS, NONRIGID, NEUROPIL_TIME, NOISE = range(10)
CLOCK, LOSSES, ORIENTATION, ARENA, ARENA_NOISE, JERK_TIMES, ACCELERATION = range(10, 17)
FRAME_JITTER, VESSEL_TIME = range(17, 19)


def generator(seed: int, device: int, purpose: int, place: int = 0) -> np.random.Generator:
    """Make the generator of one purpose of one device, for one block or frame of it."""
    return np.random.Generator(np.random.SFC64([seed, device, purpose, place]))
