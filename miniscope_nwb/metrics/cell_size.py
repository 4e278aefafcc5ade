"""How large and how sharp a cell in focus is in this run: what components are measured by.

Light from outside the focal plane makes large, soft components; in one field they may be as many
as the cells, so a plain median is not the size of a cell. Cells in focus are the smaller kind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from miniscope_nwb.recording import FloatArray

_BANDWIDTH = 0.10  # of the density, in log diameter: somata of one kind differ by about as much
_STEP = 0.01  # of the grid, log diameter
_PEAK_LEAST = 0.35  # of the highest peak: a lower one is a few stragglers, no kind of its own
_PRIOR_WEIGHT = 3.0  # components that what is known beforehand counts for
SPHERE_EDGE = 0.36  # edge width of a projected sphere (`shape.edge_width`): a sharp soma
_ALIKE = 0.2  # in log diameter: components of the size of a cell in focus


@dataclass(frozen=True, slots=True)
class CellSize:
    """Size of a cell in focus, and how it was found."""

    diameter_px: float  # at half of the maximum
    edge_width: float  # of their edges, in radii
    n_components: int  # that it was taken from
    is_own: bool  # of this run's components; False: of the summary images alone

    @property
    def area_px2(self) -> float:
        """Area of the disc of that diameter."""
        return float(np.pi * (self.diameter_px / 2) ** 2)


def cell_size(
    diameters: FloatArray, edges: FloatArray, *, weights: FloatArray, prior_px: float
) -> CellSize:
    """Find the diameter of cells in focus among the components, and the width of their edges.

    The density of the logarithm of the diameters is drawn; the reference is its smallest peak that
    reaches 35 % of the highest. The diameter that the summary images gave counts like three
    components, which matters only where there are few; so does the edge of a sphere for the median
    edge of the components of that size.

    Parameters
    ----------
    diameters
        (n,) px, of components with evidence of activity.
    edges
        (n,) widths of their edges, radii.
    weights
        (n,) how much each counts, 0 (not at all) to 1.
    prior_px
        Diameter of somata from the summary images, px.
    """
    good = np.isfinite(diameters) & (diameters > 0) & (weights > 0)
    logs, heavy = np.log(diameters[good]), weights[good]
    if not len(logs):
        return CellSize(prior_px, SPHERE_EDGE, 0, False)
    places = np.append(logs, np.log(prior_px))
    masses = np.append(heavy, _PRIOR_WEIGHT)
    grid = np.arange(places.min() - 0.5, places.max() + 0.5, _STEP)
    density = np.exp(-0.5 * ((grid[:, None] - places) / _BANDWIDTH) ** 2) @ masses
    is_peak = (density[1:-1] >= density[:-2]) & (density[1:-1] > density[2:])
    peaks = np.flatnonzero(is_peak) + 1
    first = peaks[density[peaks] >= _PEAK_LEAST * density[peaks].max()][0]
    center = float(grid[first])
    alike = (np.abs(logs - center) < _ALIKE) & np.isfinite(edges[good])
    widths = np.append(edges[good][alike], SPHERE_EDGE)
    edge = _weighted_median(widths, np.append(heavy[alike], _PRIOR_WEIGHT))
    return CellSize(float(np.exp(center)), edge, len(logs), True)


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])
