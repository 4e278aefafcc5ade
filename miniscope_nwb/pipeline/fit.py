"""Whether imported results belong to the movie: it must show them when they are active."""

from __future__ import annotations

import numpy as np

from miniscope_nwb.results import Quality

# Of r-values, the correlation of a footprint with the movie at its own events. Measured on 54
# imports of results, good and very poor, of simulations of four levels: in the right movie the
# median was 0.32 and more, and 0.35 of the components reached 0.4; in other movies of the same size
# the median was 0.11 at most, and 0.20 of the components reached 0.4.
_FITS = 0.4
_FITTING_SHARE = 0.25  # of components that fit, at least
_LEAST_MEDIAN = 0.2
_FEWEST = 3  # components with events: of fewer nothing can be said


def misfit(quality: Quality) -> str:
    """Say that hardly any component fits the movie; nothing where enough do.

    The correlation of event images does not tell: their events are those of the movie itself.
    """
    column = quality.metrics.get("r_value")
    if column is None:
        return ""
    r_values = np.asarray(column.values, np.float64)
    r_values = r_values[np.isfinite(r_values)]  # without events there is no r-value
    n, n_fitting = len(r_values), int((r_values >= _FITS).sum())
    if n < _FEWEST or n_fitting >= _FITTING_SHARE * n or np.median(r_values) >= _LEAST_MEDIAN:
        return ""
    how_many = f"only {n_fitting}" if n_fitting else "none"
    verb = "fit" if n_fitting > 1 else "fits"
    return f"{how_many} of the {n} components with events {verb} the movie"
