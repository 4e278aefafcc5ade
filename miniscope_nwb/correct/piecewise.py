"""Piecewise-rigid motion: whether the field bends, and by how much each block does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.bend import Bender
from miniscope_nwb.correct.blocks import FACTOR, BlockPlacer, make_blocks
from miniscope_nwb.correct.field import Bending, Field, measure_bending
from miniscope_nwb.correct.filters import binned, halves
from miniscope_nwb.correct.settings import Settings
from miniscope_nwb.correct.small_movie import batches
from miniscope_nwb.correct.template import Sample, median_of_means
from miniscope_nwb.engines.base import MotionInput, Resources, map_array
from miniscope_nwb.movie import Movie, map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import MotionBlocks

Float32 = npt.NDArray[np.float32]

_MANY_BLOCKS = 3  # in a row and in a column: fewer have too few pairs that lie apart
_FEW_BLOCKS_PX = 2.0  # of bending there: cells that flash make up to 1 px of it
_TEST_FRAMES = 60  # of the sample: they tell whether the field bends
_TEST_PIXELS = 12_000_000  # of all of them: a large field has more blocks that tell
_LEAST_TEST_FRAMES = 30  # however large
N_FIELD_FRAMES = 150  # of the sample, on which the blocks are measured where it does


@dataclass(frozen=True, slots=True)
class Piecewise:
    """The blocks' part of a motion result."""

    template: Float32
    shifts_px: Float32  # (n_frames, n_blocks, 2), the rigid part included


def lay_blocks(movie: Movie, settings: Settings) -> MotionBlocks:
    """Lay the blocks of the settings over the field."""
    return make_blocks(
        movie.height,
        movie.width,
        block_px=max(FACTOR, settings.block_px),
        overlap_px=settings.overlap_px,
    )


def n_test_frames(movie: Movie) -> int:
    """Return how many frames of the sample tell whether the field bends."""
    fitting = _TEST_PIXELS // (movie.height * movie.width)
    return int(np.clip(fitting, _LEAST_TEST_FRAMES, _TEST_FRAMES))


def is_bending(job: MotionInput, blocks: MotionBlocks, bending_px: float) -> bool:
    """Say whether the field bends so much that blocks are to be moved by themselves."""
    is_small = min(blocks.n_down, blocks.n_across) < _MANY_BLOCKS
    least = max(job.params.piecewise_threshold_px, _FEW_BLOCKS_PX if is_small else 0.0)
    return bending_px * job.prepared.spatial_factor > least


class BlockMotion:
    """Deviations of the blocks of frames from their rigid shift, on one template (full size)."""

    def __init__(self, template: Float32, blocks: MotionBlocks, settings: Settings) -> None:
        self.blocks = blocks
        self._placer = BlockPlacer(
            binned(template, FACTOR),
            blocks,
            highpass_px=settings.highpass_px,
            max_deviation_px=settings.max_deviation_px,
        )
        self._brightness = max(float(template.mean(dtype=np.float64)), 1e-6)

    def _deviations(self, picture: Float32, shift_px: FloatArray) -> tuple[FloatArray, BoolArray]:
        gain = float(np.clip(picture.mean(dtype=np.float64) / self._brightness, 0.5, 2.0))
        canvas = self._placer.canvas(picture, shift_px, gain)
        found, is_at_border = self._placer.peaks(self._placer.surfaces(canvas, gain))
        return found + canvas.moved_px * FACTOR - shift_px, is_at_border

    def of_frame(self, frame: npt.NDArray[np.generic], shift_px: FloatArray) -> FloatArray:
        """Return the deviations of one frame, (n_blocks, 2)."""
        return self._deviations(binned(frame, FACTOR), shift_px)[0]

    def of_halves(
        self, frame: npt.NDArray[np.generic], shift_px: FloatArray
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Return the deviations that either half of the pixels gives, and where one has no peak."""
        first, second = (self._deviations(half, shift_px) for half in halves(frame))
        return first[0], second[0], first[1] | second[1]


def bending_of_sample(
    sample: Sample,
    shifts_px: FloatArray,
    is_good: BoolArray,
    motion: BlockMotion,
    *,
    n_frames: int,
    n_threads: int,
) -> Bending:
    """Measure on sample frames how far blocks deviate from the rigid shift."""
    # Where no frame could be placed, as in an empty movie, all tell that there is nothing to find.
    good = np.flatnonzero(is_good) if is_good.any() else np.arange(len(is_good))
    chosen = good[np.linspace(0, len(good) - 1, min(n_frames, len(good))).round().astype(int)]

    def work(number: int) -> tuple[FloatArray, FloatArray, BoolArray]:
        return motion.of_halves(sample.frames[number], shifts_px[number])

    found = zip(*map_in_order(work, chosen.tolist(), n_threads=n_threads), strict=True)
    first, second, is_at_border = found
    return measure_bending(np.stack(first), np.stack(second), np.stack(is_at_border), motion.blocks)


def sharper_template(
    sample: Sample,
    shifts_px: FloatArray,
    is_good: BoolArray,
    motion: BlockMotion,
    field: Field,
    blocks: MotionBlocks,
    *,
    n_threads: int,
) -> Float32:
    """Make the template again from the sample frames, bent by what is known so far."""
    height, width = sample.frames.shape[1:]
    bender = Bender(blocks, height=height, width=width)
    whole = np.array([[0, height, 0, width]])

    def bend(frame: npt.NDArray[np.generic], number: int, out: Float32) -> None:
        shift = shifts_px[number]
        bent = shift + field.smooth(motion.of_frame(frame, shift))
        bender.bend(frame[None], bent[None], bender.seen(bent[None], whole), out[None])

    return median_of_means(sample.frames, bend, is_good, n_threads=n_threads)


def follow_blocks(
    movie: Movie,
    rigid_px: FloatArray,
    is_placed: BoolArray,
    motion: BlockMotion,
    field: Field,
    resources: Resources,
) -> Float32:
    """Find the shifts of all frames' blocks, their rigid part included.

    Returns
    -------
    shifts_px
        (n_frames, n_blocks, 2) corrections, a memory map; the rigid one where a frame was not
        placed.
    """

    def work(span: tuple[int, int]) -> FloatArray:
        frames = movie.read(*span)
        pieces = []
        for number, frame in enumerate(frames, span[0]):
            shift = rigid_px[number]
            bend = field.zero()
            if is_placed[number]:
                bend = field.smooth(motion.of_frame(frame, shift))
            pieces.append(shift + bend)
        return np.stack(pieces)

    shape = (movie.n_frames, len(field.zero()), 2)
    shifts = map_array(resources.scratch / "block_shifts.npy", shape)
    done = 0
    for part in map_in_order(work, batches(movie), n_threads=resources.n_threads):
        shifts[done : done + len(part)] = part
        done += len(part)
        resources.progress(done, movie.n_frames)
    return shifts
