"""Compiled loops over the statistics of a footprint update."""

from __future__ import annotations

from typing import Any

import numpy as np

from miniscope_nwb.extract.compiled_kernels import compiled


@compiled
def take_cells_off(
    sums: Any,
    top: Any,
    bottom: Any,
    left: Any,
    right: Any,
    starts: Any,
    gram: Any,
    indptr: Any,
    indices: Any,
    data: Any,
    columns: int,
) -> None:
    """Subtract footprints (csc) times `gram` from the sums in each rectangle."""
    n = len(top)
    for k in range(n):
        width = right[k] - left[k]
        for j in range(n):
            amount = gram[j, k]
            if amount == 0.0:
                continue
            for i in range(indptr[j], indptr[j + 1]):
                y, x = indices[i] // columns, indices[i] % columns
                if top[k] <= y < bottom[k] and left[k] <= x < right[k]:
                    sums[starts[k] + (y - top[k]) * width + x - left[k]] -= amount * data[i]


@compiled
def take_ring_off(
    sums: Any,
    top: Any,
    bottom: Any,
    left: Any,
    right: Any,
    starts: Any,
    ring_sums: Any,
    ring_top: Any,
    ring_bottom: Any,
    ring_left: Any,
    ring_right: Any,
    ring_starts: Any,
    indptr: Any,
    indices: Any,
    weights: Any,
    columns: int,
    factor: int,
) -> None:
    """Subtract the ring's weighted sums of coarse pixels from those of the fine ones."""
    for k in range(len(top)):
        wide = ring_right[k] - ring_left[k]
        for r in range(top[k] // factor, (bottom[k] - 1) // factor + 1):
            for c in range(left[k] // factor, (right[k] - 1) // factor + 1):
                pixel = r * columns + c
                total = 0.0
                for i in range(indptr[pixel], indptr[pixel + 1]):
                    y = indices[i] // columns - ring_top[k]
                    x = indices[i] % columns - ring_left[k]
                    total += weights[i] * ring_sums[ring_starts[k] + y * wide + x]
                for y in range(max(r * factor, top[k]), min((r + 1) * factor, bottom[k])):
                    at = starts[k] + (y - top[k]) * (right[k] - left[k]) - left[k]
                    for x in range(max(c * factor, left[k]), min((c + 1) * factor, right[k])):
                        sums[at + x] -= total


@compiled
def descend(
    values: Any,
    allowed: Any,
    top: Any,
    bottom: Any,
    left: Any,
    right: Any,
    starts: Any,
    products: Any,
    gram: Any,
    n_sweeps: int,
) -> None:
    """Hierarchical alternating least squares on the footprints, none below zero, in place."""
    n = len(top)
    largest = 0
    for k in range(n):
        largest = max(largest, starts[k + 1] - starts[k])
    rest = np.empty(largest)
    for _ in range(n_sweeps):
        for k in range(n):
            if gram[k, k] <= 0.0:
                continue
            size = starts[k + 1] - starts[k]
            width = right[k] - left[k]
            for i in range(size):
                rest[i] = products[starts[k] + i]
            for j in range(n):
                amount = gram[j, k]
                if amount == 0.0:
                    continue
                for y in range(max(top[k], top[j]), min(bottom[k], bottom[j])):
                    mine = (y - top[k]) * width - left[k]
                    its = starts[j] + (y - top[j]) * (right[j] - left[j]) - left[j]
                    for x in range(max(left[k], left[j]), min(right[k], right[j])):
                        rest[mine + x] -= amount * values[its + x]
            for i in range(size):
                at = starts[k] + i
                if allowed[at]:
                    value = values[at] + rest[i] / gram[k, k]
                    values[at] = max(value, 0.0)
                else:
                    values[at] = 0.0
