"""How the brain moves under the miniscope: slow drift, fast jerks, and a soft deformation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.simulate import chance
from miniscope_nwb.simulate.chance import BLOCK
from miniscope_nwb.simulate.levels import Level

FloatArray = npt.NDArray[np.float32]

DRIFT_S = 3.0  # correlation time of the drift
JERK_S = 0.15  # decay of a jerk
NONRIGID_S = 1.5  # correlation time of the deformation
JERK_TIMES = 3.0  # size of a jerk, times the drift's standard deviation
STEP_PX = 1 / 32  # OpenCV interpolates between pixels in steps of this size: so does the truth
_BLOCK_PX = 128  # side of a block of the deformation, about
_LIMIT = 6.0  # times the standard deviation: nothing moves farther


@dataclass(frozen=True, slots=True)
class Blocks:
    """The grid of blocks whose displacement is known, row by row; stops are exclusive."""

    n_down: int
    n_across: int
    x_edges: tuple[int, ...]
    y_edges: tuple[int, ...]

    def __len__(self) -> int:
        return self.n_down * self.n_across


def make_blocks(width: int, height: int) -> Blocks:
    """Divide a field into at least 2 x 2 blocks of about equal size."""
    across, down = max(2, round(width / _BLOCK_PX)), max(2, round(height / _BLOCK_PX))
    x_edges = tuple(round(width * i / across) for i in range(across + 1))
    y_edges = tuple(round(height * i / down) for i in range(down + 1))
    return Blocks(down, across, x_edges, y_edges)


def farthest_px(level: Level) -> float:
    """Return how far a pixel may move along one axis, in pixels."""
    return _LIMIT * (level.motion_rms_px + level.nonrigid_rms_px)


class Motion:
    """Displacement of the tissue in pixels, x then y; positive is right and down."""

    def __init__(
        self, level: Level, blocks: Blocks, *, rate_hz: float, seed: int, device: int
    ) -> None:
        self._level, self._blocks = level, blocks
        self._seed, self._device, self._block = seed, device, 0
        times = np.array([DRIFT_S, JERK_S, NONRIGID_S])
        self._keep = np.exp(-1 / rate_hz / times)
        self._jerks = level.jerk_rate_hz / rate_hz
        rng = chance.generator(seed, device, chance.MOTION)
        self._drift = rng.normal(0, level.motion_rms_px, 2)
        self._jerk = np.zeros(2)
        self._bend = chance.generator(seed, device, chance.NONRIGID).normal(size=(len(blocks), 2))

    def next_block(self) -> tuple[FloatArray, FloatArray]:
        """Return the displacement of the next frames.

        Returns
        -------
        rigid
            Mean displacement of the field, (BLOCK, 2), in steps of `STEP_PX`.
        bend
            What each block moves besides, (BLOCK, n_blocks, 2); zero where nothing bends.
        """
        self._block += 1
        level = self._level
        drift = self._draw(chance.MOTION, (BLOCK, 2)) * level.motion_rms_px
        jerks = self._draw(chance.JERKS, (BLOCK, 2)) * JERK_TIMES * level.motion_rms_px
        when = chance.generator(self._seed, self._device, chance.JERK_TIMES, self._block)
        is_jerk = when.random(BLOCK) < self._jerks
        bends = self._draw(chance.NONRIGID, (BLOCK, len(self._blocks), 2))
        fresh = np.sqrt(1 - self._keep**2)
        rigid = np.empty((BLOCK, 2))
        bend = np.zeros((BLOCK, len(self._blocks), 2))
        for frame in range(BLOCK):
            self._drift = self._keep[0] * self._drift + fresh[0] * drift[frame]
            self._jerk = self._keep[1] * self._jerk + is_jerk[frame] * jerks[frame]
            rigid[frame] = self._drift + self._jerk
            self._bend = self._keep[2] * self._bend + fresh[2] * bends[frame]
            bend[frame] = self._bend - self._bend.mean(axis=0)
        limit = _LIMIT * level.motion_rms_px
        rigid = np.round(np.clip(rigid, -limit, limit) / STEP_PX) * STEP_PX
        bend = level.nonrigid_rms_px * np.clip(bend, -_LIMIT, _LIMIT)
        return rigid.astype(np.float32), bend.astype(np.float32)

    def _draw(self, purpose: int, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        rng = chance.generator(self._seed, self._device, purpose, self._block)
        return rng.standard_normal(shape)
