"""Components that are one cell become one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from miniscope_nwb.extract.boxes import Footprints, from_patches, from_sparse
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray

Shares = tuple[IntArray, FloatArray]  # members of a group, and what of each is taken

_OVERLAP = 0.1  # cosine of footprints from which the threshold holds
_SAME = 0.97  # cosine of footprints above which light cannot be told apart
_ALIKE = 0.65  # cosine above which even `_RELATED` traces are those of one, often a blurred one
_RELATED = 0.45  # doubles have as much, traces of cells above each other seldom
_TOUCHING = 0.8  # correlation of traces above which footprints that only touch are one, too


def groups_to_merge(
    footprints: Footprints,
    traces: npt.NDArray[np.float32],
    *,
    height: int,
    width: int,
    threshold: float,
) -> list[IntArray]:
    """Return groups of components that overlap and whose traces go together."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = len(footprints)
    matrix = footprints.sparse(height, width)
    lengths = np.sqrt(np.maximum(footprints.energies(), 1e-12))
    cosine = (matrix.T @ matrix).toarray() / np.outer(lengths, lengths)
    touching = _touching(footprints, height, width)
    first, second = np.nonzero(np.triu(touching | (cosine > _OVERLAP), 1))
    together = np.zeros((n, n), np.bool_)
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        least = _least_correlation(float(cosine[a, b]), threshold)
        together[a, b] = _correlation(traces[a], traces[b]) > least
    count, labels = connected_components(csr_array(together), directed=False)
    members = [np.flatnonzero(labels == label) for label in range(count)]
    return [group for group in members if len(group) > 1]


def _least_correlation(cosine: float, threshold: float) -> float:
    """Return the correlation of traces above which two footprints are one."""
    if cosine > _SAME:
        return -1.0
    if cosine > _ALIKE:
        return min(threshold, _RELATED)
    return threshold if cosine > _OVERLAP else max(threshold, _TOUCHING)


def _touching(footprints: Footprints, height: int, width: int) -> BoolArray:
    """Say which footprints share a pixel or have neighbouring ones, (n, n)."""
    from scipy import ndimage
    from scipy.sparse import csc_array

    patches = [
        ndimage.binary_dilation(np.pad(footprints.patch(k) > 0, 1)) for k in range(len(footprints))
    ]
    grown = from_patches(patches, footprints.boxes.top, footprints.boxes.left)
    matrix = csc_array(grown.sparse(height + 2, width + 2))
    touching: BoolArray = (matrix.T @ matrix).toarray() > 0
    return touching


def merge(
    footprints: Footprints,
    traces: npt.NDArray[np.float32],
    groups: list[IntArray],
    *,
    height: int,
    width: int,
) -> tuple[Footprints, IntArray, list[Shares]]:
    """Merge groups into their first members, in place of the traces.

    The merged footprint is the sum weighted by the traces' norms, its peak 1; the merged trace
    explains the same light.

    Returns
    -------
    footprints
        Those that are left.
    kept
        Their numbers before.
    shares
        Of each group, how much of each member's footprint the merged one holds.
    """
    from scipy.sparse import csc_array, hstack

    matrix = csc_array(footprints.sparse(height, width))
    columns = {k: matrix[:, [k]] for k in (int(group[0]) for group in groups)}
    keep = np.ones(len(footprints), np.bool_)
    shares = []
    for group in groups:
        part = matrix[:, group]
        energy = np.array([float((traces[k].astype(float) ** 2).sum()) for k in group.tolist()])
        weights = np.sqrt(energy) / max(float(np.sqrt(energy).sum()), 1e-12)
        mixed = csc_array(part @ csc_array(weights.astype(np.float32)[:, None]))
        scale = 1 / max(float(mixed.max()), 1e-12)
        mixed = mixed * np.float32(scale)
        shares.append((group, weights * scale))
        lengths = float((mixed.T @ mixed).toarray()[0, 0])
        overlap = (part.T @ mixed).toarray().ravel() / max(lengths, 1e-12)
        traces[group[0]] = (overlap[:, None] * traces[group]).sum(axis=0)
        columns[int(group[0])] = mixed
        keep[group[1:]] = False
    kept = np.flatnonzero(keep)
    parts = [columns.get(k, matrix[:, [k]]) for k in kept.tolist()]
    return from_sparse(hstack(parts, format="csc"), width), kept, shares


def _correlation(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    x, y = a.astype(np.float64), b.astype(np.float64)
    x -= x.mean()
    y -= y.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else 0.0


def scale_traces(traces: npt.NDArray[np.float32], factors: FloatArray) -> None:
    """Multiply each trace by a factor, in place."""
    for k, factor in enumerate(factors.tolist()):
        traces[k] *= np.float32(factor)
