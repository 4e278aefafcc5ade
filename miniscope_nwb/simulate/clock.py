"""When frames are taken, which of them are lost, and what the computer's clock says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.errors import OutputError
from miniscope_nwb.simulate import chance

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_FIRST_S = (-0.04, -0.005)  # the running camera's frame that the record button catches
_FRAME_JITTER = 0.0004  # standard deviation of a frame's time, of the interval: no clock is exact
_FARTHEST = 4.0  # standard deviations that a frame's time may be off
_LATENCY_S = 0.0015  # mean time from the exposure to the stamp
_SLOWEST = 0.3  # latency never exceeds this share of the interval
_MOST_SPANS = 3


@dataclass(frozen=True, slots=True)
class Loss:
    """A span in which frames were lost; times are of the recorded frames around it."""

    start_s: float
    stop_s: float
    n_lost: int


@dataclass(frozen=True, slots=True)
class FrameClock:
    """Times of the recorded frames of one device; arrays have shape (n_frames,)."""

    hardware: IntArray  # number of the hardware's frame, from 0; a jump is a loss
    time_s: FloatArray  # when it was taken, seconds since the start of the recording
    stamp_s: FloatArray  # when the computer had it
    losses: tuple[Loss, ...]

    @property
    def stamp_ms(self) -> IntArray:
        """What the software writes down: whole milliseconds."""
        return np.rint(self.stamp_s * 1000).astype(np.int64)


def make_clock(
    n_frames: int,
    *,
    rate_hz: float,
    n_lost: int,
    seed: int,
    device: int,
    first_s: float | None = None,
) -> FrameClock:
    """Make the clock of one device.

    Parameters
    ----------
    n_frames
        Recorded frames; the lost ones come on top.
    first_s
        Time of the first frame; by default some milliseconds before the start, as a camera that
        runs already has it.

    Raises
    ------
    OutputError
        More frames are lost than there are gaps between the recorded ones for.
    """
    rng = chance.generator(seed, device, chance.CLOCK)
    hardware = np.arange(n_frames) + _lost_before(n_frames, n_lost, seed, device)
    start = float(rng.uniform(*_FIRST_S)) if first_s is None else first_s
    jitter = chance.generator(seed, device, chance.FRAME_JITTER).standard_normal(n_frames)
    off = _FRAME_JITTER * np.clip(jitter, -_FARTHEST, _FARTHEST)
    time_s = start + (hardware + off) / rate_hz
    latency = np.minimum(rng.gamma(2.0, _LATENCY_S / 2, n_frames), _SLOWEST / rate_hz)
    jumps = np.flatnonzero(np.diff(hardware) > 1)
    losses = tuple(
        Loss(float(time_s[k]), float(time_s[k + 1]), int(hardware[k + 1] - hardware[k] - 1))
        for k in jumps
    )
    return FrameClock(hardware, time_s, time_s + latency, losses)


def _lost_before(n_frames: int, n_lost: int, seed: int, device: int) -> IntArray:
    """How many frames were lost before each recorded one, in up to three spans."""
    lost = np.zeros(n_frames, np.int64)
    if n_lost:
        n_spans = min(_MOST_SPANS, n_lost, n_frames - 1)
        if n_spans < 1:
            raise OutputError(f"No frame can be lost between {n_frames} recorded frames.")
        rng = chance.generator(seed, device, chance.LOSSES)
        edges = np.linspace(1, n_frames, n_spans + 1).astype(int)  # one span in each part
        sizes = np.diff(np.linspace(0, n_lost, n_spans + 1).astype(int))
        for span in range(n_spans):
            lost[rng.integers(edges[span], edges[span + 1])] = sizes[span]
    return np.cumsum(lost)
