"""Shifts in CaImAn's results file; only its pipeline in one call (``fit_file``) stores them."""

from __future__ import annotations

from typing import Any

import numpy as np

from miniscope_nwb.engines.caiman.motion import place_blocks
from miniscope_nwb.engines.caiman.saved_file import SavedFile
from miniscope_nwb.results import MotionBlocks, MotionResult


def saved_motion(
    file: SavedFile,
    parameters: dict[str, Any],
    height: int,
    width: int,
    n_frames: int,
    versions: dict[str, str],
    notes: list[str],
) -> MotionResult | None:
    """Return the stored shifts, None where there are none.

    CaImAn stores no template beside them: here it is NaN.
    """
    stored = file.array("estimates/shifts")
    if stored is None or stored.size == 0 or not np.issubdtype(stored.dtype, np.number):
        return None
    shifts = np.asarray(stored[()], np.float32)
    blocks, block_shifts = None, None
    if shifts.shape == (n_frames, 2):
        rigid = shifts[:, ::-1]
    elif shifts.ndim == 3 and shifts.shape[:2] == (2, n_frames):
        moved = np.stack([shifts[1], shifts[0]], axis=2)
        rigid = moved.mean(axis=1)
        blocks = saved_blocks(parameters.get("motion", {}), height, width, shifts.shape[2])
        block_shifts = moved if blocks is not None else None
        if blocks is None:
            notes.append("Its blocks cannot be placed: their mean shift is taken.")
    else:
        shape = " x ".join(map(str, shifts.shape))
        notes.append(f"Its shifts ({shape}) do not belong to {n_frames} frames and are left out.")
        return None
    return MotionResult(
        template=np.full((height, width), np.nan, np.float32),
        shifts_px=np.ascontiguousarray(rigid),
        blocks=blocks,
        block_shifts_px=block_shifts,
        is_registered=np.ones(n_frames, np.bool_),
        block_residual_px=float("nan"),
        versions=versions,
    )


def saved_blocks(
    motion: dict[str, Any], height: int, width: int, n_blocks: int
) -> MotionBlocks | None:
    """Say where CaImAn's blocks lie by its parameters; None where their number does not fit.

    Blocks begin every ``strides`` pixels and are as long as stride and overlap together; the last
    one ends at the edge. Without OpenCV the grid is finer by ``upsample_factor_grid``.
    """
    try:
        strides = np.ravel(motion["strides"]).astype(int)[:2]
        overlaps = np.ravel(motion["overlaps"]).astype(int)[:2]
    except (KeyError, TypeError, ValueError):
        return None
    for finer in (1, int(motion.get("upsample_factor_grid") or 1)):
        steps = np.round(strides / finer).astype(int)
        size = steps + overlaps
        starts = [
            [*range(0, side - length, step), side - length]
            for side, length, step in zip((height, width), size, steps, strict=True)
        ]
        if len(starts[0]) * len(starts[1]) == n_blocks:
            return place_blocks(np.array(starts[0]), np.array(starts[1]), size)
    return None
