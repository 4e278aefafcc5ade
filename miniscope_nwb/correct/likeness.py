"""How alike the frames and the template are, before and after the correction, and which are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.filters import bandpass
from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.correct.parts import N_REFERENCES, Parts
from miniscope_nwb.correct.small_movie import SmallMovie, batches, small_motion
from miniscope_nwb.engines.base import Resources
from miniscope_nwb.movie import Movie, map_in_order, spread_frames
from miniscope_nwb.recording import BoolArray, IntArray
from miniscope_nwb.results import MotionResult

Float32 = npt.NDArray[np.float32]

OUTLIER_DEVIATIONS = 6.0  # standard deviations below the median correlation
OUTLIER_SHARE = 0.8  # of the median, at that: ordinary frames differ less, however alike they are
LEAST_SPREAD_SHARE = (1 - OUTLIER_SHARE) / OUTLIER_DEVIATIONS  # the smallest standard deviation
_HOPELESS_SHARE = 0.5  # of the median: whatever its parts do, a frame shows something else
_LEAST_PART_SHARE = 0.3  # of what a part usually reaches
_BINNED_FROM_PX = 160_000
_BINNING = 2
_LEAST_SEEN_PX = 8  # a frame of which less was seen has no correlation


@dataclass(frozen=True, slots=True)
class Likeness:
    """Correlation of each frame with the template, (n_frames,); NaN where too little was seen."""

    before: Float32
    after: Float32


class Comparison:
    """Compares frames with the template, both band-passed, on a copy that is binned where large.

    Parameters
    ----------
    movie
        Prepared, not corrected.
    motion
        The correction.
    highpass_px
        Sigma of the band-pass, px of the movie.
    """

    def __init__(self, movie: Movie, motion: MotionResult, highpass_px: float) -> None:
        factor = _BINNING if movie.height * movie.width >= _BINNED_FROM_PX else 1
        scaled = small_motion(motion, factor)
        self._small = SmallMovie(movie, factor)
        self._corrected = CorrectedMovie(self._small, scaled)
        self._highpass_px = highpass_px / factor
        self._template = bandpass(scaled.template.astype(np.float32), self._highpass_px)

    def of_frames(self, resources: Resources) -> Likeness:
        """Correlate all frames."""
        before: list[float] = []
        after: list[float] = []
        spans = batches(self._small)
        for first, second in map_in_order(self._of_span, spans, n_threads=resources.n_threads):
            before += first
            after += second
            resources.progress(len(after), self._small.n_frames)
        return Likeness(np.array(before, np.float32), np.array(after, np.float32))

    def _of_span(self, span: tuple[int, int]) -> tuple[list[float], list[float]]:
        sharp = self._small.read(*span)
        for frame in sharp:
            frame[:] = bandpass(frame, self._highpass_px)
        whole = np.array([0, self._small.height, 0, self._small.width])
        before = [self._correlation(frame, whole) for frame in sharp]
        pairs = zip(
            self._corrected.correct(sharp, span[0]), self._corrected.seen(*span), strict=True
        )
        return before, [self._correlation(frame, seen) for frame, seen in pairs]

    def _correlation(self, frame: Float32, seen: IntArray) -> float:
        """Correlate the seen part of a band-passed frame with the template."""
        from miniscope_nwb.correct.shift_kernels import correlation

        top, bottom, left, right = (int(bound) for bound in seen)
        if min(bottom - top, right - left) < _LEAST_SEEN_PX:
            return float("nan")
        part = np.s_[top:bottom, left:right]
        return float(correlation(frame[part], self._template[part]))

    def outliers(
        self, correlation: Float32, usable: BoolArray, *, deviation: float, n_threads: int
    ) -> BoolArray:
        """Say which frames do not show the template where they should, (n_frames,).

        A frame is suspected where its correlation is far below the median, and is an outlier
        unless its parts lie well one by one: bright cells lower the correlation of a small field.

        Parameters
        ----------
        correlation
            (n_frames,) after the correction.
        usable
            (n_frames,) frames that are asked for; others are no outliers here.
        deviation
            How far below the median is far, standard deviations (robust, and not less than
            `LEAST_SPREAD_SHARE` of the median); a part may be as far below its own.
        n_threads
            Threads; the result does not depend on it.
        """
        known = correlation[usable & np.isfinite(correlation)].astype(np.float64)
        if not len(known):
            return usable.copy()
        middle = float(np.median(known))
        spread = 1.4826 * float(np.median(np.abs(known - middle)))
        bound = middle - deviation * max(spread, LEAST_SPREAD_SHARE * middle)
        is_outlier = usable & ~(correlation >= bound)
        doubtful = np.flatnonzero(is_outlier & (correlation >= _HOPELESS_SHARE * middle))
        ordinary = spread_frames(usable & ~is_outlier, N_REFERENCES)
        if len(doubtful) and len(ordinary):
            share = max(_LEAST_PART_SHARE, 1 - deviation * LEAST_SPREAD_SHARE)
            lie_well = self._lie_well(doubtful, ordinary, share=share, n_threads=n_threads)
            is_outlier[doubtful] = ~lie_well
        return is_outlier

    def _lie_well(
        self, doubtful: IntArray, ordinary: IntArray, *, share: float, n_threads: int
    ) -> BoolArray:
        """Say of which frames the parts lie as they do in ordinary frames."""
        references = [self._sharp(number) for number in ordinary.tolist()]
        parts = Parts(self._template, references, highpass_px=self._highpass_px)

        def judge(number: int) -> bool:
            return parts.lie_well(*self._sharp(number), share=share)

        return np.array(list(map_in_order(judge, doubtful.tolist(), n_threads=n_threads)), bool)

    def _sharp(self, number: int) -> tuple[Float32, IntArray]:
        """Return a corrected, band-passed frame and what was seen of it."""
        frame = bandpass(self._small.read(number, number + 1)[0], self._highpass_px)
        seen = self._corrected.seen(number, number + 1)[0]
        return self._corrected.correct(frame[None], number)[0], seen
