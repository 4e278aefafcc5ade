"""How steady each place of the template is: the less cells flash there, the more it is believed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.filters import bandpass
from miniscope_nwb.correct.template import N_GROUPS, SampleFrames, shift_sample
from miniscope_nwb.movie import map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray

Float32 = npt.NDArray[np.float32]

_SMOOTHED = 0.5  # sigma over which the variance is averaged, in sigmas of the high-pass
_LEAST_VARIANCE = 0.05  # of the median: no place is believed more than twenty times as much


def steadiness(
    frames: SampleFrames,
    template: Float32,
    static: Float32,
    shifts_px: FloatArray,
    keep: BoolArray,
    highpass_px: float,
    *,
    n_threads: int = 1,
) -> Float32 | None:
    """Measure the inverse variance of what frames show beside the template, 1 at the median.

    Parameters
    ----------
    frames
        (n, height, width) of a sample.
    template, static
        (height, width); the static pattern is taken off the frames.
    shifts_px
        (n, 2) corrections of the frames.
    keep
        (n,) frames that take part.
    highpass_px
        Sigma of the high-pass behind which they are compared.
    n_threads
        Threads; the result does not depend on their number.

    Returns
    -------
    steadiness
        (height, width), or None where no frame tells.
    """
    import cv2

    numbers = np.flatnonzero(keep)
    if not len(numbers):
        return None
    shift = shift_sample(frames, shifts_px, static)
    sharp = bandpass(template, highpass_px)
    brightness = max(float(template.mean(dtype=np.float64)), 1e-6)

    def squares(group: int) -> npt.NDArray[np.float64]:
        total, moved = np.zeros(template.shape), np.empty_like(template)
        for number in numbers[group::N_GROUPS].tolist():
            shift(frames[number], number, moved)
            is_seen = np.isfinite(moved)
            if not is_seen.any():
                continue
            gain = np.float32(moved[is_seen].mean(dtype=np.float64) / brightness)
            filled = np.where(is_seen, moved, gain * template)
            total += (bandpass(filled, highpass_px) - gain * sharp) ** 2
        return total

    total = sum(map_in_order(squares, range(N_GROUPS), n_threads=n_threads), np.zeros(()))
    variance = cv2.GaussianBlur(total, (0, 0), _SMOOTHED * highpass_px)
    middle = float(np.median(variance))
    if not middle > 0:
        return None
    believed = middle / np.maximum(variance, _LEAST_VARIANCE * middle)
    return np.asarray(believed, np.float32)
