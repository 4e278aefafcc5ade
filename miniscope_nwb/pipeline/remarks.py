"""What a user may not expect of a request, a sentence each: told before the work, and stored."""

from __future__ import annotations

import math

from miniscope_nwb.engines.base import Scale
from miniscope_nwb.params.models import Parameters
from miniscope_nwb.pipeline.crop import field_size

_USUAL_PIXEL_UM = (0.1, 20.0)  # side in the tissue, of any miniscope with any lens


def remarks_on_sizes(
    values: Parameters, scale: Scale, *, height: int, width: int
) -> tuple[str, ...]:
    """Say which sizes are probably in another unit, or have no use.

    Parameters
    ----------
    values
        As given.
    scale
        Of the raw pixels.
    height, width
        Of the raw movie.
    """
    return (*_of_pixels(values, scale), *_of_blocks(values, height=height, width=width))


def _of_pixels(values: Parameters, scale: Scale) -> tuple[str, ...]:
    um, (low, high) = scale.pixel_size_um, _USUAL_PIXEL_UM
    if not math.isfinite(um) or low <= um <= high:
        return ()
    is_given = values.preprocess.pixel_size_um is not None
    what = "preprocess.pixel_size_um" if is_given else "the pixel size in the file"
    remedy = "give it in micrometers" if is_given else "give the true one as pixel_size_um"
    return (
        f"Warning: {what} is {um:g} um, but a pixel of a miniscope measures {low:g} to {high:g} um "
        f"in the tissue: {remedy}.",
    )


def _of_blocks(values: Parameters, *, height: int, width: int) -> tuple[str, ...]:
    block = values.motion.block_px
    height, width = field_size(height, width, values.preprocess.crop)
    if block is None or block < max(height, width) or values.motion.method in ("rigid", "none"):
        return ()
    return (
        f"Warning: motion.block_px is {block}, and the field has {width} x {height} pixels: it is "
        "one block, so that nothing is corrected piecewise; give a block's size in raw pixels.",
    )
