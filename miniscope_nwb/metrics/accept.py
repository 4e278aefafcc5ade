"""Decides which components are cells, by the rules of `rules.py`, and says why.

A component is accepted when its own events show it in the movie, at the size of this run's cells
in focus. The first rule that speaks against it is its reason; an accepted one's reason says what
speaks for it. `docs/acceptance.md` shows what each rule keeps and rejects.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from miniscope_nwb.engines.base import Scale
from miniscope_nwb.metrics.cell_size import SPHERE_EDGE, CellSize, cell_size
from miniscope_nwb.metrics.mask_types import METHOD, mask_types
from miniscope_nwb.metrics.measures import Measures
from miniscope_nwb.metrics.neighbours import Neighbours
from miniscope_nwb.metrics.rules import RULES, Bench
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import Decisions, ExtractionResult, MaskType

_EVIDENT = 0.5  # event correlation of components that tell how large a cell is


def with_relative_area(measures: Measures, *, prior_px: float) -> tuple[Measures, CellSize]:
    """Add the area relative to this run's own cells in focus.

    Components whose events show them (event correlation above 0.5) and that lie whole inside the
    field tell how large and sharp a cell is, each by its evidence.
    """
    size = cell_size(
        measures.equivalent_diameter,
        measures.edge_width,
        weights=_evidence(measures),
        prior_px=prior_px,
    )
    relative = measures.area / size.area_px2
    return dataclasses.replace(measures, relative_area=relative), size


def _evidence(measures: Measures) -> FloatArray:
    """Return how much each component tells of cells: 0 from an event image of 0.5 to 1 from 1."""
    score = (np.nan_to_num(measures.event_correlation) - _EVIDENT) / (1 - _EVIDENT)
    weights: FloatArray = np.where(measures.edge_distance > 0, np.clip(score, 0, 1), 0.0)
    return weights


def decide(
    measures: Measures,
    neighbours: Neighbours,
    *,
    size: CellSize,
    params: QualityParams,
    scale: Scale,
) -> Decisions:
    """Accept or reject every component, with the reason, and name what it is."""
    n = len(measures.snr)
    is_twin = (neighbours.cosine > params.twin_overlap) & (
        neighbours.correlation > params.twin_correlation
    )
    twin = _better(measures, neighbours, is_twin)
    whole = _better(measures, neighbours, neighbours.cosine > params.piece_overlap)
    wide_um = soft_diameter_um(measures, size=size, params=params, scale=scale)
    is_blurred = params.soft_diameter_um is not None and wide_um > params.soft_diameter_um
    bench = Bench(measures, params, size, is_blurred, twin, whole)
    against = [next(filter(None, (rule(bench, k) for rule in RULES)), "") for k in range(n)]
    accepted = np.array([not words for words in against], bool)
    reasons = tuple(words or _words_for(measures, k) for k, words in enumerate(against))
    kinds, confidence = mask_types(measures, size=size, params=params, accepted=accepted)
    return Decisions(accepted, reasons, kinds, confidence, METHOD)


def soft_diameter_um(
    measures: Measures, *, size: CellSize, params: QualityParams, scale: Scale
) -> float:
    """Return how wide the components of a run are that are all soft: of what their events light.

    Where all are soft, none is large beside the others, and it cannot be told from the run alone
    whether nothing was in focus or whether optics and tissue blur the cells themselves. 0 where the
    run's own cells have edges no softer than a sphere's, or the size of a pixel is not known.
    """
    wide = measures.event_diameter[_evidence(measures) > 0] * scale.pixel_size_um
    wide = wide[np.isfinite(wide)]
    if params.soft_edge is None or not len(wide):
        return 0.0
    is_soft = size.edge_width > SPHERE_EDGE + params.soft_edge
    return float(np.median(wide)) if is_soft else 0.0


def engine_decisions(extraction: ExtractionResult) -> Decisions | None:
    """Return the engine's own decision as a round of curation; None where it makes none."""
    if extraction.engine_accepted is None:
        return None
    n = extraction.n_cells
    reasons = extraction.engine_reasons or ("by the engine",) * n
    unknown: MaskType = "unknown"
    return Decisions(
        accepted=extraction.engine_accepted,
        reason=reasons,
        mask_type=(unknown,) * n,
        confidence=np.full(n, np.nan, np.float32),
        method=extraction.versions.get("evaluation", "the engine's own evaluation"),
    )


def _words_for(m: Measures, k: int) -> str:
    """Say what speaks for an accepted component."""
    shown = (
        f"event image {m.event_correlation[k]:.2f}"
        if np.isfinite(m.event_correlation[k])
        else f"r-value {m.r_value[k]:.2f}"
    )
    return (
        f"{m.n_events[k]} events, SNR {m.snr[k]:.1f}, {shown}, "
        f"area {m.relative_area[k]:.2f} of this run's cells"
    )


def _better(m: Measures, pairs: Neighbours, alike: BoolArray) -> list[int]:
    """Find for each component a better one among those `alike` (n_pairs,); -1 where there is none.

    The better one has the larger event correlation, then the lower number.
    """
    score = np.nan_to_num(m.event_correlation, nan=-1.0)
    out = [-1] * len(score)
    for pair in np.flatnonzero(alike).tolist():
        cell, other = int(pairs.cell[pair]), int(pairs.other[pair])
        if (score[other], -other) > (score[cell], -cell):
            out[cell] = other
    return out
