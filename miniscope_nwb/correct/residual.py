"""What a correction leaves, measured on two halves of the pixels: motion, and blur of the mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.filters import bandpass, halves, sharpen, window_of
from miniscope_nwb.correct.matcher import Matcher
from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.correct.rigid import RISE_SHARE
from miniscope_nwb.correct.small_movie import SmallMovie, small_motion
from miniscope_nwb.engines.base import Resources
from miniscope_nwb.movie import Movie, map_in_order, spread_frames
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import MotionResult

Float32 = npt.NDArray[np.float32]

N_SAMPLE_FRAMES = 300  # of residual motion and blur
_HALF = 2  # squares of 2 x 2 pixels whose diagonals are the two halves
_REACH_PX = 4  # farthest residual motion, px of the halves


@dataclass(frozen=True, slots=True)
class _Halves:
    """What two halves of the pixels show of one frame."""

    pictures: tuple[Float32, Float32]  # band-passed, 0 where nothing was seen
    displacements_px: FloatArray  # (2, 2): half, then x and y; px of the movie
    energy: float  # of the structure that both show


class _Measurement:
    """Measures frames of a corrected movie on either half of their pixels."""

    def __init__(self, movie: Movie, motion: MotionResult, highpass_px: float) -> None:
        scaled = small_motion(motion, _HALF)
        self._movie = movie
        self._corrected = CorrectedMovie(SmallMovie(movie, _HALF), scaled)
        self.template = scaled.template.astype(np.float32)
        self._sharp_px = highpass_px / _HALF
        reach = min(_REACH_PX, max(1, min(self.template.shape) // 4))
        self._matcher = Matcher(
            sharpen(self.template, self._sharp_px),
            window_of(self.template.shape[0], self.template.shape[1], RISE_SHARE),
            highpass_px=self._sharp_px,
            reach_px=reach,
            padding_px=reach,
        )
        self._brightness = max(float(self.template.mean(dtype=np.float64)), 1e-6)

    def of_frame(self, number: int) -> _Halves:
        pictures, places = [], []
        for half in halves(self._movie.read(number, number + 1)[0]):
            frame = self._corrected.correct(half[None], number)[0]
            is_seen = np.isfinite(frame)
            gain = float(np.nanmean(frame)) / self._brightness if is_seen.any() else 1.0
            filled = np.where(is_seen, frame, np.float32(gain) * self.template)
            places.append(self._matcher.match(filled[None], gain).displacement_px[0] * _HALF)
            pictures.append(bandpass(filled, self._sharp_px) * is_seen)
        energy = float((pictures[0] * pictures[1]).sum(dtype=np.float64))
        return _Halves((pictures[0], pictures[1]), np.stack(places), energy)


def residual_and_blur(
    movie: Movie, motion: MotionResult, usable: BoolArray, highpass_px: float, resources: Resources
) -> tuple[float, float]:
    """Measure on sample frames how far they still move, px, and how much their mean has lost.

    See `quality.motion_quality`; `movie` is not corrected, `usable` (n_frames,) has a frame.
    """
    measurement = _Measurement(movie, motion, highpass_px)
    sample = spread_frames(usable, N_SAMPLE_FRAMES).tolist()
    found = map_in_order(measurement.of_frame, sample, n_threads=resources.n_threads)
    return _summed(found, np.zeros((2, *measurement.template.shape)))


def _summed(found: Iterable[_Halves], total: FloatArray) -> tuple[float, float]:
    """Put the frames together; `total` (2, height, width) is where their pictures are added."""
    places, energies = [], []
    for halves_of_frame in found:
        total[0] += halves_of_frame.pictures[0]
        total[1] += halves_of_frame.pictures[1]
        places.append(halves_of_frame.displacements_px)
        energies.append(halves_of_frame.energy)
    first, second = np.stack(places, axis=1)
    product = (first - first.mean(axis=0)) * (second - second.mean(axis=0))
    residual = float(np.sqrt(max(0.0, product.sum(axis=1).mean())))
    energy = max(float(np.mean(energies)), 1e-12)
    kept = float((total[0] * total[1]).sum()) / len(places) ** 2 / energy
    return residual, float(1 - np.sqrt(np.clip(kept, 0.0, 1.0)))
