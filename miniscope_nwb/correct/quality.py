"""How well the corrected frames lie on the template, whichever engine found the shifts."""

from __future__ import annotations

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
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import MotionQuality, MotionResult, Prepared

Float32 = npt.NDArray[np.float32]

N_SAMPLE_FRAMES = 300  # of residual motion and blur
OUTLIER_DEVIATIONS = 6.0  # robust standard deviations below the median correlation, and ...
OUTLIER_SHARE = 0.8  # ... this share of it: ordinary frames differ less, however alike they are
_BINNED_FROM_PX = 160_000
_HALF = 2  # squares of 2 x 2 pixels whose diagonals are the two halves
_REACH_PX = 4  # farthest residual motion, px of the halves
_LEAST_SEEN_PX = 8  # a frame of which less was seen has no correlation


def motion_quality(
    movie: Movie,
    motion: MotionResult,
    prepared: Prepared,
    resources: Resources,
    cell_diameter_px: float,
) -> MotionQuality:
    """Judge a correction from the movie and the record of the motion alone.

    Parameters
    ----------
    movie
        Prepared, not corrected.
    motion
        What is judged.
    prepared
        Which frames were left out.
    resources
        Threads and progress.
    cell_diameter_px
        Prepared px; the band-pass keeps structures of this size.

    Returns
    -------
    quality
        ``correlation_before`` and ``_after`` are those of the band-passed frame with the template
        where it was seen; NaN where too little was. ``residual_px`` is the length of the rigid
        motion left, RMS, measured on either half of the pixels so that the noise of measuring is
        taken off in square: what is not above that noise counts as 0. ``blur`` is the share of the
        structure in single frames that their mean has lost, 0 (none) to 1; flashing cells
        contribute to it. ``share_moved`` is that of the frames farther from the median position
        than half a cell.
    """
    highpass = max(1.5, cell_diameter_px / 2)
    before, after = _correlations(movie, motion, highpass, resources)
    is_outlier = prepared.is_left_out | ~motion.is_registered
    is_outlier = is_outlier | _stands_out(after, ~is_outlier)
    usable = ~is_outlier
    residual, blur = float("nan"), float("nan")
    if usable.any():
        residual, blur = _residual_and_blur(movie, motion, usable, highpass, resources)
    return MotionQuality(
        correlation_before=before,
        correlation_after=after,
        is_outlier=is_outlier,
        residual_px=residual,
        blur=blur,
        share_moved=_share_moved(motion.shifts_px, usable, cell_diameter_px),
    )


def _share_moved(shifts_px: Float32, usable: BoolArray, cell_diameter_px: float) -> float:
    if not usable.any():
        return float("nan")
    shifts = shifts_px[usable].astype(np.float64)
    away = np.hypot(*(shifts - np.median(shifts, axis=0)).T)
    return float(np.mean(away > cell_diameter_px / 2))


def _stands_out(correlation: Float32, usable: BoolArray) -> BoolArray:
    """Say which frames are far below the others."""
    known = correlation[usable & np.isfinite(correlation)].astype(np.float64)
    if not len(known):
        return np.zeros(len(correlation), bool)
    middle = float(np.median(known))
    spread = 1.4826 * float(np.median(np.abs(known - middle)))
    bound = min(middle - OUTLIER_DEVIATIONS * spread, OUTLIER_SHARE * middle)
    return np.asarray(~np.isfinite(correlation) | (correlation < bound))


def _correlations(
    movie: Movie, motion: MotionResult, highpass_px: float, resources: Resources
) -> tuple[Float32, Float32]:
    """Correlate each frame with the template, before and after the correction."""
    factor = _HALF if movie.height * movie.width >= _BINNED_FROM_PX else 1
    small, scaled = SmallMovie(movie, factor), small_motion(motion, factor)
    corrected = CorrectedMovie(small, scaled)
    template = bandpass(scaled.template.astype(np.float32), highpass_px / factor)
    whole = np.array([0, small.height, 0, small.width])

    def work(span: tuple[int, int]) -> tuple[list[float], list[float]]:
        sharp = np.stack([bandpass(frame, highpass_px / factor) for frame in small.read(*span)])
        moved, bounds = corrected.correct(sharp, span[0]), corrected.seen(*span)
        first = [_correlation(frame, template, whole) for frame in sharp]
        pairs = zip(moved, bounds, strict=True)
        return first, [_correlation(frame, template, seen) for frame, seen in pairs]

    before: list[float] = []
    after: list[float] = []
    for first, second in map_in_order(work, movie.blocks(), n_threads=resources.n_threads):
        before += first
        after += second
        resources.progress(len(after), movie.n_frames)
    return np.array(before, np.float32), np.array(after, np.float32)


def _correlation(frame: Float32, template: Float32, seen: IntArray) -> float:
    """Correlate the seen part of a frame with the template, both band-passed."""
    from miniscope_nwb.correct.shift_kernels import correlation

    top, bottom, left, right = (int(bound) for bound in seen)
    if min(bottom - top, right - left) < _LEAST_SEEN_PX:
        return float("nan")
    part = np.s_[top:bottom, left:right]
    return float(correlation(frame[part], template[part]))


@dataclass(frozen=True, slots=True)
class _Halves:
    """What two halves of the pixels show of one frame."""

    pictures: tuple[Float32, Float32]  # band-passed, 0 where nothing was seen
    displacements_px: FloatArray  # (2, 2): half, then x and y; px of the movie
    energy: float  # of the structure that both show


def _residual_and_blur(
    movie: Movie, motion: MotionResult, usable: BoolArray, highpass_px: float, resources: Resources
) -> tuple[float, float]:
    """Measure on sample frames how far they still move and how much their mean has lost."""
    scaled = small_motion(motion, _HALF)
    pair = (
        SmallMovie(movie, _HALF, lambda frame: halves(frame)[0]),
        SmallMovie(movie, _HALF, lambda frame: halves(frame)[1]),
    )
    corrected = [CorrectedMovie(half, scaled) for half in pair]
    template, sharp = scaled.template.astype(np.float32), highpass_px / _HALF
    reach = min(_REACH_PX, max(1, min(template.shape) // 4))
    matcher = Matcher(
        sharpen(template, sharp),
        window_of(template.shape[0], template.shape[1], RISE_SHARE),
        highpass_px=sharp,
        reach_px=reach,
        padding_px=reach,
    )
    brightness = max(float(template.mean(dtype=np.float64)), 1e-6)

    def work(number: int) -> _Halves:
        pictures, places = [], []
        for half in corrected:
            frame = half.read(number, number + 1)[0]
            is_seen = np.isfinite(frame)
            gain = float(np.nanmean(frame)) / brightness if is_seen.any() else 1.0
            filled = np.where(is_seen, frame, np.float32(gain) * template)
            places.append(matcher.match(filled[None], gain).displacement_px[0] * _HALF)
            pictures.append(bandpass(filled, sharp) * is_seen)
        energy = float((pictures[0] * pictures[1]).sum(dtype=np.float64))
        return _Halves((pictures[0], pictures[1]), np.stack(places), energy)

    total, places, energies = np.zeros((2, *template.shape)), [], []
    sample = spread_frames(usable, N_SAMPLE_FRAMES).tolist()
    for found in map_in_order(work, sample, n_threads=resources.n_threads):
        total[0] += found.pictures[0]
        total[1] += found.pictures[1]
        places.append(found.displacements_px)
        energies.append(found.energy)
    first, second = np.stack(places, axis=1)
    product = (first - first.mean(axis=0)) * (second - second.mean(axis=0))
    residual = float(np.sqrt(max(0.0, product.sum(axis=1).mean())))
    energy = max(float(np.mean(energies)), 1e-12)
    kept = float((total[0] * total[1]).sum()) / len(sample) ** 2 / energy
    return residual, float(1 - np.sqrt(np.clip(kept, 0.0, 1.0)))
