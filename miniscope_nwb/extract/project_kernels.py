"""Compiled products of frames with footprints that lie in rectangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from miniscope_nwb.extract.compiled_kernels import compiled, compiled_sums


@compiled_sums
def project(
    frames: Any, top: Any, bottom: Any, left: Any, right: Any, starts: Any, values: Any, out: Any
) -> None:
    """Write the sum of footprint times frame, (n_cells, n_frames)."""
    for i in range(len(frames)):
        frame = frames[i]
        for k in range(len(top)):
            total = np.float64(0.0)
            columns = right[k] - left[k]
            at = starts[k]
            for y in range(top[k], bottom[k]):
                row = frame[y, left[k] : right[k]]
                weights = values[at : at + columns]
                part = np.float32(0.0)
                for x in range(columns):
                    part += weights[x] * row[x]
                total += part
                at += columns
            out[k, i] = total


@compiled
def seen_energy(
    seen: Any, top: Any, bottom: Any, left: Any, right: Any, starts: Any, values: Any, out: Any
) -> None:
    """Write each footprint's sum of squares over what was seen, (n_cells, n_frames)."""
    for i in range(len(seen)):
        for k in range(len(top)):
            whole = (
                seen[i, 0] <= top[k]
                and seen[i, 1] >= bottom[k]
                and seen[i, 2] <= left[k]
                and seen[i, 3] >= right[k]
            )
            if whole:
                out[k, i] = -1.0
                continue
            total = 0.0
            columns = right[k] - left[k]
            for y in range(max(seen[i, 0], top[k]), min(seen[i, 1], bottom[k])):
                for x in range(max(seen[i, 2], left[k]), min(seen[i, 3], right[k])):
                    value = values[starts[k] + (y - top[k]) * columns + x - left[k]]
                    total += value * value
            out[k, i] = total


@compiled
def take_off(
    frames: Any,
    seen: Any,
    top: Any,
    bottom: Any,
    left: Any,
    right: Any,
    starts: Any,
    values: Any,
    amounts: Any,
) -> None:
    """Subtract footprints times amounts (n_frames, n_cells) from what was seen of the frames."""
    for i in range(len(frames)):
        frame = frames[i]
        for k in range(len(top)):
            amount = amounts[i, k]
            if amount == 0.0:
                continue
            columns = right[k] - left[k]
            low, high = max(seen[i, 2], left[k]), min(seen[i, 3], right[k])
            for y in range(max(seen[i, 0], top[k]), min(seen[i, 1], bottom[k])):
                at = starts[k] + (y - top[k]) * columns - left[k]
                for x in range(low, high):
                    frame[y, x] -= amount * values[at + x]


@compiled
def accumulate(
    frames: Any, top: Any, bottom: Any, left: Any, right: Any, starts: Any, amounts: Any, out: Any
) -> None:
    """Add frames times amounts (n_frames, n_cells) inside of each rectangle; `out` is flat."""
    for i in range(len(frames)):
        frame = frames[i]
        for k in range(len(top)):
            amount = amounts[i, k]
            if amount == 0.0:
                continue
            columns = right[k] - left[k]
            at = starts[k]
            for y in range(top[k], bottom[k]):
                row = frame[y, left[k] : right[k]]
                sums = out[at : at + columns]
                for x in range(columns):
                    sums[x] += amount * row[x]
                at += columns
