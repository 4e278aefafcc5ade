"""Whether imported results and given masks belong to the movie: it must show their cells."""

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
# Of masks that were given: measured on 25 pairs of five simulated recordings of three levels, all
# were accepted in their own movie, and at most 0.17 in another one: what is refined onto the movie
# has good r-values there too, but is mostly no cell.
_FOUND_SHARE = 0.25


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


def unfound(quality: Quality, n_given: int) -> str:
    """Say that hardly any of the given masks shows a cell; nothing where enough do.

    The r-values do not tell: the masks are refined onto the movie before they are measured.
    """
    n_found = int(np.sum(quality.decisions.accepted))
    if n_given < _FEWEST or n_found >= _FOUND_SHARE * n_given:
        return ""
    how_many = f"only {n_found}" if n_found else "none"
    verb = "show" if n_found > 1 else "shows"
    return f"{how_many} of the {n_given} masks {verb} an accepted cell"
