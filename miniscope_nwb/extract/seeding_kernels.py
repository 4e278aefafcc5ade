"""Compiled loops of the greedy seeding, over the sparse time courses of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from miniscope_nwb.extract.compiled_kernels import compiled


@compiled
def _moments(values: Any, start: int, stop: int) -> Any:
    """Return sum, sum of squares and maximum of one pixel's values."""
    total = squares = peak = 0.0
    for i in range(start, stop):
        value = values[i]
        total += value
        squares += value * value
        peak = max(peak, value)
    return total, squares, peak


@compiled
def _product(frames: Any, values: Any, a: int, a_stop: int, b: int, b_stop: int) -> float:
    """Return the sum of products of two pixels at their common frames."""
    total = 0.0
    while a < a_stop and b < b_stop:
        if frames[a] == frames[b]:
            total += values[a] * values[b]
            a += 1
            b += 1
        elif frames[a] < frames[b]:
            a += 1
        else:
            b += 1
    return total


@compiled
def score(
    starts: Any,
    frames: Any,
    values: Any,
    n_frames: int,
    top: int,
    bottom: int,
    left: int,
    right: int,
    corr: Any,
    pnr: Any,
) -> None:
    """Write local correlation and peak-to-noise ratio of the pixels of a rectangle."""
    height, width = corr.shape
    for y in range(top, bottom):
        for x in range(left, right):
            pixel = y * width + x
            total, squares, peak = _moments(values, starts[pixel], starts[pixel + 1])
            pnr[y, x] = peak
            variance = squares - total * total / n_frames
            corr[y, x] = 0.0
            if variance <= 0.0:
                continue
            correlations, count = 0.0, 0
            for down in range(-1, 2):
                for across in range(-1, 2):
                    v, u = y + down, x + across
                    if (down == 0 and across == 0) or not (0 <= v < height and 0 <= u < width):
                        continue
                    count += 1
                    other = v * width + u
                    total2, squares2, _ = _moments(values, starts[other], starts[other + 1])
                    variance2 = squares2 - total2 * total2 / n_frames
                    if variance2 <= 0.0:
                        continue
                    product = _product(
                        frames, values, starts[pixel], starts[pixel + 1], starts[other],
                        starts[other + 1],
                    )  # fmt: skip
                    covariance = product - total * total2 / n_frames
                    correlations += covariance / np.sqrt(variance * variance2)
            corr[y, x] = correlations / max(count, 1)


@compiled
def best_pixel(corr: Any, pnr: Any, is_barred: Any, min_corr: float, min_pnr: float) -> Any:
    """Return row and column of the pixel with the largest product, -1 where none is left."""
    best, at_y, at_x = 0.0, -1, -1
    height, width = corr.shape
    for y in range(height):
        for x in range(width):
            if corr[y, x] < min_corr or pnr[y, x] < min_pnr or is_barred[y, x]:
                continue
            value = corr[y, x] * pnr[y, x]
            if value > best:
                best, at_y, at_x = value, y, x
    return at_y, at_x


@compiled
def take_seed(
    starts: Any,
    frames: Any,
    values: Any,
    width: int,
    y: int,
    x: int,
    top: int,
    left: int,
    trace: Any,
    weights: Any,
    leftover: float,
) -> None:
    """Write a seed's trace and the weights of the pixels around it, and take both off.

    Weights are found on the seed's brightest frames, where its own light stands out. What is taken
    off a pixel is found on all frames in which it is bright together with the seed.
    """
    trace[:] = 0.0
    seed = y * width + x
    count = starts[seed + 1] - starts[seed]
    own = np.empty(count, np.float32)
    for i in range(count):
        own[i] = values[starts[seed] + i]
        trace[frames[starts[seed] + i]] = own[i]
    own.sort()
    strong = 0.5 * own[max(0, count - 10)]
    strong_squares = 0.0
    for i in range(count):
        if own[i] >= strong:
            strong_squares += own[i] * own[i]
    rows, columns = weights.shape
    for r in range(rows):
        for c in range(columns):
            pixel = (top + r) * width + left + c
            strong_product = product = squares = 0.0
            for i in range(starts[pixel], starts[pixel + 1]):
                value = trace[frames[i]]
                if value > 0.0:
                    product += value * values[i]
                    squares += value * value
                    if value >= strong:
                        strong_product += value * values[i]
            if squares == 0.0:
                continue
            weights[r, c] = strong_product / strong_squares
            ratio = product / squares
            for i in range(starts[pixel], starts[pixel + 1]):
                explained = ratio * trace[frames[i]]
                if explained > 0.0:
                    rest = values[i] - explained
                    values[i] = rest if rest > max(3.0, leftover * explained) else 0.0
