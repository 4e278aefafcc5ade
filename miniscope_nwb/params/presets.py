"""Named sets of parameters, each value with its reason.

A preset changes only what depends on the indicator; sizes come from the movie. Decay times are
where the estimate begins, so a preset names the indicator and leaves the time to be estimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from miniscope_nwb.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of parameters."""

    summary: str
    values: dict[str, Any]  # "stage.key" -> value
    reasons: dict[str, str]  # "stage.key" -> why


def _indicator(
    name: str, summary: str, event_min_s: float, event_refractory_s: float, f0_window_s: float
) -> Preset:
    return Preset(
        summary,
        values={
            "extract.indicator": name,
            "quality.event_min_s": event_min_s,
            "quality.event_refractory_s": event_refractory_s,
            "traces.f0_window_s": f0_window_s,
        },
        reasons={
            "extract.indicator": "the decay time starts from the indicator's",
            "quality.event_min_s": "a fifth of the decay: a real event does not end sooner",
            "quality.event_refractory_s": "two fifths of the decay: a second onset within it is "
            "the same event's noise",
            "traces.f0_window_s": "an active cell must come back to its baseline within the "
            "window: about a hundred decays, at least 30 s",
        },
    )


# Indicator, what it is, then event_min_s, event_refractory_s and f0_window_s.
_INDICATORS = (
    ("GCaMP6f", "decay of half a second (Chen et al. 2013)", 0.1, 0.2, 60.0),
    ("GCaMP6m", "decay of about a second (Chen et al. 2013)", 0.2, 0.4, 90.0),
    ("GCaMP6s", "decay of nearly two seconds (Chen et al. 2013)", 0.35, 0.7, 180.0),
    ("GCaMP8f", "the fastest of the jGCaMP8 (Zhang et al. 2023)", 0.05, 0.1, 30.0),
    ("GCaMP8m", "fast rise, decay of a third of a second (Zhang et al. 2023)", 0.07, 0.15, 30.0),
    ("GCaMP8s", "the most sensitive of the jGCaMP8 (Zhang et al. 2023)", 0.1, 0.2, 60.0),
)
PRESETS = {row[0]: _indicator(*row) for row in _INDICATORS}


def find_preset(name: str) -> Preset:
    """Return a preset; case does not matter.

    Raises
    ------
    ParameterError
        If there is none of that name; names the nearest and all that there are.
    """
    by_lower = {known.lower(): known for known in PRESETS}
    if name.lower() in by_lower:
        return PRESETS[by_lower[name.lower()]]
    near = get_close_matches(name.lower(), by_lower, n=1)
    hint = f"did you mean {by_lower[near[0]]}? There are" if near else "there are"
    raise ParameterError(f"there is no preset {name!r}; {hint} {', '.join(PRESETS)}.")
