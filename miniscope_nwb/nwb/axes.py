"""The order of axes: the only place that transposes between our arrays and the NWB file.

Our frames are (height, width), as OpenCV and the decoders give them; NWB stores movies as (time,
width, height) and images as (width, height). Nothing else in the package may swap axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[Any]

# Written into the comments of every movie, because the standard may turn the order round one day.
AXIS_COMMENT = (
    "Stored as (time, width, height): data[t, x, y] is the pixel in column x and row y of frame t, "
    "counted from the upper left corner."
)
AXIS_COMMENT_COLOUR = (
    "Stored as (time, width, height, colour): data[t, x, y] holds red, green and blue of the pixel "
    "in column x and row y of frame t, counted from the upper left corner."
)


def image_to_nwb(image: Pixels) -> Pixels:
    """(height, width[, 3]) -> (width, height[, 3]), C-contiguous copy."""
    return np.ascontiguousarray(np.swapaxes(image, 0, 1))


def image_from_nwb(stored: Pixels) -> Pixels:
    """(width, height[, 3]) -> (height, width[, 3]), C-contiguous copy."""
    return np.ascontiguousarray(np.swapaxes(stored, 0, 1))


def movie_to_nwb(frames: Pixels) -> Pixels:
    """(time, height, width[, 3]) -> (time, width, height[, 3]), C-contiguous copy."""
    return np.ascontiguousarray(np.swapaxes(frames, 1, 2))


def movie_from_nwb(stored: Pixels) -> Pixels:
    """(time, width, height[, 3]) -> (time, height, width[, 3]), C-contiguous copy."""
    return np.ascontiguousarray(np.swapaxes(stored, 1, 2))


def shape_in_nwb(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape in the file of an image of (height, width) or (height, width, 3)."""
    height, width, *colour = shape
    return (width, height, *colour)


def write_image(image: Pixels, *, out: Pixels) -> None:
    """Write one frame, in the axis order of NWB, into an array that is there already.

    Parameters
    ----------
    image
        (height, width) or (height, width, 3), uint8 or uint16.
    out
        (width, height) or (width, height, 3), C-contiguous, of the same type.

    Raises
    ------
    ValueError
        If `out` has not the transposed shape and the type of `image`.
    """
    import cv2

    if out.shape != shape_in_nwb(image.shape) or out.dtype != image.dtype:
        raise ValueError(
            f"an image {image.shape} {image.dtype} does not go into {out.shape} {out.dtype}"
        )
    # Four times faster than numpy's assignment of a transposed view.
    cv2.transpose(np.ascontiguousarray(image), out)


def write_images_back(stored: Pixels, *, out: Pixels) -> None:
    """Turn frames of the file round, into an array that is there already.

    Parameters
    ----------
    stored
        (n, width, height), uint8, uint16 or float32.
    out
        (n, height, width) of the same type; a part of larger images is welcome.
    """
    import cv2

    if out.shape != (len(stored), *shape_in_nwb(stored.shape[1:])) or out.dtype != stored.dtype:
        raise ValueError(
            f"images {stored.shape} {stored.dtype} do not go into {out.shape} {out.dtype}"
        )
    for image, place in zip(stored, out, strict=True):
        place[:] = cv2.transpose(np.ascontiguousarray(image))
