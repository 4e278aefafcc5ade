"""Estimation of motion: NoRMCorre (Pnevmatikakis & Giovannucci 2017) with a least-squares match."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct import piecewise, rigid
from miniscope_nwb.correct.field import SMOOTHNESS_PX, Bending, Field
from miniscope_nwb.correct.search import Found, place_movie
from miniscope_nwb.correct.settings import Settings, settle
from miniscope_nwb.correct.template import (
    Sample,
    first_template,
    median_of_means,
    shift_sample,
    take_sample,
)
from miniscope_nwb.engines.base import MotionInput, Resources
from miniscope_nwb.errors import MiniscopeError
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import Derived, MotionBlocks, MotionResult

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Rigid:
    """What the rigid part found."""

    sample: Sample
    start: rigid.Bootstrap
    places: Found
    template: Float32  # full size


def estimate_motion(job: MotionInput, resources: Resources) -> MotionResult:
    """Find the shift of each frame, and of its blocks where the field bends.

    Parameters
    ----------
    job
        The prepared movie, parameters and what the preprocessing found. Frames that it left out
        take no part (``is_registered`` False). Where such a frame is recognised beyond doubt, its
        shift is the one found; those of others, and of frames that cannot be placed, are
        interpolated in time.
    resources
        Threads and progress; the blocks' shifts are a memory map in the scratch folder.

    Returns
    -------
    motion
        Corrections, px of the prepared movie, x then y. In a piecewise result the rigid shift is
        the mean of the blocks'.

    Raises
    ------
    MiniscopeError
        No frame is usable, or the field is too small.
    """
    usable = ~job.prepared.is_left_out
    if not usable.any():
        message = "Every frame was left out (torn, black or flashed): there is nothing to register."
        raise MiniscopeError(message)
    if job.params.method == "none":
        return _unmoved(job, usable)
    settings = settle(job)
    found = _place_rigidly(job, usable, settings, resources)
    blocks = piecewise.lay_blocks(job.movie, settings)
    if len(blocks.x_start) == 1:
        return _rigid_result(job, settings, found, None)
    motion = piecewise.BlockMotion(found.template, blocks, settings)
    bending = piecewise.bending_of_sample(
        found.sample,
        found.start.sample_shifts_px,
        found.start.is_good,
        motion,
        n_frames=piecewise.n_test_frames(job.movie),
        n_threads=resources.n_threads,
    )
    method = job.params.method
    is_bent = method == "auto" and piecewise.is_bending(job, blocks, bending.bending_px)
    if method != "piecewise" and not is_bent:
        return _rigid_result(job, settings, found, bending)
    return _piecewise_result(job, settings, found, blocks, bending, resources)


def _unmoved(job: MotionInput, usable: BoolArray) -> MotionResult:
    """Return the result of a movie that is taken as it is."""
    sample = take_sample(job.movie, usable, job.params.n_template_frames)
    still = np.zeros((len(sample.numbers), 2))
    keep = np.ones(len(still), bool)
    template = median_of_means(sample.frames, shift_sample(sample.frames, still), keep)
    shifts = np.zeros((job.movie.n_frames, 2), np.float32)
    return MotionResult(template, shifts, None, None, usable.copy(), float("nan"))


def _place_rigidly(
    job: MotionInput, usable: BoolArray, settings: Settings, resources: Resources
) -> _Rigid:
    sample = take_sample(job.movie, usable, job.params.n_template_frames)
    start = rigid.bootstrap(
        sample,
        first_template(job.movie, usable, factor=settings.factor),
        settings,
        n_rounds=job.params.n_template_rounds,
        n_threads=resources.n_threads,
    )
    places = place_movie(job.movie, usable, sample, start, settings, resources)
    shift = shift_sample(sample.frames, start.sample_shifts_px)
    template = median_of_means(sample.frames, shift, start.is_good, n_threads=resources.n_threads)
    return _Rigid(sample, start, places, template)


def _derived(settings: Settings, start: rigid.Bootstrap, factor: int) -> tuple[Derived, ...]:
    """Name the values that nobody gave; the window may have been widened since."""
    if start.reach_px <= settings.max_shift_px:
        return settings.derived
    others = tuple(item for item in settings.derived if item.parameter != "max_shift_px")
    basis = f"widened: sample frames lay {settings.max_shift_px:.1f} px off or farther"
    return (*others, Derived("motion", "max_shift_px", round(start.reach_px * factor, 3), basis))


def _rigid_result(
    job: MotionInput, settings: Settings, found: _Rigid, bending: Bending | None
) -> MotionResult:
    places = found.places
    shifts = places.placed.shifts_px.astype(np.float32)
    rigid.fill_gaps(shifts, places.is_known, job.movie.clock)
    return MotionResult(
        template=found.template,
        shifts_px=shifts,
        blocks=None,
        block_shifts_px=None,
        is_registered=places.is_registered,
        block_residual_px=float("nan") if bending is None else bending.residual_px,
        bending_px=float("nan") if bending is None else bending.bending_px,
        scores={"match": places.placed.score},
        derived=_derived(settings, found.start, job.prepared.spatial_factor),
    )


def _piecewise_result(
    job: MotionInput,
    settings: Settings,
    found: _Rigid,
    blocks: MotionBlocks,
    bending: Bending,
    resources: Resources,
) -> MotionResult:
    bent = _follow_blocks(job, settings, found, blocks, bending, resources)
    rigid.fill_gaps(bent.shifts_px, found.places.is_known, job.movie.clock)
    return replace(
        _rigid_result(job, settings, found, bending),
        template=bent.template,
        shifts_px=bent.shifts_px.mean(axis=1, dtype=np.float64).astype(np.float32),
        blocks=blocks,
        block_shifts_px=bent.shifts_px,
    )


def _follow_blocks(
    job: MotionInput,
    settings: Settings,
    found: _Rigid,
    blocks: MotionBlocks,
    bending: Bending,
    resources: Resources,
) -> piecewise.Piecewise:
    """Sharpen the template by what bends, then find the shifts of all blocks on it."""
    sample, shifts, is_good = found.sample, found.start.sample_shifts_px, found.start.is_good

    def field_of(bending: Bending) -> Field:
        return Field(
            blocks,
            bending,
            smoothness_px=SMOOTHNESS_PX / job.prepared.spatial_factor,
            max_deviation_px=settings.max_deviation_px,
        )

    rough = piecewise.BlockMotion(found.template, blocks, settings)
    template = piecewise.sharper_template(
        sample,
        shifts,
        is_good,
        rough,
        field_of(bending),
        blocks,
        n_threads=resources.n_threads,
    )
    motion = piecewise.BlockMotion(template, blocks, settings)
    sharper = piecewise.bending_of_sample(
        sample,
        shifts,
        is_good,
        motion,
        n_frames=piecewise.N_FIELD_FRAMES,
        n_threads=resources.n_threads,
    )
    places = found.places
    whole = piecewise.follow_blocks(
        job.movie, places.placed.shifts_px, places.is_known, motion, field_of(sharper), resources
    )
    return piecewise.Piecewise(template, whole)
