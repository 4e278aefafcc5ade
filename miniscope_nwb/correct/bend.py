"""Bending a frame: the displacement is known at the middles of blocks and smooth in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import MotionBlocks

Float32 = npt.NDArray[np.float32]

_OVERSHOOT = 1.25**2  # most that cubic interpolation exceeds its nodes: sum of absolute weights


@dataclass(frozen=True, slots=True)
class BlockAxis:
    """How the pixels of an axis lie between the middles of the blocks; arrays (n_pixels, 4)."""

    index: IntArray  # nodes
    weights: Float32


def block_axis(starts: IntArray, stops: IntArray, size: int) -> BlockAxis:
    """Weigh nodes for each pixel of an axis: cubic Hermite, flat outside of the middles.

    Parameters
    ----------
    starts, stops
        (n_nodes,) first pixel of each block, and the one after the last; ascending.
    size
        Pixels.
    """
    middles = (np.asarray(starts) + np.asarray(stops) - 1) / 2
    last = len(middles) - 1
    place = np.clip(np.arange(size, dtype=np.float64), middles[0], middles[-1])
    before = np.clip(np.searchsorted(middles, place, side="right") - 1, 0, max(0, last - 1))
    index = np.clip(before[:, None] + np.arange(-1, 3), 0, last)
    if last == 0:
        return BlockAxis(index, np.tile(np.array([0, 1, 0, 0], np.float32), (size, 1)))
    return BlockAxis(index, _hermite(middles[index], place))


def _hermite(nodes: FloatArray, place: FloatArray) -> Float32:
    """Weights of 4 nodes (n, 4) for places between the second and the third."""
    step = nodes[:, 2] - nodes[:, 1]
    t = (place - nodes[:, 1]) / step
    slope_1 = step / np.maximum(nodes[:, 2] - nodes[:, 0], 1e-9) * (t**3 - 2 * t**2 + t)
    slope_2 = step / np.maximum(nodes[:, 3] - nodes[:, 1], 1e-9) * (t**3 - t**2)
    weights = np.stack(
        [
            -slope_1,
            2 * t**3 - 3 * t**2 + 1 - slope_2,
            -2 * t**3 + 3 * t**2 + slope_1,
            slope_2,
        ],
        axis=1,
    )
    return weights.astype(np.float32)


class Bender:
    """Bends frames by the shifts of blocks.

    Parameters
    ----------
    blocks
        Where the blocks lie.
    height, width
        Size of the frames.
    """

    def __init__(self, blocks: MotionBlocks, *, height: int, width: int) -> None:
        self._grid = (blocks.n_down, blocks.n_across, 2)
        self._whole = np.array([0, height, 0, width])
        across = slice(0, blocks.n_across)
        down = slice(0, None, blocks.n_across)
        y = block_axis(blocks.y_start[down], blocks.y_stop[down], height)
        x = block_axis(blocks.x_start[across], blocks.x_stop[across], width)
        self._axes = (y.index, y.weights, x.index, x.weights)

    def _nodes(self, shifts_px: npt.NDArray[Any]) -> Float32:
        """Return the shifts (n, n_blocks, 2) as n grids of nodes."""
        return np.ascontiguousarray(shifts_px, np.float32).reshape(-1, *self._grid)

    def seen(self, shifts_px: npt.NDArray[Any], seen: IntArray) -> IntArray:
        """Say which rectangle (n, 4) of each frame is seen; shifts are (n, n_blocks, 2)."""
        from miniscope_nwb.correct.bend_kernels import bent_bounds

        bounds = np.zeros_like(seen)
        for number, nodes in enumerate(self._nodes(shifts_px)):
            cut = int(np.abs(seen[number] - self._whole).max())  # a frame that was cut before
            reach = int(np.ceil(_OVERSHOOT * float(np.abs(nodes).max()))) + 4 + cut
            bounds[number] = bent_bounds(nodes, *self._axes, seen[number], reach)
        return bounds

    def bend(
        self, frames: npt.NDArray[Any], shifts_px: npt.NDArray[Any], bounds: IntArray, out: Float32
    ) -> None:
        """Bend frames; arguments as for `shift.shift_frames`, shifts (n, n_blocks, 2)."""
        from miniscope_nwb.correct.bend_kernels import SPARE, bend_frames

        size = int(np.prod(frames.shape[1:]))
        sources = np.zeros((len(frames), size + SPARE), np.float32)  # one compiled loop for all
        sources[:, :size] = frames.reshape(len(frames), size)
        bend_frames(sources, self._nodes(shifts_px), *self._axes, bounds, out)
