"""Where a picture lies on its template: least squares over all shifts, by Fourier transform.

A picture f that shows the template T displaced by s obeys f(x) = T(x - s) + noise. Both are
high-passed, because light out of focus, neuropil and bleaching are smooth and do not move with the
tissue. The sum over the taper w of (f - T(x - s))^2 is least where

    sum w(x) f(x) G(x - s)  -  1/2 sum w(x) E(x - s)  -  sum w(x) P(x) G(x - s)

is largest: G is the template high-passed twice (once for each side), E the square of the template
high-passed once, and P the pattern that stays with the camera (dust, glow, the pixels' offsets),
which would pull all shifts to zero. The second and third sum do not depend on the picture: they are
spectra that are subtracted, so that they cost nothing. Without the second, shifts lean to where
the template is bright.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import BoolArray, FloatArray, IntArray

Float32 = npt.NDArray[np.float32]
Complex64 = npt.NDArray[np.complex64]

STENCIL = 3  # values on each side of the highest one that the polynomial goes through
_LEAST_POWER_SHARE = 0.5  # of the template's structure
_LEAST_OVERLAP = 0.25  # of the template's energy: a score of less would be one of chance


@dataclass(frozen=True, slots=True)
class Sharpened:
    """Templates of pictures, (n, height, width), and what stays with the camera at their places."""

    once: Float32  # high-passed
    twice: Float32  # high-passed twice
    static: Float32 | None = None  # not high-passed


@dataclass(frozen=True, slots=True)
class Match:
    """Where pictures lie; arrays have the pictures as first axis."""

    displacement_px: FloatArray  # (n, 2), x then y, by which the content lies beside the template
    score: FloatArray  # correlation of the high-passed picture with the template, about
    is_at_border: BoolArray  # the largest value lies at the border of the window searched


class Matcher:
    """Finds the displacement of pictures, each against a template of its own.

    Parameters
    ----------
    sharpened
        The templates.
    window
        (height, width) taper, 0 at the edges.
    highpass_px
        Sigma of the high-pass, for the score.
    reach_px
        Farthest displacement searched along each axis, whole pixels.
    padding_px
        Zeros beside the pictures, so that their edges do not meet.
    """

    def __init__(
        self,
        sharpened: Sharpened,
        window: Float32,
        *,
        highpass_px: float,
        reach_px: int,
        padding_px: int = 0,
    ) -> None:
        from scipy.fft import next_fast_len

        self.window, self.reach_px = window, reach_px
        self.shape = tuple(next_fast_len(size + padding_px, real=True) for size in window.shape)
        self._template = np.conj(self.transform(sharpened.twice))
        spread = self.transform(window[None])
        self._energy = np.complex64(0.5) * spread * np.conj(self.transform(sharpened.once**2))
        self._static = np.empty((0, 0, 0), np.complex64)
        if sharpened.static is not None:
            self._static = self.transform(window * sharpened.static) * self._template
        self._norm = np.sqrt((window * sharpened.once**2).sum(axis=(1, 2), dtype=np.float64))
        self._set_frequencies()
        self._highpass = self._highpass_for_power(highpass_px)
        # (n, side, side): energy of the template inside of the taper, at each displacement.
        self._overlap = 2 * self.searched(self._energy)

    def transform(self, pictures: Float32) -> Complex64:
        """Return the spectra of pictures (n, height, width), padded."""
        from scipy import fft

        spectrum: Complex64 = fft.rfft2(pictures, self.shape, workers=1)
        return spectrum

    def picture(self, spectrum: Complex64) -> Float32:
        """Return the padded pictures (n, height, width) of spectra."""
        from scipy import fft

        return np.asarray(fft.irfft2(spectrum, self.shape, workers=1), np.float32)

    def step(self, x: float, y: float) -> Complex64:
        """Return the factors by which surfaces are read at places that lie by (x, y) farther."""
        return np.asarray(np.exp(self._down[:, None] * y + self._across * x), np.complex64)

    def _set_frequencies(self) -> None:
        """Prepare what depends on the frequencies, and the shifts that are searched."""
        height, width = self.shape
        self._down = (2j * np.pi * np.fft.fftfreq(height)).astype(np.complex64)
        self._across = (2j * np.pi * np.fft.rfftfreq(width)).astype(np.complex64)
        # The other half of the spectrum is the mirror image of this one.
        twice = np.full(len(self._across), 2.0, np.float32)
        twice[0] = 1
        if width % 2 == 0:
            twice[-1] = 1
        self._weight = (twice / (height * width)).astype(np.float32)
        farthest = self.reach_px + STENCIL
        self._steps = np.arange(-farthest, farthest + 1)

    def _highpass_for_power(self, highpass_px: float) -> Float32:
        squared = np.abs(self._down[:, None]) ** 2 + np.abs(self._across) ** 2
        passed = (1 - np.exp(-0.5 * highpass_px**2 * squared)) * np.sqrt(self._weight)
        return np.asarray(passed, np.float32)

    def match(self, pictures: Float32, gain: float = 1.0) -> Match:
        """Find the displacement of each of n pictures (n, height, width), one a template."""
        surfaces, power = self.surfaces(pictures, gain)
        return self.peaks(surfaces, power, np.full(len(pictures), gain))

    def surfaces(self, pictures: Float32, gain: float = 1.0) -> tuple[Float32, FloatArray]:
        """Compute how well each displacement fits, one surface a picture.

        Parameters
        ----------
        pictures
            (n, height, width), one a template.
        gain
            Contrast of the pictures relative to the templates'.

        Returns
        -------
        surfaces
            (n, side, side), rows are y; the highest value is the best fit.
        power
            (n,) power of the high-passed pictures.
        """
        return self.surfaces_of(pictures * self.window, gain)

    def surfaces_of(self, tapered: Float32, gain: float) -> tuple[Float32, FloatArray]:
        """Do the same for pictures that the window was laid on already."""
        from miniscope_nwb.correct.match_kernels import compare

        spectrum = self.transform(tapered)
        power = compare(spectrum, self._template, self._static, gain, self._energy, self._highpass)
        return self.searched(spectrum), power

    def searched(self, spectrum: Complex64) -> Float32:
        """Transform back, only what is searched: (n, side, side), rows are y, 0 in the middle."""
        from scipy import fft

        # Not as products of matrices: their library would start threads of its own for them.
        rows = fft.ifft(spectrum, axis=1, workers=1)[:, self._steps]
        surface = fft.irfft(rows, self.shape[1], axis=2, workers=1)[:, :, self._steps]
        return np.asarray(surface, np.float32)

    def displacements(
        self, surfaces: Float32
    ) -> tuple[FloatArray, IntArray, FloatArray, BoolArray]:
        """Find where surfaces are highest.

        Returns
        -------
        displacement_px
            (n, 2) x then y.
        place
            (n, 2) of the highest values in the surfaces.
        height
            (n,) of the peaks between them.
        is_at_border
            (n,) the highest value lies at the border of the window searched.
        """
        from miniscope_nwb.correct.match_kernels import find_peaks

        place, rest = np.empty((len(surfaces), 2), np.int64), np.empty((len(surfaces), 2))
        is_at_border = np.empty(len(surfaces), np.bool_)
        height = find_peaks(surfaces, place, is_at_border, rest)
        return place - (self.reach_px + STENCIL) + rest, place, height, is_at_border

    def peaks(self, surfaces: Float32, power: FloatArray, gain: FloatArray) -> Match:
        """Find the peaks of surfaces, one a template, or any number where there is one template."""
        found, place, value, is_at_border = self.displacements(surfaces)
        template = np.arange(len(surfaces)) % len(self._norm)
        energy = self._overlap[template, place[:, 1], place[:, 0]].astype(np.float64)
        energy = np.maximum(energy, np.maximum(_LEAST_OVERLAP * self._norm**2, 1e-12)[template])
        # On the peak the sum with G is the value and the energy that was taken off it; as a share
        # of that energy it does not depend on how much of the template is there to be compared.
        product = (value / energy + 0.5 * gain) * self._norm**2
        # What shows the tissue has its power at least; a black frame must not score by chance.
        size = np.maximum(np.sqrt(power), _LEAST_POWER_SHARE * gain * self._norm)
        score = product / np.maximum(size * self._norm, 1e-12)
        return Match(found, score, is_at_border)
