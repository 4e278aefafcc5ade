"""Motion correction by CaImAn: shifts and template, as CaImAn has them (rows before columns)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np


def estimate_motion(
    job: dict[str, Any], options: Any, view: Any, folder: Path, channel: Any
) -> dict[str, Any]:
    """Estimate the motion; the corrected movie is not stored, its reader makes it from the shifts.

    Writes ``motion.npz``: ``rigid`` (n_frames, 2), ``template``, and for piecewise correction
    ``blocks`` (n_frames, n_blocks, 2), ``row_start``, ``column_start`` and ``size`` of the blocks.
    """
    from caiman.motion_correction import MotionCorrect

    began = time.perf_counter()
    found = MotionCorrect([job["movie"]], dview=view, **options.get_group("motion"))
    template = np.load(folder / job["template"]) if job.get("template") else None
    found.motion_correct(template=template, save_movie=False)
    channel.tell(step=1, of=1, what="motion")
    arrays: dict[str, Any] = {}
    if found.pw_rigid:
        arrays["blocks"] = np.stack(
            [np.asarray(found.x_shifts_els), np.asarray(found.y_shifts_els)], axis=2
        ).astype(np.float32)
        arrays["template"] = np.asarray(found.total_template_els, np.float32)
        arrays.update(_block_places(found, job))
    else:
        arrays["template"] = np.asarray(found.total_template_rig, np.float32)
    if getattr(found, "shifts_rig", None):
        arrays["rigid"] = np.asarray(found.shifts_rig, np.float32)
    np.savez(folder / "motion.npz", **arrays)
    return {"seconds": {"motion": time.perf_counter() - began}}


def _block_places(found: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Where the blocks lie: CaImAn keeps no coordinates of them, its helper tells the middles."""
    from caiman.motion_correction import get_patch_centers

    centers = get_patch_centers(
        (job["height"], job["width"]),
        overlaps=found.overlaps,
        strides=found.strides,
        shifts_opencv=found.shifts_opencv,
        upsample_factor_grid=found.upsample_factor_grid,
    )
    strides = np.asarray(found.strides, float)
    if not found.shifts_opencv:
        strides = np.round(strides / found.upsample_factor_grid)
    size = (strides + np.asarray(found.overlaps)).astype(int)
    rows, columns = (np.asarray(values) - (n - 1) / 2 for values, n in zip(centers, size))  # noqa: B905 - Python 3.9
    return {
        "row_start": np.rint(rows).astype(int),
        "column_start": np.rint(columns).astype(int),
        "size": size,
    }
