"""The copy of the frames on which motion is estimated: binned, tapered, band-passed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.matcher import Sharpened

Float32 = npt.NDArray[np.float32]

_LIGHT_SIGMAS = 3.0  # of the light, in sigmas of the high-pass: nothing of a cell is taken for it
_LIGHT_FACTOR = 4  # binning of the light: it is smooth
LOWPASS_SHARE = 0.3  # of the high-pass's sigma: finer than that is noise and the pixels' pattern


def binned(frame: npt.NDArray[Any], factor: int) -> Float32:
    """Average squares of `factor` pixels; rows and columns that fill no square are left out."""
    if factor == 1:
        return frame.astype(np.float32)
    height, width = (size // factor for size in frame.shape)
    if factor == 2:
        from miniscope_nwb.correct.filter_kernels import average_pairs

        means = np.empty((height, width), np.float32)
        average_pairs(frame, means)
        return means
    import cv2

    whole = frame[: height * factor, : width * factor].astype(np.float32)
    small: Float32 = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return small


def halves(frame: npt.NDArray[Any]) -> tuple[Float32, Float32]:
    """Average either diagonal of all squares of 2 x 2 pixels.

    Two pictures of the same places, of half the pixels each: their noise has nothing in common.
    """
    height, width = (size // 2 * 2 for size in frame.shape)
    whole = frame[:height, :width].astype(np.float32)
    first = 0.5 * (whole[::2, ::2] + whole[1::2, 1::2])
    second = 0.5 * (whole[::2, 1::2] + whole[1::2, ::2])
    return first, second


def taper(size: int, rise: int) -> Float32:
    """Return a window of an axis that rises from 0 to 1 as a cosine over `rise` pixels."""
    rise = max(1, min(rise, size // 2))
    edge = 0.5 - 0.5 * np.cos(np.pi * (np.arange(rise) + 0.5) / rise)
    window = np.ones(size, np.float32)
    window[:rise] = edge
    window[size - rise :] = edge[::-1]
    return window


def window_of(height: int, width: int, rise_share: float) -> Float32:
    """Return the taper of a frame; it rises over a share of each side."""
    rows, columns = (taper(size, round(size * rise_share)) for size in (height, width))
    return np.outer(rows, columns).astype(np.float32)


def bandpass(image: Float32, highpass_px: float) -> Float32:
    """Keep what is about as large as a cell: neither smooth light nor single pixels."""
    import cv2

    smooth = cv2.GaussianBlur(image, (0, 0), highpass_px, borderType=cv2.BORDER_REFLECT)
    sharp = image - smooth
    low = LOWPASS_SHARE * highpass_px
    passed: Float32 = cv2.GaussianBlur(sharp, (0, 0), low, borderType=cv2.BORDER_REFLECT)
    return passed


def without_light(frame: npt.NDArray[Any], highpass_px: float) -> Float32:
    """Take its smooth light off a frame that is tapered before it is high-passed.

    The high-pass (of the template's side, see `matcher`) would take the light off, but not the
    edge that the taper makes of it: that is as strong as the frame is bright.
    """
    import cv2

    height, width = frame.shape
    small_size = max(1, width // _LIGHT_FACTOR), max(1, height // _LIGHT_FACTOR)
    bright = frame.astype(np.float32, copy=False)
    small = cv2.resize(bright, small_size, interpolation=cv2.INTER_AREA)
    sigma = _LIGHT_SIGMAS * highpass_px / _LIGHT_FACTOR
    light = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    left: Float32 = bright - cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
    return left


def sharpen(template: Float32, highpass_px: float, static: Float32 | None = None) -> Sharpened:
    """Prepare the template of a whole frame, (height, width), for `matcher.Matcher`."""
    once = bandpass(template, highpass_px)
    twice = bandpass(once, highpass_px)
    return Sharpened(once[None], twice[None], None if static is None else static[None])
