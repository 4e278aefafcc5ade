"""Blocks of a frame, each of which is placed on its own part of the template."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.filters import bandpass, window_of, without_light
from miniscope_nwb.correct.matcher import Matcher, Sharpened
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import MotionBlocks

Float32 = npt.NDArray[np.float32]

FACTOR = 2  # blocks are compared on squares of 2 x 2 pixels, whose diagonals are the two halves
_RISE_SHARE = 1 / 3  # of a block's side
_SPARE_PX = 1.0  # beside the farthest deviation, px of the copy: rigid shifts are rounded first


def block_starts(size: int, stride: int, side: int) -> IntArray:
    """Spread blocks of equal side evenly over an axis, at even pixels."""
    n = max(1, round((size - side + stride) / stride))
    return np.linspace(0, (size - side) // FACTOR, n).round().astype(np.int64) * FACTOR


def make_blocks(height: int, width: int, *, block_px: int, overlap_px: int) -> MotionBlocks:
    """Lay blocks of `block_px` plus overlap over the field, row by row."""
    sides = [min(block_px + overlap_px, size // FACTOR * FACTOR) for size in (height, width)]
    sides = [side // FACTOR * FACTOR for side in sides]
    y, x = (
        block_starts(size, block_px, side)
        for size, side in zip((height, width), sides, strict=True)
    )
    return MotionBlocks(
        n_down=len(y),
        n_across=len(x),
        x_start=np.tile(x, len(y)),
        x_stop=np.tile(x + sides[1], len(y)),
        y_start=np.repeat(y, len(x)),
        y_stop=np.repeat(y + sides[0], len(x)),
    )


@dataclass(frozen=True, slots=True)
class Canvas:
    """A binned frame without its light, brought onto the template by whole pixels."""

    picture: Float32  # what the frame does not show is the template's
    moved_px: IntArray  # (2,) whole correction, x then y, px of the copy


class BlockPlacer:
    """Finds how blocks lie on the template, beside the rigid shift of their frame.

    Parameters
    ----------
    template
        (height, width) binned by `FACTOR`.
    blocks
        Px of the movie.
    highpass_px, max_deviation_px
        Px of the movie.
    """

    def __init__(
        self,
        template: Float32,
        blocks: MotionBlocks,
        *,
        highpass_px: float,
        max_deviation_px: float,
    ) -> None:
        self.blocks = blocks
        self._highpass_px = highpass_px / FACTOR
        self._unlit = without_light(template, self._highpass_px)
        self._size = (
            int(blocks.y_stop[0] - blocks.y_start[0]) // FACTOR,
            int(blocks.x_stop[0] - blocks.x_start[0]) // FACTOR,
        )
        self._places = blocks.y_start // FACTOR, blocks.x_start // FACTOR
        once = bandpass(template, self._highpass_px)
        twice = bandpass(once, self._highpass_px)
        reach = int(np.ceil(max_deviation_px / FACTOR + _SPARE_PX))
        self._matcher = Matcher(
            Sharpened(self._cut(once), self._cut(twice)),
            window_of(*self._size, _RISE_SHARE),
            highpass_px=self._highpass_px,
            reach_px=reach,
            padding_px=reach,
        )

    def _cut(self, picture: Float32) -> Float32:
        """Cut the blocks out of a picture, (n_blocks, height, width)."""
        views = np.lib.stride_tricks.sliding_window_view(picture, self._size)
        return views[self._places]

    def canvas(self, frame: Float32, shift_px: FloatArray, gain: float) -> Canvas:
        """Bring a binned frame near its place, without light; `shift_px` (2,) px of the movie."""
        frame = without_light(frame, self._highpass_px)
        whole = np.rint(shift_px / FACTOR).astype(np.int64)
        x, y = int(whole[0]), int(whole[1])
        height, width = frame.shape
        picture = np.float32(gain) * self._unlit
        top, left = max(0, y), max(0, x)
        bottom, right = min(height, height + y), min(width, width + x)
        if top < bottom and left < right:
            picture[top:bottom, left:right] = frame[top - y : bottom - y, left - x : right - x]
        return Canvas(picture, whole)

    def surfaces(self, canvas: Canvas, gain: float) -> Float32:
        """How well each displacement of each block fits, (n_blocks, side, side)."""
        from miniscope_nwb.correct.filter_kernels import cut_blocks

        tapered = np.empty((len(self._places[0]), *self._size), np.float32)
        cut_blocks(canvas.picture, *self._places, self._matcher.window, tapered)
        return self._matcher.surfaces_of(tapered, gain)[0]

    def peaks(self, surfaces: Float32) -> tuple[FloatArray, BoolArray]:
        """Find the peaks of surfaces.

        Returns
        -------
        correction_px
            (n_blocks, 2) of each block beside that of its canvas.
        is_at_border
            (n_blocks,) nothing was found within reach.
        """
        displacement, _, _, is_at_border = self._matcher.displacements(surfaces)
        return -displacement * FACTOR, is_at_border
