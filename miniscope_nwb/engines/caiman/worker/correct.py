"""The corrected movie in the file that CaImAn maps, with its own shifts applied by itself.

Another interpolation of the same shifts smooths the noise in another way, and the components would
differ by a per cent from those of CaImAn's own pipeline.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def write_corrected_map(job: dict[str, Any], folder: Path) -> None:
    """Correct ``frames.npy`` by the shifts in ``moves.npz`` and write the map ``job["movie"]``.

    ``moves.npz`` holds ``rigid`` (n_frames, 2) or ``blocks`` (n_frames, n_blocks, 2), rows before
    columns, with ``row_middle`` and ``column_middle`` of the blocks; and for each frame that is
    handed over ``before``, ``after`` and ``weight``: which recorded frames it is mixed of.
    """
    frames = np.load(folder / "frames.npy", mmap_mode="r")
    with np.load(folder / "moves.npz") as stored:
        moves = dict(stored)
    before, after, weight = moves["before"], moves["after"], moves["weight"]
    _, height, width = frames.shape
    n_handed = len(before)
    out = np.memmap(job["movie"], np.float32, "w+", shape=(width, height, n_handed))
    n_buffer = min(n_handed, max(1, int(job["buffer_bytes"]) // (4 * height * width)))
    buffer = np.empty((width, height, n_buffer), np.float32)
    correct = _make_correction(moves)
    for start in range(0, n_handed, n_buffer):
        stop = min(start + n_buffer, n_handed)
        for number in range(start, stop):
            frame = correct(frames, int(before[number]))
            if weight[number] > 0:
                other = correct(frames, int(after[number]))
                frame = (1 - weight[number]) * frame + weight[number] * other
            buffer[:, :, number - start] = frame.T
        out[:, :, start:stop] = buffer[:, :, : stop - start]
    out.flush()


def _make_correction(moves: dict[str, Any]) -> Any:
    """Return the function that corrects one frame, as CaImAn's motion correction does it."""
    from caiman import motion_correction

    if "blocks" in moves:
        centers = (moves["row_middle"].tolist(), moves["column_middle"].tolist())

        def bend(frames: Any, number: int) -> Any:
            image = np.asarray(frames[number], np.float64)
            rows, columns = moves["blocks"][number].T
            return motion_correction.apply_pw_shifts_remap_2d(
                image,
                shifts_y=-rows,
                shifts_x=-columns,
                patch_centers=centers,
                border_nan="copy",
            )

        return bend

    def shift(frames: Any, number: int) -> Any:
        image = np.asarray(frames[number], np.float64)
        rows, columns = moves["rigid"][number].tolist()
        return motion_correction.apply_shift_iteration(image, (rows, columns), border_nan="copy")

    return shift
