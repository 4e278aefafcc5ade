"""CaImAn's shifts as our record: rows and columns become x and y, blocks become places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import Derived, Float32, MotionBlocks, MotionResult

AT_BOUND_PX = 0.5  # a shift so near to the farthest allowed one was not found but stopped


def to_motion_result(
    arrays: Mapping[str, Any],
    *,
    is_left_out: BoolArray,
    max_shift_px: float,
    derived: tuple[Derived, ...],
    versions: dict[str, str],
) -> MotionResult:
    """Turn what the worker wrote into our record.

    CaImAn's shift is already the correction: it adds it to the frame's position. Frames that are
    left out get shifts between those of their neighbours; one whose shift stands at the farthest
    allowed one could not be placed.
    """
    blocks, block_shifts = None, None
    if "blocks" in arrays:
        block_shifts = interpolated(arrays["blocks"][:, :, ::-1], is_left_out)
        blocks = place_blocks(arrays["row_start"], arrays["column_start"], arrays["size"])
    if "rigid" in arrays:
        rigid = interpolated(arrays["rigid"][:, ::-1], is_left_out)
    else:
        rigid = block_shifts.mean(axis=1)  # type: ignore[union-attr] # one of both is there
    is_placed = np.abs(rigid).max(axis=1) < max_shift_px - AT_BOUND_PX
    return MotionResult(
        template=np.asarray(arrays["template"], np.float32),
        shifts_px=rigid,
        blocks=blocks,
        block_shifts_px=block_shifts,
        is_registered=is_placed & ~is_left_out,
        block_residual_px=float("nan"),
        derived=derived,
        versions=versions,
    )


def interpolated(values: Any, is_left_out: BoolArray) -> Float32:
    """Replace the values of frames that are left out by those between their neighbours."""
    out = np.array(values, np.float32)
    usable = np.flatnonzero(~is_left_out)
    if is_left_out.any() and len(usable):
        flat = out.reshape(len(out), -1)
        missing = np.flatnonzero(is_left_out)
        for column in flat.T:
            column[missing] = np.interp(missing, usable, column[usable])
    return out


def place_blocks(row_start: Any, column_start: Any, size: Any) -> MotionBlocks:
    """Say where the blocks lie, row by row.

    Parameters
    ----------
    row_start, column_start
        First row and column of the blocks, (n_down,) and (n_across,).
    size
        Rows and columns of a block.
    """
    y, x = (
        grid.ravel().astype(np.int64)
        for grid in np.meshgrid(row_start, column_start, indexing="ij")
    )
    rows, columns = int(size[0]), int(size[1])
    return MotionBlocks(len(row_start), len(column_start), x, x + columns, y, y + rows)


def unmoved(n_frames: int, template: Any, versions: dict[str, str]) -> MotionResult:
    """Return the record of a movie whose motion is not corrected."""
    return MotionResult(
        template=np.asarray(template, np.float32),
        shifts_px=np.zeros((n_frames, 2), np.float32),
        blocks=None,
        block_shifts_px=None,
        is_registered=np.ones(n_frames, np.bool_),
        block_residual_px=float("nan"),
        versions=versions,
    )
