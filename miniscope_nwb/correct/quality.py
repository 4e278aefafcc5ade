"""How well the corrected frames lie on the template, whichever engine found the shifts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.likeness import OUTLIER_DEVIATIONS, OUTLIER_SHARE, Comparison
from miniscope_nwb.correct.residual import residual_and_blur
from miniscope_nwb.engines.base import Resources
from miniscope_nwb.movie import Movie
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import MotionQuality, MotionResult, Prepared

__all__ = ["OUTLIER_SHARE", "motion_quality"]

Float32 = npt.NDArray[np.float32]


def motion_quality(
    movie: Movie,
    motion: MotionResult,
    prepared: Prepared,
    resources: Resources,
    cell_diameter_px: float,
    outlier_deviation: float = OUTLIER_DEVIATIONS,
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
    outlier_deviation
        Standard deviations below the median correlation, from which a frame is an outlier unless
        its parts lie well; see `likeness.Comparison.outliers`.

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
    comparison = Comparison(movie, motion, highpass)
    likeness = comparison.of_frames(resources)
    is_placed = ~prepared.is_left_out & motion.is_registered
    is_outlier = ~is_placed | comparison.outliers(
        likeness.after, is_placed, deviation=outlier_deviation, n_threads=resources.n_threads
    )
    usable = ~is_outlier
    residual, blur = float("nan"), float("nan")
    if usable.any():
        residual, blur = residual_and_blur(movie, motion, usable, highpass, resources)
    return MotionQuality(
        correlation_before=likeness.before,
        correlation_after=likeness.after,
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
