"""Movies and parameters that cannot be processed: each is refused in one clear sentence.

The sentences begin in lower case: who knows the file puts its name in front.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from miniscope_nwb.errors import NwbContentError, ParameterError

LEAST_FRAMES = 100  # fewer hold no transients to learn from
LEAST_SIDE_PX = 16  # of the field after cropping and binning
_MOST_SATURATED = 0.25  # of all samples: what is clipped holds no activity
_DARK_SHARE = 0.01  # of the full scale: the mean of a movie without light
_DARKEST_FLOAT = 0.0
_FULL_SCALES = (255, 1023, 4095, 16383, 65535)  # of 8, 10, 12, 14 and 16 bits
_CELLS_IN_FIELD = 2.0  # diameters that the smaller side must hold
_NARROWEST_CELL_PX = 2.0  # prepared px: a narrower cell cannot be told from the noise of a pixel
_MOST_LEFT_OUT = 0.5  # of the frames


def check_length(n_frames: int) -> None:
    """Refuse a movie with too few frames."""
    if n_frames < LEAST_FRAMES:
        message = f"the movie has {n_frames} frames, but at least {LEAST_FRAMES} are needed."
        raise NwbContentError(message)


def resolve_crop(
    crop: tuple[int, int, int, int] | None, *, height: int, width: int
) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 in ascending order, the whole frame where nothing is given.

    Raises
    ------
    ParameterError
        The crop leaves the frame, or leaves too little of it.
    NwbContentError
        The whole frame is too small.
    """
    if min(width, height) < LEAST_SIDE_PX:
        message = (
            f"the frames are {width} x {height} pixels, but at least {LEAST_SIDE_PX} are needed on "
            "each side."
        )
        raise NwbContentError(message)
    if crop is None:
        return 0, 0, width, height
    x0, x1 = sorted((crop[0], crop[2]))
    y0, y1 = sorted((crop[1], crop[3]))
    if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
        message = (
            f"the crop x {x0} to {x1}, y {y0} to {y1} lies outside of the frame, which is {width} "
            f"pixels wide and {height} high: give 0 to {width} and 0 to {height}."
        )
        raise ParameterError(message)
    if min(x1 - x0, y1 - y0) < LEAST_SIDE_PX:
        message = (
            f"the crop leaves {x1 - x0} x {y1 - y0} pixels of a frame of {width} x {height}, but "
            f"at least {LEAST_SIDE_PX} are needed on each side."
        )
        raise ParameterError(message)
    return x0, y0, x1, y1


def check_binning(factor: int | None, *, height: int, width: int) -> None:
    """Refuse a given binning factor that leaves too few pixels of the cropped field."""
    most = most_binned(height=height, width=width)
    if factor is not None and factor > most:
        message = (
            f"preprocess.spatial_factor={factor} leaves {width // factor} x {height // factor} "
            f"pixels of a field of {width} x {height}, but at least {LEAST_SIDE_PX} are needed on "
            f"each side: give {most} or less, or leave it out."
        )
        raise ParameterError(message)


def most_binned(*, height: int, width: int) -> int:
    """Return the largest binning factor that leaves enough pixels of the field."""
    return max(1, min(height, width) // LEAST_SIDE_PX)


def full_scale(highest: float) -> int:
    """Return the largest value of the bit depth that a movie seems to have."""
    return next((scale for scale in _FULL_SCALES if highest <= scale), _FULL_SCALES[-1])


def check_values(
    *,
    lowest: float,
    highest: float,
    brightness: npt.NDArray[np.float64],
    saturated_share: float,
    is_still: bool,
    is_integer: bool,
) -> None:
    """Refuse a movie that is constant, dark or saturated.

    Parameters
    ----------
    lowest, highest
        Of all samples.
    brightness
        Mean of each frame, (n_frames,).
    saturated_share
        Of all samples.
    is_still
        Whether nothing changes from frame to frame.
    is_integer
        Whether the samples are those of a sensor, with a known full scale.
    """
    if lowest == highest:
        raise NwbContentError(
            f"the movie is constant: every pixel of every frame is {lowest:g}; look at the video "
            "(was the lens covered, the cable out?) and record again."
        )
    if saturated_share > _MOST_SATURATED:
        message = (
            f"the movie is saturated: {100 * saturated_share:.0f} % of samples have the largest "
            f"value, {highest:g}, so that their activity is lost (at most "
            f"{100 * _MOST_SATURATED:.0f} % can be dealt with; record with less light or gain)."
        )
        raise NwbContentError(message)
    typical = float(np.median(brightness))
    darkest = _DARK_SHARE * full_scale(highest) if is_integer else _DARKEST_FLOAT
    if typical <= darkest and (is_integer or highest <= 0):
        message = (
            f"the movie is all dark: its mean brightness is {typical:.2g} of "
            f"{full_scale(highest)} grey levels; was the light on?"
            if is_integer
            else f"the movie is all dark: no sample is above 0 (the largest is {highest:g}); store "
            "brightness as it was recorded, before a background is taken off."
        )
        raise NwbContentError(message)
    if is_still:
        message = (
            "the movie is constant: all frames show the same picture, not even noise changes; look "
            "at the video (did the camera hang?) and record again."
        )
        raise NwbContentError(message)


def check_cell_fits(diameter_px: float, *, height: int, width: int) -> None:
    """Refuse a given cell size that the field cannot hold; raw pixels."""
    if _CELLS_IN_FIELD * diameter_px > min(height, width):
        message = (
            f"a cell of {diameter_px:.4g} pixels is too large for a field of {width} x {height} "
            f"pixels, which must hold at least {_CELLS_IN_FIELD:g} cells side by side; check "
            "cell_diameter_um, cell_diameter_px and pixel_size_um."
        )
        raise ParameterError(message)


def check_cell_is_seen(diameter_px: float, factor: int | None, *, name: str) -> None:
    """Refuse a given cell size of fewer pixels than can show a cell.

    Parameters
    ----------
    diameter_px
        Raw px.
    factor
        Raw pixels that make a prepared one, where that was given; a derived one leaves cells wide.
    name
        Of the parameter that gave the size.
    """
    binned = factor or 1
    narrow = diameter_px / binned
    if narrow >= _NARROWEST_CELL_PX:
        return
    after = f" with spatial_factor={binned}" if binned > 1 else ""
    message = (
        f"preprocess.{name} makes a cell {narrow:.3g} pixels wide{after}, but at least "
        f"{_NARROWEST_CELL_PX:g} are needed to show one: give it in "
        f"{'raw pixels' if name.endswith('_px') else 'micrometers, as pixel_size_um'}"
        f"{', bin less' if binned > 1 else ''}, or leave it out."
    )
    raise ParameterError(message)


def check_left_out(reasons: tuple[str, ...]) -> None:
    """Refuse a movie most of whose frames show nothing usable."""
    n_left_out = sum(bool(reason) for reason in reasons)
    if n_left_out > _MOST_LEFT_OUT * len(reasons):
        kinds = sorted({reason for reason in reasons if reason})
        counts = ", ".join(f"{sum(r == kind for r in reasons)} {kind}" for kind in kinds)
        message = (
            f"{n_left_out} of {len(reasons)} frames cannot be used ({counts}), more than half; "
            "-p preprocess.leave_out_frames=false processes them all the same."
        )
        raise NwbContentError(message)
