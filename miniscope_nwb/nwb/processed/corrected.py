"""The corrected movie inside the file: a small preview that a viewer can play, or all of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pynwb.ophys import OnePhotonSeries

from miniscope_nwb.movie import FrameClock, Movie
from miniscope_nwb.nwb.axes import AXIS_COMMENT, movie_to_nwb
from miniscope_nwb.nwb.movie import chunk_shape
from miniscope_nwb.nwb.processed.context import Context
from miniscope_nwb.nwb.processed.later import Later, Packed, pack, reserve
from miniscope_nwb.recording import BoolArray, FloatArray

Kind = Literal["preview", "full", "none"]

PREVIEW_SHARE = 40  # raw samples for one of the preview: 2.5 % of the raw size
_PREVIEW_BINNING = 2  # raw pixels at least on each axis
_NOT_SEEN = 0  # in a movie of whole numbers, which has no NaN


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which frames are averaged, and over which squares of pixels."""

    bins: list[tuple[int, int]]  # frames [start, stop) of each stored frame
    binning: int  # prepared pixels on each axis


def corrected_series(context: Context, movie: Movie, kind: Kind) -> OnePhotonSeries:
    """Make the series of corrected frames; the frames themselves come later.

    Parameters
    ----------
    context
        File and run.
    movie
        Corrected frames, NaN where not seen, in pixels and size of the prepared movie.
    kind
        ``"preview"``: binned in space and time; ``"full"``: all of it. A preview of few frames
        that were binned before is all of it.
    """
    plan = _full_plan(movie)
    if kind == "preview":
        preview = _preview_plan(movie, context.frame.factor)
        kind, plan = ("full", plan) if preview == plan else (kind, preview)
    dtype = context.raw.data.dtype
    dtype = np.dtype(dtype.kind + str(dtype.itemsize)) if dtype.kind == "u" else np.dtype("f4")
    height, width = movie.height // plan.binning, movie.width // plan.binning
    shape = (len(plan.bins), width, height)
    is_float = dtype.kind == "f"
    data, chunks = reserve(shape, chunk_shape(shape, dtype.itemsize), dtype.str, shuffle=is_float)
    keep = ~np.asarray(context.run.motion_quality.is_outlier, np.bool_)

    def make(first: int) -> Packed:
        bins = plan.bins[first : first + chunks[0]]
        frames = np.stack([_mean_frame(movie, span, keep, plan.binning) for span in bins])
        stored = movie_to_nwb(_as_stored(frames, dtype))
        return [
            ((first, x, 0), pack(stored[:, x : x + chunks[1]], chunks, shuffle=is_float))
            for x in range(0, width, chunks[1])
        ]

    context.later.append(Later(data, list(range(0, len(plan.bins), chunks[0])), make))
    times = {} if kind == "preview" else context.clock()
    return OnePhotonSeries(
        name="corrected",
        description=_describe(context, plan, kind),
        comments=_comment(context, plan, is_float=is_float),
        data=data,
        unit=context.raw.unit,
        imaging_plane=context.raw.imaging_plane,
        dimension=[width, height],
        **(times or {"timestamps": _bin_times(movie.clock.times_s, plan.bins)}),
    )


def stored_samples(movie: Movie, kind: Kind, factor: int) -> int:
    """Return how many samples of the corrected movie are stored."""
    if kind == "none":
        return 0
    plan = _preview_plan(movie, factor) if kind == "preview" else _full_plan(movie)
    return len(plan.bins) * (movie.height // plan.binning) * (movie.width // plan.binning)


def _full_plan(movie: Movie) -> _Plan:
    return _Plan([(frame, frame + 1) for frame in range(movie.n_frames)], 1)


def _preview_plan(movie: Movie, factor: int) -> _Plan:
    """Choose the binning; no bin reaches over a joint between recordings.

    There are never fewer frames than pixels on a side where the movie has more: viewers take the
    longest axis for time.
    """
    binning = -(-_PREVIEW_BINNING // factor)
    binning = max(1, min(binning, movie.height, movie.width))
    side = max(movie.height, movie.width) // binning
    wanted = -(-PREVIEW_SHARE // (binning * factor) ** 2)
    length = max(1, min(wanted, movie.n_frames // (side + 1)))
    return _Plan(_cut(movie.clock, length), binning)


def _cut(clock: FrameClock, length: int) -> list[tuple[int, int]]:
    joints = (np.flatnonzero(np.diff(clock.segment)) + 1).tolist()
    bins: list[tuple[int, int]] = []
    for start, stop in pairwise([0, *joints, clock.n_frames]):
        bins += [(first, min(first + length, stop)) for first in range(start, stop, length)]
    return bins


def _bin_times(times: FloatArray, bins: list[tuple[int, int]]) -> FloatArray:
    return np.array([times[start:stop].mean() for start, stop in bins])


def _mean_frame(
    movie: Movie, span: tuple[int, int], keep: BoolArray, binning: int
) -> npt.NDArray[np.float32]:
    """Mean of the frames and squares of pixels that were seen; NaN where none was.

    Frames that are left out do not count, unless all are.
    """
    start, stop = span
    frames: npt.NDArray[np.float32] = movie.read(start, stop).astype(np.float32, copy=False)
    if stop - start == 1 and binning == 1:
        only: npt.NDArray[np.float32] = frames[0]
        return only
    kept = keep[start:stop] if keep[start:stop].any() else np.ones(stop - start, np.bool_)
    total = np.zeros(frames.shape[1:], np.float32)  # of few frames: exact enough
    count = np.zeros(frames.shape[1:], np.float32)
    bounds = movie.seen(start, stop)
    for number in np.flatnonzero(kept).tolist():  # no copy of the kept frames
        top, bottom, left, right = bounds[number]
        area = (slice(top, bottom), slice(left, right))
        inner = frames[number][area]
        if np.isfinite(inner.sum()):
            total[area] += inner
            count[area] += 1
        else:
            is_seen = np.isfinite(inner)
            total[area] += np.where(is_seen, inner, 0)
            count[area] += is_seen
    total, count = _bin(total, binning), _bin(count, binning)
    mean = np.full(total.shape, np.nan, np.float32)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def _bin(image: npt.NDArray[Any], binning: int) -> npt.NDArray[Any]:
    """Sum over squares of pixels; what is left over at the right and lower edge is cut off."""
    height, width = image.shape[0] // binning, image.shape[1] // binning
    total = np.zeros((height, width), image.dtype)
    for row in range(binning):
        for column in range(binning):
            total += image[row : height * binning : binning, column : width * binning : binning]
    return total


def _as_stored(frames: npt.NDArray[np.float32], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if dtype.kind == "f":
        return frames
    is_seen = np.isfinite(frames)
    levels = np.clip(np.rint(np.where(is_seen, frames, 1)), 1, np.iinfo(dtype).max)
    return np.where(is_seen, levels, _NOT_SEEN).astype(dtype)


def _describe(context: Context, plan: _Plan, kind: Kind) -> str:
    if kind == "full":
        return f"Motion-corrected frames of {context.run.series}, all of them."
    length = max(stop - start for start, stop in plan.bins)
    side = plan.binning * context.frame.factor
    return (
        f"Preview of the motion-corrected movie {context.run.series}: means of {length} frames and "
        f"{side} x {side} pixels. The corrected movie in full follows from the raw one and the "
        "shifts."
    )


def _comment(context: Context, plan: _Plan, *, is_float: bool) -> str:
    side, frame = plan.binning * context.frame.factor, context.frame
    missing = "NaN" if is_float else str(_NOT_SEEN)
    return (
        f"{AXIS_COMMENT} {missing} where the sensor did not see. Pixel (0, 0) covers the raw "
        f"columns {frame.x0} to {frame.x0 + side - 1} and rows {frame.y0} to {frame.y0 + side - 1}."
    )
