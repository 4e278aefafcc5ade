"""Compiled loops over frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from miniscope_nwb.extract.compiled_kernels import compiled


@compiled
def centre(raw: Any, mean: Any, out: Any) -> None:
    """Take the mean off; what is not finite becomes 0."""
    n, height, width = raw.shape
    for i in range(n):
        for y in range(height):
            for x in range(width):
                value = np.float32(raw[i, y, x]) - mean[y, x]
                out[i, y, x] = value if np.isfinite(value) else np.float32(0.0)


@compiled
def add_frames(frames: Any, seen: Any, sums: Any, counts: Any) -> None:
    """Add what was seen of each frame."""
    for i in range(len(frames)):
        for y in range(seen[i, 0], seen[i, 1]):
            for x in range(seen[i, 2], seen[i, 3]):
                sums[y, x] += frames[i, y, x]
                counts[y, x] += 1


@compiled
def bin_pixels(frames: Any, factor: int, out: Any) -> None:
    """Average squares of `factor` pixels; those at the edge may be cut."""
    n, height, width = frames.shape
    rows, columns = out.shape[1], out.shape[2]
    line = np.empty(columns * factor, np.float32)
    for i in range(n):
        frame = frames[i]
        for r in range(rows):
            top, bottom = r * factor, min((r + 1) * factor, height)
            line[width:] = 0.0
            for x in range(width):
                line[x] = frame[top, x]
            for y in range(top + 1, bottom):
                for x in range(width):
                    line[x] += frame[y, x]
            target = out[i, r]
            scale = np.float32(1.0 / ((bottom - top) * factor))
            for c in range(columns):
                target[c] = line[c * factor] * scale
            for k in range(1, factor):
                for c in range(columns):
                    target[c] += line[c * factor + k] * scale
            last = width - (columns - 1) * factor
            target[columns - 1] *= np.float32(factor / last)


@compiled
def fill_unseen(frames: Any, seen: Any, factor: int, height: int, width: int) -> None:
    """Continue the outermost squares that were seen as a whole to the edge of the frame."""
    n, rows, columns = frames.shape
    for i in range(n):
        top = -(-seen[i, 0] // factor)
        bottom = rows if seen[i, 1] == height else seen[i, 1] // factor
        left = -(-seen[i, 2] // factor)
        right = columns if seen[i, 3] == width else seen[i, 3] // factor
        if top >= bottom or left >= right:
            frames[i] = 0.0
            continue
        for r in range(rows):
            from_row = min(max(r, top), bottom - 1)
            for c in range(columns):
                if r < top or r >= bottom or c < left or c >= right:
                    frames[i, r, c] = frames[i, from_row, min(max(c, left), right - 1)]


@compiled
def average(frames: Any, cuts: Any, out: Any) -> None:
    """Average the frames [cuts[i], cuts[i + 1]); NaN where any of them is, or there is none."""
    _, height, width = out.shape
    for i in range(len(out)):
        count = cuts[i + 1] - cuts[i]
        if count == 0:
            out[i] = np.nan
            continue
        scale = np.float32(1.0 / count)
        for y in range(height):
            row = out[i, y]
            for x in range(width):
                row[x] = frames[cuts[i], y, x]
            for k in range(cuts[i] + 1, cuts[i + 1]):
                for x in range(width):
                    row[x] += frames[k, y, x]
            for x in range(width):
                row[x] *= scale
