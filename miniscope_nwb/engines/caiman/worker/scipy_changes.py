"""Gives CaImAn the SciPy that it was written for."""

from __future__ import annotations

from typing import Any


def flatten_toeplitz() -> None:
    """Let `scipy.linalg.toeplitz` take columns, (n, 1), as vectors again.

    Up to SciPy 1.16 it flattened what it was given; since 1.17 it makes a matrix of each row, and
    CaImAn 1.12.1, which hands over columns, breaks down when it fits the decay of a trace.
    """
    try:
        import numpy as np
        import scipy.linalg
    except ImportError:
        return  # so CaImAn is not here either, and whoever imports it will say that

    toeplitz = scipy.linalg.toeplitz
    if toeplitz(np.zeros((2, 1))).ndim == 2:
        return

    def of_vectors(c: Any, r: Any = None) -> Any:
        return toeplitz(np.ravel(c), None if r is None else np.ravel(r))

    scipy.linalg.toeplitz = of_vectors
