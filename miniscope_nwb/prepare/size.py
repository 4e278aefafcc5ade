"""What follows from sizes: the cell's diameter, and how far pixels and frames may be averaged."""

from __future__ import annotations

import numpy as np

from miniscope_nwb.cell_size import estimate_cell_size
from miniscope_nwb.deconvolve.times import decay_of
from miniscope_nwb.engines.base import Scale
from miniscope_nwb.movie import Movie
from miniscope_nwb.params.models import PreprocessParams
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import Derived

STAGE = "preprocess"
USUAL_SOMA_UM = 12.0  # diameter of most neurons that express an indicator
USUAL_SOMA_PX = 8.0  # the same where nothing is known of the optics
_SOMA_UM = (5.0, 40.0)  # an estimate outside is no soma
NARROWEST_PX = 6  # a soma stays at least so wide
_FRAMES_OF_DECAY = 4  # so many frames the decay is to cover
_MOST_SPATIAL, _MOST_TEMPORAL = 8, 16


def pixel_size(params: PreprocessParams, scale: Scale) -> float:
    """Side of a raw pixel in micrometers; NaN where it is not known."""
    return params.pixel_size_um if params.pixel_size_um is not None else scale.pixel_size_um


def given_diameter(params: PreprocessParams, scale: Scale) -> float | None:
    """Return the diameter that the user gave, raw px; None where there is none."""
    if params.cell_diameter_px is not None:
        return params.cell_diameter_px
    um = pixel_size(params, scale)
    if params.cell_diameter_um is not None and np.isfinite(um):
        return params.cell_diameter_um / um
    return None


def find_diameter(
    movie: Movie, usable: BoolArray, *, params: PreprocessParams, scale: Scale, n_threads: int
) -> tuple[float, str]:
    """Return the diameter of a soma in raw px, and from what it was told; "" where it was given."""
    given = given_diameter(params, scale)
    if given is not None:
        return given, ""
    um = pixel_size(params, scale)
    found = estimate_cell_size(movie, usable, n_threads=n_threads)
    diameter_um = found.diameter_px * um
    is_soma = not np.isfinite(um) or _SOMA_UM[0] <= diameter_um <= _SOMA_UM[1]
    if np.isfinite(found.diameter_px) and is_soma:
        return found.diameter_px, f"median of {found.n_blobs} blobs that light up in raw frames"
    if np.isfinite(found.diameter_px):
        why = (
            f"the {found.n_blobs} blobs that light up measure {diameter_um:.1f} um, no soma's size"
        )
    else:
        why = f"only {found.n_blobs} blobs light up, too few to measure"
    if np.isfinite(um):
        return USUAL_SOMA_UM / um, f"usual soma of {USUAL_SOMA_UM:g} um: {why}"
    return USUAL_SOMA_PX, f"usual soma of {USUAL_SOMA_PX:g} px, pixel size not known: {why}"


def spatial_factor(
    params: PreprocessParams, diameter_px: float, *, most: int
) -> tuple[int, Derived | None]:
    """Return how many raw pixels, on each axis, make a prepared one; `most` fit the field."""
    if params.spatial_factor is not None:
        return params.spatial_factor, None
    factor = int(np.clip(diameter_px // NARROWEST_PX, 1, min(_MOST_SPATIAL, most)))
    basis = f"a soma of {diameter_px:.1f} px stays at least {NARROWEST_PX} px wide"
    return factor, Derived(STAGE, "spatial_factor", factor, basis)


def temporal_factor(params: PreprocessParams, scale: Scale) -> tuple[int, Derived | None]:
    """Return how many frames the extraction may average."""
    if params.temporal_factor is not None:
        return params.temporal_factor, None
    decay_s, name = decay_of(scale.indicator)
    factor = int(np.clip(decay_s * scale.rate_hz // _FRAMES_OF_DECAY, 1, _MOST_TEMPORAL))
    basis = (
        f"decay of {decay_s:g} s ({name}) at {scale.rate_hz:.1f} Hz covers at least "
        f"{_FRAMES_OF_DECAY} frames"
    )
    return factor, Derived(STAGE, "temporal_factor", factor, basis)
