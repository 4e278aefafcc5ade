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
    of_blocks = _of_blocks(values, height=height, width=width)
    return (*_of_pixels(values, scale), *_of_lengths(values, scale), *of_blocks)


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


def _of_lengths(values: Parameters, scale: Scale) -> tuple[str, ...]:
    """Name the lengths in micrometers that cannot be turned into pixels."""
    if math.isfinite(scale.pixel_size_um):
        return ()
    unused = [
        f"{stage}.{name}"
        for stage in ("preprocess", "motion", "extract")
        for name, value in getattr(values, stage)
        if name.endswith("_um")
        and value is not None
        and getattr(getattr(values, stage), name.replace("_um", "_px"), None) is None
    ]
    if not unused:
        return ()
    verb = "has" if len(unused) == 1 else "have"
    return (
        f"Warning: {', '.join(unused)} {verb} no effect: the file does not tell the size of a "
        "pixel; give it as preprocess.pixel_size_um.",
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
