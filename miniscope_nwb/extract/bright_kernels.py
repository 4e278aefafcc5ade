"""Compiled loops over bright pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from miniscope_nwb.extract.compiled_kernels import compiled


@compiled
def count_bright(filtered: Any, baseline: Any, noise: Any, threshold: float) -> int:
    """Count the values above the threshold; NaN are not."""
    count = 0
    n, height, width = filtered.shape
    for i in range(n):
        for y in range(height):
            for x in range(width):
                if filtered[i, y, x] - baseline[y, x] > threshold * noise[y, x]:
                    count += 1
    return count


@compiled
def take_bright(
    filtered: Any,
    baseline: Any,
    noise: Any,
    threshold: float,
    numbers: Any,
    pixels: Any,
    frames: Any,
    values: Any,
) -> None:
    """Write the values above the threshold, frame by frame."""
    at = 0
    n, height, width = filtered.shape
    for i in range(n):
        for y in range(height):
            count = 0  # most rows have few or none: counting runs over many pixels at a time
            for x in range(width):
                count += filtered[i, y, x] - baseline[y, x] > threshold * noise[y, x]
            if count == 0:
                continue
            for x in range(width):
                value = filtered[i, y, x] - baseline[y, x]
                if value > threshold * noise[y, x]:
                    pixels[at] = y * width + x
                    frames[at] = numbers[i]
                    values[at] = value / noise[y, x]
                    at += 1


@compiled
def sort_by_pixel(
    pixels: Any, frames: Any, values: Any, at: Any, out_frames: Any, out_values: Any
) -> None:
    """Put entries that are in the order of frames into the order of pixels, then of frames."""
    for i in range(len(pixels)):
        place = at[pixels[i]]
        out_frames[place] = frames[i]
        out_values[place] = values[i]
        at[pixels[i]] = np.int64(place + 1)
