"""From the peak to the exact place: least squares in which each pixel counts by its steadiness.

The peak that `matcher.Matcher` finds takes every pixel for alike, and cells that flash pull it:
what they add is no error of measuring that evens out, but a picture of its own. Pixels of the
template that are unsteady are to be believed less, by the inverse of their variance (Gauss-Markov).
Surfaces of weighted differences would need a transform of each squared picture; instead the place
of the peak is corrected by steps of Gauss and Newton. With T the template, v its steadiness and K
the slopes of the high-passed template, times v and high-passed for the picture's side, a picture f
that is believed to lie at s lies by e beside it, where

    A e = sum w(x) K(x - s) T(x - s)  -  sum w(x) K(x - s) f(x),    A = sum w(x) K(x - s) grad T'

(w and what stays with the camera as in `matcher`). The sums with f are made over pixels, with K
kept for whole and half pixels, so that the last e is about a quarter of a pixel at most. Template
and pictures are without their light (`filters.without_light`).

The peaks are those of pictures with their light: its edge on the taper draws them to where the
camera stands still. In faint movies that keeps a pair of cells that flash from carrying the frame
to where the template has another pair; here, where the place is known, it would only spoil it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.filters import bandpass, without_light
from miniscope_nwb.recording import FloatArray

if TYPE_CHECKING:
    from miniscope_nwb.correct.matcher import Matcher

Float32 = npt.NDArray[np.float32]

_MOST_STEPS = 3
_LONGEST_STEP_PX = 0.5
# Central differences of sixth order: those of second order take a tenth off a small cell's slope.
_DERIVATIVE = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60
_LEAST_STRUCTURE = 1e-4  # along the poorer direction, of what is along the other


class Refinement:
    """Corrects places of pictures on one template.

    Parameters
    ----------
    matcher
        That finds the peaks.
    template, sharp
        (height, width); `sharp` is high-passed.
    steadiness
        (height, width) by which its pixels are believed, see `steadiness.steadiness`.
    static
        (height, width) what stays with the camera, not high-passed; None: not known.
    highpass_px
        Sigma of the high-pass.
    """

    def __init__(
        self,
        matcher: Matcher,
        template: Float32,
        sharp: Float32,
        steadiness: Float32,
        static: Float32 | None,
        highpass_px: float,
    ) -> None:
        self._window, self._reach_px = matcher.window, matcher.reach_px
        self._highpass_px = highpass_px
        window, transform = matcher.window, matcher.transform
        template = without_light(template, highpass_px)
        pulls = np.stack([bandpass(steadiness * slope, highpass_px) for slope in _slopes(sharp)])
        spectra, spread = np.conj(transform(pulls)), transform(window[None])
        known = spread * np.conj(transform(pulls * template))
        fixed = np.zeros_like(known)
        if static is not None:
            fixed = transform((window * without_light(static, highpass_px))[None]) * spectra
        height, width = window.shape
        self._pulls, self._known, self._fixed = {}, {}, {}
        for half_x, half_y in np.ndindex(2, 2):
            step = matcher.step(half_x / 2, half_y / 2)
            whole = matcher.picture(np.conj(spectra * step))
            self._pulls[half_x, half_y] = np.ascontiguousarray(whole[:, :height, :width])
            self._known[half_x, half_y] = matcher.searched(known * step)
            self._fixed[half_x, half_y] = matcher.searched(fixed * step)
        products = (pulls[:, None] * _slopes(template)).reshape(4, height, width)
        self._stiffness = matcher.searched(spread * np.conj(transform(products)))
        self._middle = self._stiffness.shape[1] // 2

    def refine(self, picture: npt.NDArray[Any], place_px: FloatArray, gain: float) -> FloatArray:
        """Return the exact displacement (2,) of a picture (height, width) near `place_px`.

        It lies no farther from there than `_MOST_STEPS` of the longest steps.
        """
        tapered = without_light(picture, self._highpass_px) * self._window
        place, last = place_px, None
        for _ in range(_MOST_STEPS):
            half_x, half_y = (round(2 * value) for value in place.tolist())
            if (half_x, half_y) == last:
                break
            if max(abs(half_x), abs(half_y)) // 2 >= self._middle:
                return place_px
            last = half_x, half_y
            step = self._step(tapered, half_x, half_y, gain)
            place = np.array(last) / 2 + np.clip(step, -_LONGEST_STEP_PX, _LONGEST_STEP_PX)
        return np.clip(place, -self._reach_px, self._reach_px)

    def _step(self, tapered: Float32, half_x: int, half_y: int, gain: float) -> FloatArray:
        """Say how far beside a place in half pixels the picture lies, (2,); 0 if nothing tells."""
        from miniscope_nwb.correct.match_kernels import pull

        x, y, phase = half_x // 2, half_y // 2, (half_x % 2, half_y % 2)
        row, column = self._middle + y, self._middle + x
        found = np.array(pull(tapered, *self._pulls[phase], x, y))
        expected = gain * self._known[phase][:, row, column] + self._fixed[phase][:, row, column]
        matrix = self._stiffness[:, row, column].astype(np.float64).reshape(2, 2)
        if not np.linalg.det(matrix) > _LEAST_STRUCTURE * np.abs(matrix).max() ** 2:
            return np.zeros(2)
        return np.asarray(np.linalg.solve(matrix, (expected - found) / gain))


def _slopes(picture: Float32) -> Float32:
    """Return the slopes of a picture along x and y, (2, height, width)."""
    from scipy.ndimage import correlate1d

    return np.stack([correlate1d(picture, _DERIVATIVE, axis=axis) for axis in (1, 0)])
