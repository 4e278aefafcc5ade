"""Compiled loops of the ring model."""

from __future__ import annotations

from typing import Any

import numpy as np

from miniscope_nwb.extract.compiled_kernels import compiled, compiled_sums


@compiled
def find_neighbours(usable: Any, offsets: Any, neighbours: Any) -> None:
    """Write the pixels on the ring around each usable pixel; -1 where there is none."""
    rows, columns = usable.shape
    for r in range(rows):
        for c in range(columns):
            if not usable[r, c]:
                continue
            for k in range(len(offsets)):
                y, x = r + offsets[k, 0], c + offsets[k, 1]
                if 0 <= y < rows and 0 <= x < columns and usable[y, x]:
                    neighbours[r * columns + c, k] = y * columns + x


@compiled_sums
def _dot(a: Any, b: Any) -> Any:
    total = np.float32(0.0)
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@compiled
def fit(data: Any, neighbours: Any, start: int, stop: int, ridge: float, weights: Any) -> None:
    """Regress each pixel on its ring; data is (n_pixels, n_frames), centred."""
    most = neighbours.shape[1]
    ring = np.empty(most, np.int64)
    slots = np.empty(most, np.int64)
    gram = np.empty((most, most))
    right = np.empty(most)
    for pixel in range(start, stop):
        n = 0
        for k in range(most):
            if neighbours[pixel, k] >= 0:
                ring[n] = neighbours[pixel, k]
                slots[n] = k
                n += 1
        if n == 0:
            continue
        trace = 0.0
        for i in range(n):
            for j in range(i + 1):
                gram[i, j] = _dot(data[ring[i]], data[ring[j]])
            right[i] = _dot(data[ring[i]], data[pixel])
            trace += gram[i, i]
        if trace <= 0.0:
            continue
        for i in range(n):
            gram[i, i] += ridge * trace / n
        _solve(gram, right, n)
        for i in range(n):
            weights[pixel, slots[i]] = right[i]


@compiled
def _solve(gram: Any, right: Any, n: int) -> None:
    """Solve a positive system by Cholesky's decomposition, in place (lower triangle)."""
    for j in range(n):
        for k in range(j):
            factor = gram[j, k]
            for i in range(j, n):
                gram[i, j] -= gram[i, k] * factor
        pivot = np.sqrt(max(gram[j, j], 1e-30))
        for i in range(j, n):
            gram[i, j] /= pivot
    for i in range(n):
        for k in range(i):
            right[i] -= gram[i, k] * right[k]
        right[i] /= gram[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= gram[k, i] * right[k]
        right[i] /= gram[i, i]
