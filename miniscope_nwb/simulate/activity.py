"""Spikes, calcium and neuropil in time, block after block, so that memory does not grow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from miniscope_nwb.simulate import chance
from miniscope_nwb.simulate.chance import BLOCK
from miniscope_nwb.simulate.tissue import N_NEUROPIL

FloatArray = npt.NDArray[np.float32]

DECAY_S = 0.5  # of the calcium, like GCaMP6f
RISE_S = 0.05
BURST_S = 0.15  # mean length of a burst
BURST_SPIKES_HZ = 15.0  # spikes per second within a burst, besides its first
NEUROPIL_S = 2.0  # correlation time of the neuropil


class Activity:
    """Spikes and calcium of all cells.

    Bursts begin at random (Poisson), each cell at a rate of its own. A spike adds a transient that
    rises and decays exponentially, of peak 1.
    """

    def __init__(
        self, n_cells: int, *, rate_hz: float, burst_rate_hz: float, seed: int, device: int
    ) -> None:
        self._seed, self._device, self._block = seed, device, 0
        interval = 1 / rate_hz
        rng = chance.generator(seed, device, chance.SPIKES, 0)
        rates = burst_rate_hz * np.clip(rng.lognormal(-0.125, 0.5, n_cells), 0.2, 4.0)
        self._start = 1 - np.exp(-rates * interval)
        self._stop = 1 - np.exp(-interval / BURST_S)
        self._mean_spikes = BURST_SPIKES_HZ * interval
        self._keep = np.exp(-interval / np.array([DECAY_S, RISE_S]))
        ratio = np.log(DECAY_S / RISE_S) / (1 / RISE_S - 1 / DECAY_S)
        self._gain = 1 / (np.exp(-ratio / DECAY_S) - np.exp(-ratio / RISE_S))
        self._slow = np.zeros(n_cells)
        self._fast = np.zeros(n_cells)
        self._in_burst = np.zeros(n_cells, bool)

    def next_block(self) -> tuple[FloatArray, FloatArray]:
        """Return spikes and calcium of the next frames, each (BLOCK, n_cells) float32.

        Spikes are counts; calcium is 1 at the peak of a single spike's transient.
        """
        self._block += 1
        rng = chance.generator(self._seed, self._device, chance.SPIKES, self._block)
        shape = (BLOCK, len(self._slow))
        chances, counts = rng.random(shape), rng.poisson(self._mean_spikes, shape)
        spikes, calcium = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for frame in range(BLOCK):
            begins = ~self._in_burst & (chances[frame] < self._start)
            spikes[frame] = np.where(self._in_burst | begins, counts[frame], 0) + begins
            ends = self._in_burst & (chances[frame] < self._stop)
            self._in_burst = (self._in_burst | begins) & ~ends
            self._slow = self._keep[0] * (self._slow + spikes[frame])
            self._fast = self._keep[1] * (self._fast + spikes[frame])
            calcium[frame] = self._gain * (self._slow - self._fast)
        return spikes, calcium


class NeuropilTime:
    """Time courses of the neuropil: slow, and in part common to all components."""

    def __init__(self, *, rate_hz: float, grey: float, seed: int, device: int) -> None:
        self._seed, self._device, self._block = seed, device, 0
        self._keep = float(np.exp(-1 / rate_hz / NEUROPIL_S))
        self._grey = grey
        self._state = chance.generator(seed, device, chance.NEUROPIL_TIME).normal(size=N_NEUROPIL)

    def next_block(self) -> FloatArray:
        """Return the next values in grey levels, (BLOCK, N_NEUROPIL) float32, never negative."""
        self._block += 1
        rng = chance.generator(self._seed, self._device, chance.NEUROPIL_TIME, self._block)
        kicks = rng.normal(0, np.sqrt(1 - self._keep**2), (BLOCK, N_NEUROPIL))
        values = np.empty((BLOCK, N_NEUROPIL), np.float32)
        for frame in range(BLOCK):
            self._state = self._keep * self._state + kicks[frame]
            local = self._state + 0.7 * self._state[0]
            values[frame] = np.maximum(self._grey * (1.5 + local), 0) / np.sqrt(N_NEUROPIL)
        return values
