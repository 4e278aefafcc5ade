"""CaImAn's estimates as our record: its order of pixels, its scale and its decision, translated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.engines.base import map_array
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import Float32, LowRankBackground, RingBackground

# Names of CaImAn's scores in our record; the file puts the engine's name before them.
SCORES = {"SNR_comp": "snr", "r_values": "r_value", "cnn_preds": "cnn"}
CELLS_AT_ONCE = 64  # traces that are scaled at a time


def c_order(height: int, width: int) -> Any:
    """Return where each pixel of CaImAn's order (columns first) is in ours (rows first)."""
    return np.arange(height * width).reshape(height, width).ravel(order="F")


def footprints_of(matrix: Any, *, height: int, width: int, region: BoolArray | None) -> Any:
    """Turn CaImAn's footprints into ours, and give the factor by which each was divided.

    Parameters
    ----------
    matrix
        csc (n_pixels, n_cells), pixels in CaImAn's order.
    height, width
        The field.
    region
        (height, width) pixels that a footprint may hold; None for all.

    Returns
    -------
    footprints
        csc (n_pixels, n_cells) float32, pixels in C order, maximum 1.
    factors
        (n_cells,): traces times this are in grey levels at the peak; 0 for an empty footprint.
    """
    from scipy.sparse import csc_array

    place = c_order(height, width)
    rows = place[matrix.indices]
    values = np.maximum(np.asarray(matrix.data, np.float64), 0)
    if region is not None:
        values = values * region.ravel()[rows]
    columns = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    factors = np.zeros(matrix.shape[1])
    np.maximum.at(factors, columns, values)
    values = values / np.where(factors > 0, factors, 1)[columns]
    found = csc_array((values.astype(np.float32), rows, matrix.indptr), shape=matrix.shape)
    found.eliminate_zeros()
    found.sort_indices()
    return found, factors


def write_traces(
    path: Path, source: Any, factors: FloatArray, frames: Any, blank: BoolArray | None = None
) -> Float32:
    """Scale traces into a mapped array of the scratch folder.

    Parameters
    ----------
    path
        Of the array to be made.
    source
        Called with the first and the last but one cell: their traces as CaImAn has them.
    factors
        (n_cells,) by which each is multiplied.
    frames
        Which of CaImAn's frames were recorded.
    blank
        (n_frames,) frames that become NaN.
    """
    out = map_array(path, (len(factors), len(frames)))
    for start in range(0, len(factors), CELLS_AT_ONCE):
        stop = min(start + CELLS_AT_ONCE, len(factors))
        block = source(start, stop)[:, frames] * factors[start:stop, None]
        if blank is not None:
            block[:, blank] = np.nan
        out[start:stop] = block
    return out


def matrix_of(arrays: Mapping[str, Any], name: str) -> Any:
    """Put a sparse matrix together from its parts ``NAME_data`` and so on."""
    from scipy.sparse import csc_matrix

    parts = (arrays[f"{name}_data"], arrays[f"{name}_indices"], arrays[f"{name}_indptr"])
    return csc_matrix(parts, shape=tuple(int(n) for n in arrays[f"{name}_shape"]))


def ring_of(weights: Any, b0: Any, *, height: int, width: int, radius_px: float) -> RingBackground:
    """Turn CaImAn's ring model into ours.

    Parameters
    ----------
    weights
        csc, rows: pixels of the binned grid in CaImAn's order; the last columns may be missing.
    b0
        (n_pixels,) in CaImAn's order.
    height, width
        The field.
    radius_px
        Radius of the ring.
    """
    from scipy.sparse import coo_array

    factor = binning(weights.shape[0], height, width)
    rows, columns = -(-height // factor), -(-width // factor)
    place = c_order(rows, columns)
    parts = weights.tocoo()
    moved = coo_array(
        (parts.data.astype(np.float32), (place[parts.row], place[parts.col])),
        shape=(rows * columns, rows * columns),
    )
    return RingBackground(
        weights=moved.tocsr(),
        b0=np.asarray(b0, np.float32).reshape((height, width), order="F"),
        factor=factor,
        radius_px=radius_px,
    )


def binning(n_binned: int, height: int, width: int) -> int:
    """Return the factor at which the field has so many binned pixels."""
    for factor in range(1, min(height, width) + 1):
        if -(-height // factor) * -(-width // factor) == n_binned:
            return factor
    raise ValueError(
        f"a ring model of {n_binned} pixels does not belong to a field of {height} x {width}"
    )


def low_rank_of(images: Any, traces: Any, *, height: int, width: int) -> LowRankBackground:
    """Turn CaImAn's low-rank background, (n_pixels, n) and (n, n_frames), into ours."""
    stack = np.asarray(images, np.float32).reshape((height, width, -1), order="F")
    return LowRankBackground(
        np.ascontiguousarray(stack.transpose(2, 0, 1)), np.asarray(traces, np.float32)
    )


def reasons_of(
    accepted: BoolArray, scores: Mapping[str, FloatArray], quality: Mapping[str, Any]
) -> tuple[str, ...]:
    """Say in words why CaImAn accepted or rejected each component.

    It accepts one if any of its scores reaches its high threshold and all exceed their low ones.

    Parameters
    ----------
    accepted
        (n_cells,) what CaImAn decided.
    scores
        SNR, r-value and, where computed, the network's, under our names.
    quality
        CaImAn's thresholds by its names.
    """
    rules = [
        ("SNR", scores.get("snr"), quality.get("min_SNR"), quality.get("SNR_lowest")),
        ("r", scores.get("r_value"), quality.get("rval_thr"), quality.get("rval_lowest")),
        ("network", scores.get("cnn"), quality.get("min_cnn_thr"), quality.get("cnn_lowest")),
    ]
    return tuple(_reason(cell, bool(accepted[cell]), rules) for cell in range(len(accepted)))


def _reason(cell: int, is_accepted: bool, rules: list[Any]) -> str:
    used = [rule for rule in rules if rule[1] is not None and None not in rule[2:]]
    low = [
        f"{name} {v[cell]:.2f} not above {least:g}"
        for name, v, _, least in used
        if not v[cell] > least
    ]
    high = [
        f"{name} {v[cell]:.2f} reaches {most:g}" for name, v, most, _ in used if v[cell] >= most
    ]
    missed = [f"{name} {v[cell]:.2f} below {most:g}" for name, v, most, _ in used if v[cell] < most]
    words = high if is_accepted else (low or missed)
    return "CaImAn: " + (", ".join(words) or "no score that explains it")
