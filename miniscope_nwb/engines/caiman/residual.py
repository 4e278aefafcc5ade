"""What CaImAn does not tell of its motion correction: a template in grey levels, and the bending.

CaImAn's own template is high-passed where its frames are, and it keeps no measure of its success.
So both are made of a sample of frames and its shifts as for our own engine.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from miniscope_nwb.engines.base import MotionInput
from miniscope_nwb.recording import IntArray
from miniscope_nwb.results import FloatImage, MotionResult


def with_template(motion: MotionResult, job: MotionInput, *, n_threads: int) -> MotionResult:
    """Return the record with the template and what a rigid correction leaves.

    Parameters
    ----------
    motion
        As CaImAn found it.
    job
        Of the motion correction.
    n_threads
        To compare blocks in.
    """
    from miniscope_nwb.correct import piecewise
    from miniscope_nwb.correct.settings import settle
    from miniscope_nwb.correct.template import median_of_means, shift_sample, take_sample

    sample = take_sample(job.movie, motion.is_registered, job.params.n_template_frames)
    shifts = motion.shifts_px[sample.numbers].astype(np.float64)
    every = np.ones(len(shifts), np.bool_)
    shift = shift_sample(sample.frames, shifts)
    template = median_of_means(sample.frames, shift, every, n_threads=n_threads)
    settings = settle(job)
    blocks = piecewise.lay_blocks(job.movie, settings)
    residual_px = bending_px = float("nan")
    if len(blocks.x_start) > 1:
        placer = piecewise.BlockMotion(template, blocks, settings)
        bending = piecewise.bending_of_sample(
            sample,
            shifts,
            every,
            placer,
            n_frames=piecewise.n_test_frames(job.movie),
            n_threads=n_threads,
        )
        residual_px, bending_px = bending.residual_px, bending.bending_px
    if motion.blocks is not None:
        template = _bent_template(motion, job, sample.numbers, template)
    return replace(
        motion,
        template=template,
        block_residual_px=residual_px,
        bending_px=bending_px,
    )


def field_bends(rigid: MotionResult, job: MotionInput) -> bool:
    """Say whether what a rigid correction leaves asks for a piecewise one."""
    from miniscope_nwb.correct import piecewise
    from miniscope_nwb.correct.settings import settle

    blocks = piecewise.lay_blocks(job.movie, settle(job))
    return piecewise.is_bending(job, blocks, rigid.bending_px)


def _bent_template(
    motion: MotionResult, job: MotionInput, numbers: IntArray, rigid: FloatImage
) -> FloatImage:
    """Return the mean of frames that were corrected block by block; the rigid one where unseen."""
    from miniscope_nwb.correct.movie import CorrectedMovie

    corrected = CorrectedMovie(job.movie, motion)
    total, count = np.zeros(rigid.shape), np.zeros(rigid.shape)
    for number in numbers.tolist():
        frame = corrected.read(number, number + 1)[0]
        is_seen = np.isfinite(frame)
        total[is_seen] += frame[is_seen]
        count += is_seen
    mean = np.where(count > 0, total / np.maximum(count, 1), rigid)
    return mean.astype(np.float32)
