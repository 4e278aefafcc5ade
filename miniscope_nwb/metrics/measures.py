"""The metrics of all components side by side, and what each of them says."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from miniscope_nwb.recording import FloatArray, IntArray
from miniscope_nwb.results import MetricColumn

DESCRIPTIONS = {
    "snr": "event exceptionality, standard deviations (Giovannucci et al. 2019)",
    "robust_snr": "median height of the events above the median, standard deviations of the noise",
    "r_value": "correlation of the footprint with the mean movie at its events, on its own pixels, "
    "events with an active overlapping neighbour left out; -1 to 1",
    "event_correlation": "correlation of the footprint with its event image, events found on one "
    "half of the pixels and judged on the other; -1 to 1",
    "null_correlation": "the same with the footprint at a place without a cell; -1 to 1",
    "cnn": "score of the engine's network, 0 to 1",
    "npix": "pixels of the stored mask above zero",
    "area": "area at half of the maximum, square pixels",
    "relative_area": "area at half of the maximum, in areas of this run's own cells in focus",
    "equivalent_diameter": "diameter of the disc of that area, pixels",
    "event_diameter": "diameter of what the event picture shows, at half of its height, pixels",
    "edge_width": "width of the edge, 75 to 25 % of the maximum, in radii; 0.77: a Gaussian",
    "solidity": "area by the area of the convex hull, 0 to 1",
    "eccentricity": "eccentricity of the ellipse of the same second moments, 0 (disc) to 1 (line)",
    "long_axis": "longer axis of that ellipse, pixels",
    "short_axis": "shorter axis of that ellipse, pixels",
    "n_parts": "pieces that the mask falls into",
    "center_x": "weighted centre, column, pixels",
    "center_y": "weighted centre, row, pixels",
    "edge_distance": "distance of the footprint from the edge of the field, pixels",
    "noise": "standard deviation of the trace's noise, grey levels",
    "skewness": "third standardised moment of the trace",
    "n_events": "calcium events",
    "event_rate": "calcium events a minute",
    "false_positive_rate": "events a minute of the same detector on the inverted trace",
    "rise_time": "seconds from half height to the peak of the mean event",
    "decay_time": "seconds from the peak of the mean event to 1/e of its height",
    "overlap": "largest cosine of the footprint with another component's, 0 to 1",
    "neighbour_correlation": "largest correlation of the trace with a component nearby, -1 to 1",
    "background_correlation": "correlation of the trace with the background around, -1 to 1",
    "motion_correlation": "largest absolute correlation of the trace with motion, 0 to 1",
    "drift": "median of the trace in the last third minus the first, standard deviations of noise",
}


@dataclass(frozen=True, slots=True)
class Measures:
    """Every metric of every component, (n_cells,); what each says stands in `DESCRIPTIONS`."""

    snr: FloatArray
    robust_snr: FloatArray
    r_value: FloatArray
    event_correlation: FloatArray
    null_correlation: FloatArray
    cnn: FloatArray
    npix: IntArray
    area: FloatArray
    relative_area: FloatArray
    equivalent_diameter: FloatArray
    event_diameter: FloatArray
    edge_width: FloatArray
    solidity: FloatArray
    eccentricity: FloatArray
    long_axis: FloatArray
    short_axis: FloatArray
    n_parts: IntArray
    center_x: FloatArray
    center_y: FloatArray
    edge_distance: FloatArray
    noise: FloatArray
    skewness: FloatArray
    n_events: IntArray
    event_rate: FloatArray
    false_positive_rate: FloatArray
    rise_time: FloatArray
    decay_time: FloatArray
    overlap: FloatArray
    neighbour_correlation: FloatArray
    background_correlation: FloatArray
    motion_correlation: FloatArray
    drift: FloatArray

    def columns(self) -> dict[str, MetricColumn]:
        """Return the columns of the quality table; one that would be all NaN is left out."""
        out = {}
        for item in fields(self):
            values = getattr(self, item.name)
            if not len(values) or np.isfinite(values).any():
                out[item.name] = MetricColumn(DESCRIPTIONS[item.name], values)
        return out
