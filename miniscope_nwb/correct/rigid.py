"""Rigid motion: the template is bootstrapped from a sample, then every frame is placed on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.filters import binned, sharpen, window_of
from miniscope_nwb.correct.matcher import Match, Matcher
from miniscope_nwb.correct.refine import Refinement
from miniscope_nwb.correct.settings import LARGEST_SHARE, Settings
from miniscope_nwb.correct.steadiness import steadiness
from miniscope_nwb.correct.template import (
    BinnedFrames,
    Sample,
    SampleFrames,
    median_of_means,
    shift_sample,
    static_pattern,
)
from miniscope_nwb.movie import FrameClock, exhaust, map_in_order
from miniscope_nwb.recording import BoolArray, FloatArray

Float32 = npt.NDArray[np.float32]

RISE_SHARE = 1 / 6  # of each side, over which the taper rises
N_ROUGH = 100  # of the sample, that all templates but the last are made of
_PLACED_TOGETHER = 20  # frames of the sample that a thread takes at a time
_WIDEN = 2  # times the window, where frames of the sample lie at its border
_MANY_AT_BORDER = 0.01  # of the sample: the window is too small, or the template is poor
_WIDE_GAIN = 1.1  # in the median score, by which the window is too small for most frames
_TOGETHER_DEVIATIONS = 4.0  # robust standard deviations of the shifts, and a pixel
_LEAST_SCORE_SHARE = 0.5  # of the median score, below which a frame shows something else
_DOUBTFUL_SCORE_SHARE = 0.8  # of it, together with the next one
_DOUBTFUL_DEVIATIONS = 8.0  # robust standard deviations below the median score


@dataclass(frozen=True, slots=True)
class Placed:
    """Where frames lie; arrays have shape (n_frames,) or (n_frames, 2), pixels of the copy."""

    shifts_px: FloatArray  # corrections, x then y
    score: FloatArray
    is_at_border: BoolArray


class Placer:
    """Places binned frames on one template.

    Parameters
    ----------
    template, static
        (height, width) of the copy; `static` stays with the camera, None: not known yet.
    settings
        Lengths, px of the movie.
    reach_px
        Farthest shift, px of the movie.
    steadiness
        (height, width) by which the template's pixels are believed; None: places stay those of
        the peaks.
    """

    def __init__(
        self,
        template: Float32,
        static: Float32 | None,
        settings: Settings,
        reach_px: float,
        steadiness: Float32 | None = None,
    ) -> None:
        factor, highpass_px = settings.factor, settings.highpass_px / settings.factor
        self._window = window_of(template.shape[0], template.shape[1], RISE_SHARE)
        self._brightness = float((self._window * template).sum(dtype=np.float64))
        reach = reach_of_copy(reach_px, factor)
        sharpened = sharpen(template, highpass_px, static)
        self._matcher = Matcher(
            sharpened, self._window, highpass_px=highpass_px, reach_px=reach, padding_px=reach
        )
        self._refinement: Refinement | None = None
        if steadiness is not None:
            self._refinement = Refinement(
                self._matcher, template, sharpened.once[0], steadiness, static, highpass_px
            )

    def place(self, frames: npt.NDArray[Any] | Sequence[Float32]) -> Placed:
        """Find the shifts of binned frames, (n, height, width)."""
        from miniscope_nwb.correct.filter_kernels import weigh

        surfaces, powers, gains = [], [], []
        tapered = np.zeros(self._matcher.shape, np.float32)  # padded here, not for each transform
        for frame in frames:
            brightness = weigh(frame, self._window, tapered)
            gain = min(max(brightness / max(self._brightness, 1e-6), 0.5), 2.0)
            surface, power = self._matcher.surfaces_of(tapered[None], gain)
            surfaces.append(surface[0])
            powers.append(power[0])
            gains.append(gain)
        if not surfaces:
            return Placed(np.empty((0, 2)), np.empty(0), np.empty(0, bool))
        found: Match = self._matcher.peaks(np.stack(surfaces), np.array(powers), np.array(gains))
        if self._refinement is not None:
            for k in np.flatnonzero(~found.is_at_border).tolist():
                place = found.displacement_px[k]
                found.displacement_px[k] = self._refinement.refine(frames[k], place, gains[k])
        return Placed(-found.displacement_px, found.score, found.is_at_border)


def reach_of_copy(reach_px: float, factor: int) -> int:
    """Return how far is searched in the binned copy, for a reach in px of the movie."""
    return int(np.ceil(reach_px / factor))


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The template and how far the search goes; images of the copy that is compared."""

    template: Float32
    static: Float32
    reach_px: float  # px of the movie
    sample_shifts_px: FloatArray  # (n, 2) px of the movie
    is_good: BoolArray  # (n,) sample frames that made the template
    steadiness: Float32 | None = None  # by which pixels of the template are believed

    def usual_reach_px(self) -> float:
        """Say how far most frames lie from 0 along the axis where it is more, px of the movie."""
        shifts = self.sample_shifts_px[self.is_good]
        return float(_usual_reach(shifts).max()) if len(shifts) else self.reach_px


def bootstrap(
    sample: Sample, first: Float32, settings: Settings, *, n_rounds: int, n_threads: int
) -> Bootstrap:
    """Place the sample on a template made of it, round by round: of a part, and of all in the last.

    Parameters
    ----------
    sample
        Frames of the movie.
    first
        Template to begin with, binned.
    """
    frames: SampleFrames = sample.frames  # as they are stored
    few = sample.frames[:: max(1, len(frames) // N_ROUGH)]
    if settings.factor > 1:
        frames = BinnedFrames(sample.frames, settings.factor)
        few = _all_binned(few, settings.factor, n_threads)
    template, static, steady = first, None, None
    for round_number in range(n_rounds):
        is_last = round_number == n_rounds - 1
        used = frames if is_last else few
        placed, reach = _place_sample(
            template, static, used, settings, n_threads, steady=steady, is_last=is_last
        )
        if static is None and _are_many_at_border(placed):
            # The mean is blurred by the motion, but shows faint cells that few frames do not.
            mean = few.mean(axis=0, dtype=np.float32)
            other = _place_sample(mean, static, used, settings, n_threads, is_last=is_last)
            if np.median(other[0].score) > np.median(placed.score):
                placed, reach = other
        is_good = are_placed(placed)
        centre = np.median(placed.shifts_px[is_good], axis=0) if is_good.any() else np.zeros(2)
        shifts = placed.shifts_px - centre  # the field stays where it mostly is
        chosen = is_good if is_last else is_good & _lie_together(shifts, is_good)
        shift = shift_sample(used, shifts, static)
        template = median_of_means(used, shift, chosen, n_threads=n_threads)
        static = static_pattern(used, template, shifts, chosen, n_threads=n_threads)
        if round_number == n_rounds - 2:
            sharp_px = settings.highpass_px / settings.factor
            steady = steadiness(
                used, template, static, shifts, chosen, sharp_px, n_threads=n_threads
            )
    assert static is not None
    return Bootstrap(template, static, reach, shifts * settings.factor, is_good, steady)


def _all_binned(frames: npt.NDArray[Any], factor: int, n_threads: int) -> Float32:
    """Bin frames (n, height, width), each into its place: a stack of them takes as long again."""
    height, width = (size // factor for size in frames.shape[1:])
    small = np.empty((len(frames), height, width), np.float32)

    def put(number: int) -> None:
        small[number] = binned(frames[number], factor)

    exhaust(map_in_order(put, range(len(frames)), n_threads=n_threads))
    return small


def _place_sample(
    template: Float32,
    static: Float32 | None,
    frames: SampleFrames,
    settings: Settings,
    n_threads: int,
    *,
    steady: Float32 | None = None,
    is_last: bool = False,
) -> tuple[Placed, float]:
    """Place sample frames, in a wider window if that is needed; also return its reach.

    A rough template places faint frames anywhere, at the border too. Until the last round those
    are passed over, and the window is widened only where most frames lie beyond it.
    """
    reach = settings.max_shift_px
    placed = _place_all(Placer(template, static, settings, reach, steady), frames, n_threads)
    if not settings.may_widen or not _are_many_at_border(placed):
        return placed, reach
    widened = min(_WIDEN * reach, LARGEST_SHARE * settings.factor * min(frames.shape[1:]))
    wide = _place_all(Placer(template, static, settings, widened, steady), frames, n_threads)
    if is_last or np.median(wide.score) > _WIDE_GAIN * np.median(placed.score):
        return wide, widened
    return placed, reach


def _are_many_at_border(placed: Placed) -> bool:
    return bool(placed.is_at_border.mean() > _MANY_AT_BORDER)


def _lie_together(shifts_px: FloatArray, is_good: BoolArray) -> BoolArray:
    """Say which shifts lie among most of the good ones, around 0.

    A rough template places some frames by chance. Few as they are, they would spoil the next one:
    the tissue that they show in wrong places would be taken for what stays with the camera.
    """
    if not is_good.any():
        return is_good
    return np.asarray((np.abs(shifts_px) <= _usual_reach(shifts_px[is_good])).all(axis=1))


def _usual_reach(shifts_px: FloatArray) -> FloatArray:
    """Say how far along x and y most frames lie from 0, as these shifts (n, 2) tell."""
    spread = 1.4826 * np.median(np.abs(shifts_px), axis=0)
    return np.asarray(_TOGETHER_DEVIATIONS * spread + 1)


def _place_all(placer: Placer, frames: SampleFrames, n_threads: int) -> Placed:
    def place(start: int) -> Placed:
        stop = min(start + _PLACED_TOGETHER, len(frames))
        return placer.place([frames[number] for number in range(start, stop)])

    starts = range(0, len(frames), _PLACED_TOGETHER)
    return joined(map_in_order(place, starts, n_threads=n_threads))


def joined(parts: Iterable[Placed]) -> Placed:
    """Put what was found of blocks of frames together."""
    pieces = list(parts)
    names = ("shifts_px", "score", "is_at_border")
    return Placed(*(np.concatenate([getattr(part, name) for part in pieces]) for name in names))


def are_placed(placed: Placed) -> BoolArray:
    """Say which frames could be placed, from how their scores stand out among all."""
    if not len(placed.score):
        return np.empty(0, bool)
    middle = float(np.median(placed.score))
    spread = 1.4826 * float(np.median(np.abs(placed.score - middle)))
    is_low = placed.score < _LEAST_SCORE_SHARE * middle
    is_doubtful = placed.score < min(
        _DOUBTFUL_SCORE_SHARE * middle, middle - _DOUBTFUL_DEVIATIONS * spread
    )
    return np.asarray(~(is_low | is_doubtful | placed.is_at_border))


def fill_gaps(values: npt.NDArray[Any], is_known: BoolArray, clock: FrameClock) -> None:
    """Interpolate values (n_frames, ...) in time where they are not known, in place.

    Each segment is filled by itself; one in which nothing is known takes what is nearest in time.
    If nothing is known at all, the values become 0.
    """
    if not is_known.any():
        values[:] = 0
        return
    flat = values.reshape(len(values), -1)
    for segment in np.unique(clock.segment[~is_known]):
        inside = clock.segment == segment
        known = is_known & inside if (is_known & inside).any() else is_known
        missing = np.flatnonzero(inside & ~is_known)
        times, known_times = clock.times_s[missing], clock.times_s[known]
        for column in range(flat.shape[1]):
            flat[missing, column] = np.interp(times, known_times, flat[known, column])
