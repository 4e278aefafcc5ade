"""Where every frame lies on the template; frames that fit badly nearby are looked for farther."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.filters import bandpass, binned
from miniscope_nwb.correct.parts import N_REFERENCES, Parts
from miniscope_nwb.correct.rigid import Bootstrap, Placed, Placer, are_placed, joined, reach_of_copy
from miniscope_nwb.correct.settings import LARGEST_SHARE, Settings
from miniscope_nwb.correct.shift import seen_after_shift, shift_frame
from miniscope_nwb.correct.small_movie import batches
from miniscope_nwb.correct.template import Sample
from miniscope_nwb.engines.base import Resources
from miniscope_nwb.movie import Movie, map_in_order, spread_frames
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray

Float32 = npt.NDArray[np.float32]

_POOR_SHARE = 0.85  # of the usual score: a frame that scores less may lie elsewhere
_LEAST_SHARE = 0.5  # of it, that a place must score, however well its parts lie
_AS_GOOD_SHARE = 0.85  # of the score of an unusual place, from which a usual one is preferred
_CLEARER_SHARE = 0.1  # of it, by which a place beyond the window must score more


@dataclass(frozen=True, slots=True)
class Found:
    """Where the frames of a movie lie, px of the movie.

    Frames that were left out have score NaN; they are placed too, so that their shifts are no
    guesses where the frame can be recognised beyond doubt.
    """

    placed: Placed
    is_registered: BoolArray  # (n_frames,) usable and placed
    is_known: BoolArray  # (n_frames,) the shift was found: registered, or left out but recognised


class Search:
    """Places binned frames on the template of a bootstrap.

    Parameters
    ----------
    sample
        Frames that the template was made of.
    start
        Template, shifts of the sample.
    settings
        Lengths, px of the movie.
    """

    def __init__(self, sample: Sample, start: Bootstrap, settings: Settings) -> None:
        self._start, self._settings, self._factor = start, settings, settings.factor
        self._highpass_px = settings.highpass_px / settings.factor
        self._near = self._placer(start.reach_px)
        self._usual_reach_px = start.usual_reach_px()
        widest = LARGEST_SHARE * min(sample.frames.shape[1:])
        self._widest_px = widest if settings.may_widen else 0.0
        chosen = spread_frames(start.is_good, N_REFERENCES)
        small = [binned(sample.frames[number], self._factor) for number in chosen]
        scores = self._near.place(small).score
        self._usual = float(np.median(scores)) if len(scores) else 0.0
        shifts = start.sample_shifts_px[chosen] / self._factor
        self._parts = Parts(
            bandpass(start.template, self._highpass_px),
            [self._moved(frame, shift) for frame, shift in zip(small, shifts, strict=True)],
            highpass_px=self._highpass_px,
        )

    def _placer(self, reach_px: float, *, is_refined: bool = True) -> Placer:
        start = self._start
        steadiness = start.steadiness if is_refined else None
        return Placer(start.template, start.static, self._settings, reach_px, steadiness)

    # Most movies ask neither of these two for anything. Threads may both make one: it is the same.
    @cached_property
    def _far(self) -> Placer:
        """Of the widest window."""
        return self._placer(self._widest_px, is_refined=False)

    @cached_property
    def _usual_places(self) -> Placer:
        """Of the places where most frames lie."""
        return self._placer(self._usual_reach_px)

    def place(self, small: Sequence[Float32], is_left_out: BoolArray) -> tuple[Placed, BoolArray]:
        """Place binned frames, n of (height, width).

        Returns
        -------
        placed
            Pixels of the copy.
        is_sure
            (n,) the parts of the frame lie well; asked only of frames that score poorly or were
            left out.
        """
        found = self._near.place(small)
        if self._usual_reach_px < self._start.reach_px:
            self._look_nearer(found, small)
        is_poor = found.is_at_border | (found.score < _POOR_SHARE * self._usual)
        if self._widest_px > self._start.reach_px and is_poor.any():
            self._look_farther(found, small, np.flatnonzero(is_poor))
        is_sure = np.zeros(len(small), bool)
        for number in np.flatnonzero(is_poor | is_left_out).tolist():
            is_sure[number] = self._is_sure(found, small[number], number)
        return found, is_sure

    def _look_nearer(self, found: Placed, small: Sequence[Float32]) -> None:
        """Put usual places into `found` for unusual ones that score no better.

        In faint movies a pair of cells that flash decides where a frame lies, and another pair of
        the template may look like it.
        """
        reach_px = reach_of_copy(self._usual_reach_px, self._factor)
        unusual = np.flatnonzero((np.abs(found.shifts_px) > reach_px).any(axis=1))
        if not len(unusual):
            return
        usual = self._usual_places.place([small[number] for number in unusual.tolist()])
        is_as_good = usual.score >= _AS_GOOD_SHARE * found.score[unusual]
        is_taken = is_as_good & ~usual.is_at_border
        taken = unusual[is_taken]
        found.shifts_px[taken] = usual.shifts_px[is_taken]
        found.score[taken] = usual.score[is_taken]
        found.is_at_border[taken] = False

    def _look_farther(self, found: Placed, small: Sequence[Float32], poor: IntArray) -> None:
        """Put places beyond the window into `found`: those that are better, and beyond doubt."""
        wide = self._far.place([small[number] for number in poor])
        for k, number in enumerate(poor.tolist()):
            # At the border the same place, or one beside it, may have been found.
            is_cut = found.is_at_border[number]
            least = found.score[number] + _CLEARER_SHARE * self._usual * (-1 if is_cut else 1)
            if wide.score[k] >= least and self._is_sure(wide, small[number], k):
                found.shifts_px[number], found.score[number] = wide.shifts_px[k], wide.score[k]
                found.is_at_border[number] = False

    def _is_sure(self, placed: Placed, frame: Float32, number: int) -> bool:
        if placed.is_at_border[number] or placed.score[number] < _LEAST_SHARE * self._usual:
            return False
        return self._parts.lie_well(*self._moved(frame, placed.shifts_px[number]))

    def _moved(self, frame: Float32, shift_px: FloatArray) -> tuple[Float32, IntArray]:
        """Band-pass and shift a binned frame; also say what was seen of it."""
        height, width = frame.shape
        whole = np.array([[0, height, 0, width]])
        bounds = seen_after_shift(shift_px[None], whole, height=height, width=width)[0]
        out = np.empty((height, width), np.float32)
        shift_frame(bandpass(frame, self._highpass_px), shift_px, bounds, out)
        return out, bounds


def place_movie(
    movie: Movie,
    usable: BoolArray,
    sample: Sample,
    start: Bootstrap,
    settings: Settings,
    resources: Resources,
) -> Found:
    """Place all frames of a movie.

    Parameters
    ----------
    movie
        Prepared.
    usable
        (n_frames,) not left out.
    sample, start
        The template, and what it was made of.
    settings
        Lengths, px of the movie.
    resources
        Threads and progress.
    """
    search = Search(sample, start, settings)

    def work(span: tuple[int, int]) -> tuple[Placed, BoolArray]:
        small = [binned(frame, settings.factor) for frame in movie.read(*span)]
        return search.place(small, ~usable[span[0] : span[1]])

    parts, sure, done = [], [], 0
    for part, is_sure in map_in_order(work, batches(movie), n_threads=resources.n_threads):
        parts.append(part)
        sure.append(is_sure)
        done += len(is_sure)
        resources.progress(done, movie.n_frames)
    return _found(joined(parts), np.concatenate(sure), usable, settings.factor)


def _found(placed: Placed, is_sure: BoolArray, usable: BoolArray, factor: int) -> Found:
    is_registered = np.zeros(len(usable), bool)
    some = Placed(placed.shifts_px[usable], placed.score[usable], placed.is_at_border[usable])
    is_registered[usable] = are_placed(some)
    is_registered |= usable & is_sure
    whole = Placed(
        placed.shifts_px * factor,
        np.where(usable, placed.score, np.nan),
        placed.is_at_border & usable,
    )
    return Found(whole, is_registered, is_registered | is_sure)
