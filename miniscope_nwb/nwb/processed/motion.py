"""The motion of a run: shifts, blocks, quality of each frame, and the corrected stack."""

from __future__ import annotations

import numpy as np
from pynwb import TimeSeries
from pynwb.ophys import CorrectedImageStack, MotionCorrection, OnePhotonSeries

from miniscope_nwb.nwb.processed.context import Context
from miniscope_nwb.nwb.processed.geometry import raw_blocks
from miniscope_nwb.nwb.processed.later import Later, chunk_places, pack, reserve
from miniscope_nwb.nwb.processed.names import MOTION_CORRECTION
from miniscope_nwb.nwb.tables import Column, make_table
from miniscope_nwb.results import MotionBlocks

_SHIFT_FRAMES = 4096  # frames of a chunk of shifts
_SHIFT_VALUES = 1 << 18  # values of a chunk of block shifts, about 1 MB


def add_motion(context: Context, corrected: OnePhotonSeries | None) -> None:
    """Add everything that is known of the motion.

    Parameters
    ----------
    context
        File and run.
    corrected
        The series of corrected frames, None where none is stored.
    """
    shifts = _translation(context, in_stack=corrected is not None)
    module, names = context.module, context.names
    if corrected is None:
        module.add(shifts)
    else:
        if MOTION_CORRECTION not in module.data_interfaces:
            module.add(MotionCorrection(name=MOTION_CORRECTION))
        module[MOTION_CORRECTION].add_corrected_image_stack(
            CorrectedImageStack(
                name=names.stack, corrected=corrected, original=context.raw, xy_translation=shifts
            )
        )
    motion = context.run.motion
    if motion.blocks is not None and motion.block_shifts_px is not None:
        module.add(_block_shifts(context))
        module.add(_blocks_table(names.blocks, raw_blocks(motion.blocks, context.frame)))
    module.add(_frames_table(context))
    defects = context.run.prepared.defective_pixels
    if len(defects):
        module.add(
            make_table(
                names.defects,
                "Pixels of the raw movie that are read from their neighbours.",
                [
                    Column("x", "Column, px.", np.asarray(defects[:, 0], np.int64)),
                    Column("y", "Row, px.", np.asarray(defects[:, 1], np.int64)),
                ],
            )
        )


def _translation(context: Context, *, in_stack: bool) -> TimeSeries:
    shifts = np.asarray(context.run.motion.shifts_px, np.float32) * context.frame.factor
    data, chunks = reserve(shifts.shape, (_SHIFT_FRAMES, 2))

    def make(place: tuple[int, ...]) -> list[tuple[tuple[int, ...], bytes]]:
        return [(place, pack(shifts[place[0] : place[0] + chunks[0]], chunks))]

    context.later.append(Later(data, chunk_places(shifts.shape, chunks), make))
    return TimeSeries(
        name="xy_translation" if in_stack else context.names.translation,
        description="Rigid correction of every frame, x then y, in pixels of the raw movie: the "
        "displacement that brings the frame onto the template, minus the motion of the tissue. x "
        "grows to the right, y downward.",
        data=data,
        unit="pixels",
        **context.clock(),
    )


def _block_shifts(context: Context) -> TimeSeries:
    shifts, factor = context.run.motion.block_shifts_px, context.frame.factor
    assert shifts is not None
    n_blocks = shifts.shape[1]
    length = max(1, _SHIFT_VALUES // (2 * n_blocks))
    data, chunks = reserve(shifts.shape, (length, n_blocks, 2))

    def make(place: tuple[int, ...]) -> list[tuple[tuple[int, ...], bytes]]:
        block = np.asarray(shifts[place[0] : place[0] + chunks[0]], np.float32) * factor
        return [(place, pack(block, chunks))]

    context.later.append(Later(data, chunk_places(shifts.shape, chunks), make))
    return TimeSeries(
        name=context.names.block_shifts,
        description=f"Correction of each block of {context.names.blocks} in every frame, x then y, "
        "in pixels of the raw movie, the rigid part included; between the middles of the blocks it "
        "is interpolated.",
        data=data,
        unit="pixels",
        **context.clock(),
    )


def _blocks_table(name: str, blocks: MotionBlocks) -> object:
    return make_table(
        name,
        f"The blocks of the field of view, {blocks.n_down} down by {blocks.n_across} across, row "
        "by row; they may overlap.",
        [
            Column(
                "block", "Number of the block, its place in BlockShifts.",
                np.arange(len(blocks.x_start)),
            ),
            Column("x_start", "First column, px of the raw movie.", blocks.x_start),
            Column("x_stop", "Column after the last, px of the raw movie.", blocks.x_stop),
            Column("y_start", "First row, px of the raw movie.", blocks.y_start),
            Column("y_stop", "Row after the last, px of the raw movie.", blocks.y_stop),
        ],
    )  # fmt: skip


def _frames_table(context: Context) -> object:
    return make_table(
        context.names.motion_quality,
        f"The frames of {context.run.series}, one row a frame: how well they lie on the template.",
        [*_placing(context), *_light(context)],
    )


def _placing(context: Context) -> list[Column]:
    """How well the frames lie on the template."""
    quality = context.run.motion_quality
    correlations = {"before": quality.correlation_before, "after": quality.correlation_after}
    return [
        *(
            Column(
                f"correlation_{when}",
                f"Correlation of the frame with the template, {when} correction.",
                np.asarray(values, np.float32),
            )
            for when, values in correlations.items()
        ),
        Column(
            "outlier",
            "Whether the frame is left out of everything: torn, black, flashed, unregistrable or "
            "far off.",
            np.asarray(quality.is_outlier, np.bool_),
        ),
        Column(
            "registered",
            "Whether the frame could be placed; the shifts of others are interpolated.",
            np.asarray(context.run.motion.is_registered, np.bool_),
        ),
    ]


def _light(context: Context) -> list[Column]:
    """Brightness of the frames, and what is wrong with them themselves."""
    prepared = context.run.prepared
    columns = [
        Column(
            "brightness",
            "Mean of the raw frame, grey levels.",
            np.asarray(prepared.brightness, np.float32),
        ),
        Column(
            "is_brightness_step",
            "Whether the brightness jumps at this frame and stays so; events around may be false.",
            np.isin(np.arange(len(prepared.brightness)), prepared.brightness_steps),
        ),
    ]
    if any(prepared.reason_left_out):
        columns.append(
            Column(
                "defect",
                "What is wrong with the frame itself: black, flash or torn; empty: nothing.",
                list(prepared.reason_left_out),
            )
        )
    return columns
