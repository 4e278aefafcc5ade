"""The stage of the summary images: what the corrected movie shows, in single pictures."""

from __future__ import annotations

import numpy as np

from miniscope_nwb.cell_size import CellSize, estimate_cell_size
from miniscope_nwb.engines.base import Resources, Scale
from miniscope_nwb.images.filtering import center_surround_kernel
from miniscope_nwb.images.moments import moments_of
from miniscope_nwb.images.sampled import sampled_images
from miniscope_nwb.movie import Movie
from miniscope_nwb.params.models import ImagesParams
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import Derived, MotionResult, Prepared, SummaryImages

STAGE = "images"
NO_FRAME = (
    "Warning: the motion correction could place no frame on its template, so that no frame takes "
    "part in the extraction; is there tissue in the picture? If there is and it hardly moves, "
    "rerun with -p motion.method=none."
)
_DIAMETER = "cell_diameter_px"
_SOMA_UM = (5.0, 40.0)  # a diameter outside is no soma's


def summary_images(
    movie: Movie,
    *,
    motion: MotionResult,
    prepared: Prepared,
    is_left_out: BoolArray,
    params: ImagesParams,
    scale: Scale,
    resources: Resources,
) -> SummaryImages:
    """Make the summary images, and measure the cells again now that they stand still.

    Parameters
    ----------
    movie
        Corrected; what was not seen has no part.
    motion
        Gives the template.
    prepared
        Gives the diameter of the cells, which is kept if the user gave it.
    is_left_out
        (n_frames,): frames that take no part. Where it is all of them, as in a movie in which
        motion finds nothing to hold on to, the images show those that `prepared` leaves in.
    params
        Size of the sample for correlation and PNR.
    scale
        Of the prepared pixels.
    resources
        Threads; the images do not depend on their number.
    """
    used = np.asarray(~is_left_out)
    if not used.any():
        used = np.asarray(~prepared.is_left_out)
        resources.say(NO_FRAME)
    diameter, derived = _refine_diameter(movie, used, prepared, scale, resources)
    moments = moments_of(movie, used, resources)
    sampled = sampled_images(
        movie,
        used,
        center_surround_kernel(diameter),
        n_frames=params.n_sample_frames,
        resources=resources,
    )
    return SummaryImages(
        template=motion.template,
        mean=moments.mean,
        max=moments.max,
        std=np.sqrt(moments.variance),
        variance=moments.variance,
        correlation=sampled.correlation,
        pnr=sampled.pnr,
        region=moments.region,
        cell_diameter_px=diameter,
        derived=derived,
    )


def _refine_diameter(
    movie: Movie, used: BoolArray, prepared: Prepared, scale: Scale, resources: Resources
) -> tuple[float, tuple[Derived, ...]]:
    """Return the diameter in prepared px, and from what it was told where nobody gave it."""
    first = next((item for item in prepared.derived if item.parameter == _DIAMETER), None)
    if first is None:
        return prepared.cell_diameter_px, ()
    found = estimate_cell_size(movie, used, n_threads=resources.n_threads)
    if _is_soma(found, scale):
        basis = f"median of {found.n_blobs} blobs that light up in the corrected movie"
        return found.diameter_px, (Derived(STAGE, _DIAMETER, round(found.diameter_px, 2), basis),)
    diameter = prepared.cell_diameter_px
    return diameter, (Derived(STAGE, _DIAMETER, round(diameter, 2), first.basis),)


def _is_soma(found: CellSize, scale: Scale) -> bool:
    diameter_um = found.diameter_px * scale.pixel_size_um
    is_possible = not np.isfinite(scale.pixel_size_um) or _SOMA_UM[0] <= diameter_um <= _SOMA_UM[1]
    return bool(np.isfinite(found.diameter_px) and is_possible)
