"""The rules by which a component is held to be a cell, each with its reason.

A component is accepted when its own events show it in the movie, at the size of this run's cells
in focus. The first rule that speaks against it is its reason; an accepted one's reason says what
speaks for it. `docs/acceptance.md` shows what each rule keeps and rejects.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from miniscope_nwb.engines.base import Scale
from miniscope_nwb.metrics.cell_size import SPHERE_EDGE, CellSize, cell_size
from miniscope_nwb.metrics.mask_types import METHOD, mask_types
from miniscope_nwb.metrics.measures import Measures
from miniscope_nwb.metrics.neighbours import Neighbours
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


@dataclasses.dataclass(frozen=True, slots=True)
class Bench:
    """What the rules look at."""

    m: Measures
    params: QualityParams
    size: CellSize
    is_blurred: bool  # nothing in this run is in focus
    twin: list[int]  # (n_cells,) the better component on the same cell, -1: none


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
    twin = _twins(measures, neighbours, params)
    is_blurred = nothing_in_focus(measures, size=size, params=params, scale=scale)
    bench = Bench(measures, params, size, is_blurred, twin)
    against = [next(filter(None, (rule(bench, k) for rule in RULES)), "") for k in range(n)]
    accepted = np.array([not words for words in against], bool)
    reasons = tuple(words or _words_for(measures, k) for k, words in enumerate(against))
    kinds, confidence = mask_types(measures, size=size, params=params, accepted=accepted)
    return Decisions(accepted, reasons, kinds, confidence, METHOD)


def nothing_in_focus(
    measures: Measures, *, size: CellSize, params: QualityParams, scale: Scale
) -> bool:
    """Tell whether the run holds nothing but components out of focus.

    Where all are soft, none is large beside the others. Then the scale has to tell: the run's own
    cells have edges softer than a sphere's, and what their events light is wider than a soma.
    False where the size of a pixel is not known.
    """
    wide = measures.event_diameter[_evidence(measures) > 0] * scale.pixel_size_um
    wide = wide[np.isfinite(wide)]
    if params.soft_edge is None or not len(wide):
        return False
    is_soft = size.edge_width > SPHERE_EDGE + params.soft_edge
    return is_soft and float(np.median(wide)) > params.soft_diameter_um


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


def _empty(b: Bench, k: int) -> str:
    return "" if b.m.npix[k] > 0 and b.m.area[k] > 0 else "the mask is empty"


def _silent(b: Bench, k: int) -> str:
    if b.m.n_events[k]:
        return ""
    return f"no event reaches {b.params.event_enter:g} noise units"


def _low_snr(b: Bench, k: int) -> str:
    least, value = b.params.min_snr, b.m.snr[k]
    return f"SNR {value:.1f} is below {least:g}" if least is not None and value < least else ""


def _not_shown(b: Bench, k: int) -> str:
    """Reject what the movie at the component's own events does not look like."""
    least, value = b.params.min_event_correlation, b.m.event_correlation[k]
    if least is None:
        return ""
    if np.isfinite(value):
        return f"event image {value:.2f} is below {least:g}" if value < least else ""
    # No event of either half: only the whole footprint's own events, which flatter it.
    strict, r_value = b.params.min_lone_r_value, b.m.r_value[k]
    if strict is None or r_value >= strict:
        return ""
    if not np.isfinite(r_value):
        return "no event can be seen without an active neighbour or a lost frame"
    return f"no event image, and r-value {r_value:.2f} is below {strict:g}"


def _shadow(b: Bench, k: int) -> str:
    """Reject what others' events show: around its own pixels like the mask, on them not."""
    least, value = b.params.least_r_value, b.m.r_value[k]
    if least is None or not value < least:
        return ""
    return f"r-value {value:.2f} is below {least:g}: its own pixels do not look like it"


def _low_r_value(b: Bench, k: int) -> str:
    least, value = b.params.min_r_value, b.m.r_value[k]
    return f"r-value {value:.2f} is below {least:g}" if least is not None and value < least else ""


def _too_large(b: Bench, k: int) -> str:
    most, value = b.params.max_relative_area, b.m.relative_area[k]
    if most is None or not value > most:
        return ""
    return f"area {value:.2f} of this run's cells is above {most:g}: out of focus or background"


def _shows_larger(b: Bench, k: int) -> str:
    """Reject what the extraction cut out of something larger."""
    most = b.params.max_event_area
    value = _event_area(b, k)
    if most is None or not value > most:
        return ""
    return (
        f"its events light an area of {value:.2f} of this run's cells, above {most:g}: out of "
        "focus or background"
    )


def _event_area(b: Bench, k: int) -> float:
    """Area that the component's events light, in areas of this run's cells."""
    return float((b.m.event_diameter[k] / b.size.diameter_px) ** 2)


def _soft(b: Bench, k: int) -> str:
    """Reject a soft component that is large or faint, or if all are out of focus.

    Out of focus means both larger and softer, and noise draws ragged masks: so a soft one has
    tighter limits of size and of evidence.
    """
    p, edge = b.params, b.m.edge_width[k]
    if p.soft_edge is None or not np.isfinite(edge):
        return ""
    soft = f"out of focus: soft edge ({edge:.2f} radii)"
    if edge > b.size.edge_width + p.soft_edge:
        area, events, shown = b.m.relative_area[k], _event_area(b, k), b.m.event_correlation[k]
        if area > p.soft_relative_area:
            return f"{soft} and area {area:.2f} of this run's cells, above {p.soft_relative_area:g}"
        if events > p.soft_event_area:
            return f"{soft} and its events light {events:.2f} of it, above {p.soft_event_area:g}"
        if shown < p.soft_event_correlation:
            return (
                f"ragged or soft edge ({edge:.2f} radii) and event image {shown:.2f}, below "
                f"{p.soft_event_correlation:g}: noise"
            )
    if b.is_blurred and edge > SPHERE_EDGE + p.soft_edge:
        return f"{soft}, as are all components of this run, which are too wide for somata"
    return ""


def _too_small(b: Bench, k: int) -> str:
    least, value = b.params.min_relative_area, b.m.relative_area[k]
    if least is None or not value < least:
        return ""
    return f"area {value:.2f} of this run's cells is below {least:g}: a fragment"


def _moves(b: Bench, k: int) -> str:
    most, value = b.params.max_motion_correlation, b.m.motion_correlation[k]
    if most is None or not value > most:
        return ""
    return f"the trace follows the motion (correlation {value:.2f}, above {most:g})"


def _upside_down(b: Bench, k: int) -> str:
    """Reject a trace with as many events upside down: calcium only rises."""
    most = b.params.max_inverted_share
    if most is None or not b.m.event_rate[k] > 0:
        return ""
    share = b.m.false_positive_rate[k] / b.m.event_rate[k]
    if share <= most:
        return ""
    return f"the inverted trace has {share:.1f} times as many events, above {most:g}"


def _low_cnn(b: Bench, k: int) -> str:
    value = b.m.cnn[k]
    if not b.params.use_cnn or not np.isfinite(value) or value >= b.params.min_cnn:
        return ""
    return f"network score {value:.2f} is below {b.params.min_cnn:g}"


def _twin(b: Bench, k: int) -> str:
    other = b.twin[k]
    return "" if other < 0 else f"a second component on the cell of roi {other}"


# In the order in which a reader wants to hear them.
RULES: tuple[Callable[[Bench, int], str], ...] = (
    _empty,
    _silent,
    _low_snr,
    _not_shown,
    _low_r_value,
    _too_large,
    _shows_larger,
    _too_small,
    _shadow,
    _soft,
    _moves,
    _upside_down,
    _low_cnn,
    _twin,
)


def _twins(m: Measures, pairs: Neighbours, params: QualityParams) -> list[int]:
    """Find for each component the better one that lies on the same cell, -1 where there is none.

    Two components are one cell when footprints and traces are both alike. The better one has the
    larger event correlation, then the lower number.
    """
    alike = (pairs.cosine > params.twin_overlap) & (pairs.correlation > params.twin_correlation)
    score = np.nan_to_num(m.event_correlation, nan=-1.0)
    out = [-1] * len(score)
    is_close: BoolArray = alike
    for pair in np.flatnonzero(is_close).tolist():
        cell, other = int(pairs.cell[pair]), int(pairs.other[pair])
        if (score[other], -other) > (score[cell], -cell):
            out[cell] = other
    return out
