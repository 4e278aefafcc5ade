"""What the estimation works with: lengths in pixels of the prepared movie, given or derived."""

from __future__ import annotations

from dataclasses import dataclass

from miniscope_nwb.engines.base import MotionInput
from miniscope_nwb.errors import MiniscopeError
from miniscope_nwb.results import Derived

DEFAULT_SHIFT_UM = 20.0
SHIFT_BOUNDS_PX = (5.0, 20.0)
UNSCALED_SHIFT_PX = 12.0  # 20 um of the Miniscope V4
LARGEST_SHARE = 0.25  # of the shorter side that a shift may be: enough must be left to compare
LEAST_HIGHPASS_PX = 1.5
BINNED_FROM_PX = 160_000  # larger fields hold so much that a binned copy places them as well
LEAST_DIAMETER_PX = 6.0  # of a cell, for binning
DEFAULT_BLOCK_PX, DEFAULT_OVERLAP_PX = 48, 24
LEAST_BLOCK_PX = 8
LEAST_SIDE_PX = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """Lengths of the estimation, px of the prepared movie."""

    highpass_px: float
    max_shift_px: float
    may_widen: bool  # nobody gave the farthest shift: it follows the movie
    factor: int  # binning of the copy that is compared
    block_px: int  # stride of blocks
    overlap_px: int
    max_deviation_px: float
    derived: tuple[Derived, ...]


def settle(job: MotionInput) -> Settings:
    """Derive what was not given.

    Raises
    ------
    MiniscopeError
        The field is too small to find any shift in it.
    """
    params, scale, raw = job.params, job.scale, job.prepared.spatial_factor
    side = min(job.movie.height, job.movie.width)
    if side < LEAST_SIDE_PX:
        message = (
            f"The field is {job.movie.width} x {job.movie.height} px, but motion can be estimated "
            f"from {LEAST_SIDE_PX} px a side: enlarge the crop or use motion.method=none."
        )
        raise MiniscopeError(message)
    derived: list[Derived] = []
    diameter = job.prepared.cell_diameter_px
    highpass = scale.px(params.highpass_um, params.highpass_px, factor=raw)
    if highpass is None:
        highpass = max(LEAST_HIGHPASS_PX, diameter / 2)
        basis = f"half of a cell's diameter of {diameter:.1f} px"
        derived.append(Derived("motion", "highpass_px", round(highpass * raw, 3), basis))
    given = scale.px(params.max_shift_um, params.max_shift_px, factor=raw)
    farthest = given
    if farthest is None:
        farthest, basis = _farthest(scale.px(DEFAULT_SHIFT_UM, None, factor=raw))
        derived.append(Derived("motion", "max_shift_px", round(farthest * raw, 3), basis))
    is_large = job.movie.height * job.movie.width >= BINNED_FROM_PX
    block, overlap = _blocks(job, derived)
    return Settings(
        highpass_px=highpass,
        max_shift_px=max(1.0, min(farthest, LARGEST_SHARE * side)),
        may_widen=given is None,
        factor=2 if is_large and diameter >= LEAST_DIAMETER_PX else 1,
        block_px=max(LEAST_BLOCK_PX, block // raw),
        overlap_px=overlap // raw,
        max_deviation_px=params.max_deviation_px / raw,
        derived=tuple(derived),
    )


def _blocks(job: MotionInput, derived: list[Derived]) -> tuple[int, int]:
    """Return the stride and the overlap of blocks, raw px; add to `derived` what nobody gave."""
    raw, found = job.prepared.spatial_factor, []
    for name, default in (("block_px", DEFAULT_BLOCK_PX), ("overlap_px", DEFAULT_OVERLAP_PX)):
        given: int | None = getattr(job.params, name)
        found.append(default * raw if given is None else given)
        if given is None and job.params.method != "rigid":  # which has no blocks
            basis = f"{default} px of the processed movie, binned by {raw}"
            derived.append(Derived("motion", name, default * raw, basis))
    return found[0], found[1]


def _farthest(default_px: float | None) -> tuple[float, str]:
    if default_px is None:
        return UNSCALED_SHIFT_PX, "the size of a pixel is not known"
    low, high = SHIFT_BOUNDS_PX
    text = f"{DEFAULT_SHIFT_UM:g} um, within {low:g} to {high:g} px"
    return min(max(default_px, low), high), text
