"""The rules of acceptance, one small function each: "" or what speaks against a component."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from miniscope_nwb.metrics.cell_size import SPHERE_EDGE, CellSize
from miniscope_nwb.metrics.measures import Measures
from miniscope_nwb.params.models import QualityParams


@dataclass(frozen=True, slots=True)
class Bench:
    """What the rules look at."""

    m: Measures
    params: QualityParams
    size: CellSize
    is_blurred: bool  # nothing in this run is in focus
    twin: list[int]  # (n_cells,) the better component on the same cell, -1: none
    whole: list[int]  # (n_cells,) the better component that it lies on in part, -1: none


def _below(value: float, least: float | None, words: str) -> str:
    """Say `words`, which show the value and the limit, where there is a limit that is missed."""
    return words.format(value, least) if least is not None and value < least else ""


def _above(value: float, most: float | None, words: str) -> str:
    """Say `words`, which show the value and the limit, where there is a limit that is exceeded."""
    return words.format(value, most) if most is not None and value > most else ""


def _empty(b: Bench, k: int) -> str:
    return "" if b.m.npix[k] > 0 and b.m.area[k] > 0 else "the mask is empty"


def _silent(b: Bench, k: int) -> str:
    if b.m.n_events[k]:
        return ""
    return f"no event reaches {b.params.event_enter:g} noise units"


def _low_snr(b: Bench, k: int) -> str:
    return _below(b.m.snr[k], b.params.min_snr, "SNR {:.1f} is below {:g}")


def _not_shown(b: Bench, k: int) -> str:
    """Reject what the movie at the component's own events does not look like."""
    least, value = b.params.min_event_correlation, b.m.event_correlation[k]
    if least is None or np.isfinite(value):
        return _below(value, least, "event image {:.2f} is below {:g}")
    # No event of either half: only the whole footprint's own events, which flatter it.
    strict, r_value = b.params.min_lone_r_value, b.m.r_value[k]
    if strict is None or r_value >= strict:
        return ""
    if not np.isfinite(r_value):
        return "no event can be seen without an active neighbour or a lost frame"
    return f"no event image, and r-value {r_value:.2f} is below {strict:g}"


def _shadow(b: Bench, k: int) -> str:
    """Reject what others' events show: around its own pixels like the mask, on them not."""
    words = "r-value {:.2f} is below {:g}: its own pixels do not look like it"
    return _below(b.m.r_value[k], b.params.least_r_value, words)


def _low_r_value(b: Bench, k: int) -> str:
    return _below(b.m.r_value[k], b.params.min_r_value, "r-value {:.2f} is below {:g}")


def _too_large(b: Bench, k: int) -> str:
    words = "area {:.2f} of this run's cells is above {:g}: out of focus or background"
    return _above(b.m.relative_area[k], b.params.max_relative_area, words)


def _shows_larger(b: Bench, k: int) -> str:
    """Reject what the extraction cut out of something larger."""
    words = (
        "its events light an area of {:.2f} of this run's cells, above {:g}: out of focus or "
        "background"
    )
    return _above(_event_area(b, k), b.params.max_event_area, words)


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
    words = "area {:.2f} of this run's cells is below {:g}: a fragment"
    return _below(b.m.relative_area[k], b.params.min_relative_area, words)


def _moves(b: Bench, k: int) -> str:
    words = "the trace follows the motion (correlation {:.2f}, above {:g})"
    return _above(b.m.motion_correlation[k], b.params.max_motion_correlation, words)


def _upside_down(b: Bench, k: int) -> str:
    """Reject a trace with as many events upside down: calcium only rises."""
    if not b.m.event_rate[k] > 0:
        return ""
    share = b.m.false_positive_rate[k] / b.m.event_rate[k]
    words = "the inverted trace has {:.1f} times as many events, above {:g}"
    return _above(share, b.params.max_inverted_share, words)


def _low_cnn(b: Bench, k: int) -> str:
    least = b.params.min_cnn if b.params.use_cnn else None
    return _below(b.m.cnn[k], least, "network score {:.2f} is below {:g}")


def _twin(b: Bench, k: int) -> str:
    other = b.twin[k]
    return "" if other < 0 else f"a second component on the cell of roi {other}"


def _piece(b: Bench, k: int) -> str:
    """Reject the crescent beside a bright cell that motion left uncorrected."""
    other, most = b.whole[k], b.params.piece_edge
    edge = b.m.edge_width[k]
    if other < 0 or most is None or not edge > b.size.edge_width + most:
        return ""
    return f"soft edge ({edge:.2f} radii) and partly on roi {other}: a piece of that cell"


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
    _piece,
)
