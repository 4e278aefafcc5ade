"""From the noisy shifts of blocks to a smooth displacement: what their neighbours make of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import MotionBlocks

SMOOTHNESS_PX = 80.0  # over which tissue bends together, px of the movie
_LEAST_SPREAD_PX = 0.05  # of deviations and of their noise, so that nothing is divided by zero
_MEASURED_PX = 0.5  # a block with more noise than this (RMS on an axis) says nothing of bending
_LEAST_MEASURED_SHARE = 0.5  # of the blocks: in a dim movie their peaks are noise, and no bending
_APART = 2  # blocks: farther ones share no pixel
_STUCK_SHARE = 0.2  # of the frames, at the border: the block does not show what the template does
_OUTLIER_DEVIATIONS = 3.0  # from the smooth field: the peak of something else
_WILD_TIMES = 4.0  # the others' variance: more is not bending; corners have twice as much
_LOCKED_SHARE = 0.2  # of the others' variance: the block has found what does not move
_LOCKED_TIMES = 100.0  # noise of such a block, in variances of the signal
_N_ROUNDS = 3  # in which outliers are replaced by the field


@dataclass(frozen=True, slots=True)
class Bending:
    """How blocks deviate from the rigid shift, measured on sample frames.

    Attributes
    ----------
    residual_px
        Length of the deviations, RMS over blocks and frames, the estimator's noise taken off.
    bending_px
        How much farther blocks part that lie apart than neighbours do, RMS of the median pair:
        tissue bends smoothly, and cells that flash move each block by itself. NaN where fewer
        than half of the blocks can be measured, or all of them are neighbours.
    signal_px2
        (2,) variance of true deviations along x and y.
    noise_px2
        (n_blocks, 2) variance of the estimator's error.
    constant_px
        (n_blocks, 2) mean deviation: of the template, or of a block without structure.
    """

    residual_px: float
    bending_px: float
    signal_px2: FloatArray
    noise_px2: FloatArray
    constant_px: FloatArray


def measure_bending(
    first: FloatArray, second: FloatArray, is_at_border: BoolArray, blocks: MotionBlocks
) -> Bending:
    """Compare the deviations that two halves of the pixels give.

    The errors of the halves have nothing in common, so the mean product of both is the variance of
    the deviation itself: the noise is taken off in square. A block's constant is the template's.

    Parameters
    ----------
    first, second
        (n_frames, n_blocks, 2) deviations from the rigid shift, from either half of the pixels.
    is_at_border
        (n_frames, n_blocks) nothing was found within reach.
    blocks
        Where the blocks lie.
    """
    centred = [half - half.mean(axis=0) for half in (first, second)]
    product = (centred[0] * centred[1]).mean(axis=0)  # (n_blocks, 2)
    noise = ((centred[0] - centred[1]) ** 2).mean(axis=0) / 4  # of the mean of both halves
    is_stuck = is_at_border.mean(axis=0) > _STUCK_SHARE
    is_measured = (np.sqrt(noise).max(axis=1) < _MEASURED_PX) & ~is_stuck
    bending = float("nan")
    if is_measured.mean() >= _LEAST_MEASURED_SHARE:
        bending = _parting_px(centred[0], centred[1], blocks, is_measured)
    if is_measured.sum() < max(1, len(noise) // 4):
        is_measured[:] = True
    residual = float(np.sqrt(max(0.0, float(product[is_measured].sum(axis=1).mean()))))
    least = _LEAST_SPREAD_PX**2
    signal = np.maximum(np.median(product[is_measured], axis=0), least)
    # A block that deviates much more than others sees something else: cells that flash.
    noise = np.maximum(noise + np.maximum(product - _WILD_TIMES * signal, 0), least)
    is_locked = (product < _LOCKED_SHARE * signal) | is_stuck[:, None]
    noise = np.where(is_locked, _LOCKED_TIMES * signal, noise)
    constant = (first.mean(axis=0) + second.mean(axis=0)) / 2
    return Bending(residual, bending, signal, noise, constant)


def _parting_px(
    first: FloatArray, second: FloatArray, blocks: MotionBlocks, is_measured: BoolArray
) -> float:
    """Return by how much blocks that lie apart part more than neighbours, RMS of the median pair.

    Half the difference of two values of the variogram (Matheron 1963, Economic Geology 58): what
    is the same for the whole field falls out of it, and what each block does by itself, too.
    """
    common = np.einsum("tax,tbx->ab", first, second) / len(first)
    a, b = np.nonzero(np.triu(np.outer(is_measured, is_measured), 1))
    parting = common[a, a] + common[b, b] - common[a, b] - common[b, a]
    down, across = np.divmod(np.arange(len(is_measured)), blocks.n_across)
    distance = np.hypot(down[a] - down[b], across[a] - across[b])  # in blocks
    near, far = parting[distance == 1], parting[distance >= _APART]
    if not len(near) or not len(far):
        return float("nan")
    return float(np.sqrt(max(0.0, float(np.median(far) - np.median(near)) / 2)))


class Field:
    """Smooths deviations of blocks by what is known of them: Gaussian process regression.

    The prior is that deviations have the measured variance and go together over
    `SMOOTHNESS_PX`; a block is believed by its measured noise.
    """

    def __init__(
        self,
        blocks: MotionBlocks,
        bending: Bending,
        *,
        smoothness_px: float,
        max_deviation_px: float,
    ) -> None:
        y, x = (blocks.y_start + blocks.y_stop) / 2, (blocks.x_start + blocks.x_stop) / 2
        squared = (y[:, None] - y) ** 2 + (x[:, None] - x) ** 2
        together = np.exp(-0.5 * squared / smoothness_px**2)
        self._smoothers = []
        for axis in (0, 1):
            prior = bending.signal_px2[axis] * together
            noise = np.diag(bending.noise_px2[:, axis])
            self._smoothers.append(np.linalg.solve(prior + noise, prior).T)
        self._limit = _OUTLIER_DEVIATIONS * np.sqrt(bending.noise_px2)
        self._constant = bending.constant_px
        self._farthest = max_deviation_px

    def zero(self) -> npt.NDArray[np.float64]:
        """Return the deviations of a frame that moves as a whole."""
        return np.zeros_like(self._limit)

    def smooth(self, deviations: FloatArray) -> npt.NDArray[np.float64]:
        """Return the smooth deviations of one frame, (n_blocks, 2), within the farthest."""
        deviations = deviations - self._constant
        used = deviations
        for _ in range(_N_ROUNDS):
            field = np.stack([s @ used[:, axis] for axis, s in enumerate(self._smoothers)], axis=1)
            is_off = np.abs(deviations - field) > np.maximum(self._limit, _MEASURED_PX)
            used = np.where(is_off, field, deviations)
        return np.clip(field, -self._farthest, self._farthest)
