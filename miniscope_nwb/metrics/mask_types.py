"""What a component is: soma, dendrite, axon, neuropil or artefact, by shape and size.

The rules look at sizes relative to this run's own cells. The confidence says how far the nearest
limit is: 0.5 on the limit, 1 where every quantity is twice as good as it must be.
"""

from __future__ import annotations

import numpy as np

from miniscope_nwb.metrics.cell_size import CellSize
from miniscope_nwb.metrics.measures import Measures
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import Float32, MaskType

METHOD = "miniscope-nwb rules"

_ELONGATED = 2.2  # longer by shorter axis: no soma is so long
_THIN = 0.8  # shorter axis in cell diameters: thinner than a soma
_AXON_THIN = 0.45  # thinner still: an axon, or its boutons in a row
_DIFFUSE = 4.0  # areas of a cell: more than one cell out of focus
_SOMA_AREA = (0.3, 2.0)  # areas of a cell
_SOMA_SOLIDITY = 0.7


def mask_types(
    measures: Measures, *, size: CellSize, params: QualityParams, accepted: BoolArray
) -> tuple[tuple[MaskType, ...], Float32]:
    """Name every component.

    A component that no rule knows, or that was rejected though it has the shape of a soma, is
    "unknown".

    Returns
    -------
    mask_type
        One name a component.
    confidence
        (n_cells,) float32, 0.5 to 1; 0 for "unknown".
    """
    named = [
        _name(measures, k, diameter=size.diameter_px, params=params, accepted=bool(accepted[k]))
        for k in range(len(accepted))
    ]
    kinds = tuple(kind for kind, _ in named)
    return kinds, np.array([confidence for _, confidence in named], np.float32)


def _name(
    m: Measures, k: int, *, diameter: float, params: QualityParams, accepted: bool
) -> tuple[MaskType, float]:
    ratio = m.long_axis[k] / m.short_axis[k]
    thickness = m.short_axis[k] / diameter
    area = float(m.relative_area[k])
    most = params.max_motion_correlation
    if not np.isfinite(ratio) or not m.area[k] > 0:
        return "unknown", 0.0
    if most is not None and m.motion_correlation[k] > most:
        return "artefact", _confidence(m.motion_correlation[k] / most)
    if area > _DIFFUSE:
        return "neuropil", _confidence(area / _DIFFUSE)
    if ratio > _ELONGATED and thickness < _AXON_THIN:
        return "axon", _confidence(ratio / _ELONGATED, _AXON_THIN / thickness)
    if ratio > _ELONGATED and thickness < _THIN:
        return "dendrite", _confidence(ratio / _ELONGATED, _THIN / thickness)
    is_round = ratio <= _ELONGATED and m.solidity[k] >= _SOMA_SOLIDITY and m.n_parts[k] == 1
    if accepted and is_round and _SOMA_AREA[0] <= area <= _SOMA_AREA[1]:
        return "soma", _confidence(_ELONGATED / ratio, area / _SOMA_AREA[0], _SOMA_AREA[1] / area)
    return "unknown", 0.0


def _confidence(*margins: float) -> float:
    """Turn margins (1: on the limit) into a confidence: the least of them counts."""
    return float(np.clip(0.5 * min(margins), 0.5, 1.0))
