"""The template: what the tissue looks like where nothing moves, bootstrapped from sample frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.correct.filters import binned
from miniscope_nwb.correct.shift import seen_after_shift, shift_frame
from miniscope_nwb.movie import Movie, exhaust, map_in_order, spread_frames
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray

Float32 = npt.NDArray[np.float32]
IntArray32 = npt.NDArray[np.int32]
Shifter = Callable[[npt.NDArray[Any], int, Float32], None]  # frame, its number, output

_BAND_ROWS = 64  # of the image whose medians a thread takes at a time
N_GROUPS = 21  # means whose median is the template: half of them may be spoilt
SAMPLE_BYTES = 200_000_000  # of the sample frames that are held
LEAST_SAMPLE = 60  # frames, however large they are
_SAMPLE_PIXELS = 80_000_000  # of all of them: a large field shows in fewer frames where it lies
_LEAST_TELLING = 100  # frames, however large


@dataclass(frozen=True, slots=True)
class Sample:
    """Frames spread over the recording, held as they are stored."""

    numbers: IntArray  # (n,) frames of the movie
    frames: npt.NDArray[Any]  # (n, height, width)


class BinnedFrames:
    """Frames of a sample, binned as often as they are asked for; held, they would be as large.

    Parameters
    ----------
    frames
        (n, height, width).
    factor
        Pixels along a side that are averaged.
    """

    def __init__(self, frames: npt.NDArray[Any], factor: int) -> None:
        self._frames, self._factor = frames, factor
        height, width = frames.shape[1:]
        self.shape = (len(frames), height // factor, width // factor)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, number: int) -> Float32:
        return binned(self._frames[number], self._factor)


SampleFrames = npt.NDArray[Any] | BinnedFrames


def take_sample(movie: Movie, usable: BoolArray, n_frames: int) -> Sample:
    """Read up to `n_frames` usable frames, evenly spread; fewer of them where they are large."""
    size = movie.height * movie.width
    fitting = max(LEAST_SAMPLE, SAMPLE_BYTES // (size * movie.dtype.itemsize))
    telling = max(_LEAST_TELLING, _SAMPLE_PIXELS // size)
    numbers = spread_frames(usable, int(min(n_frames, fitting, telling)))
    return Sample(numbers, movie.take(numbers))


def first_template(movie: Movie, usable: BoolArray, *, factor: int, n_frames: int = 10) -> Float32:
    """Average a few frames in a row, taken where they differ least: little motion blurs them."""
    runs = _runs_of(usable, n_frames)
    candidates = [runs[k] for k in np.linspace(0, len(runs) - 1, min(5, len(runs))).astype(int)]
    best: tuple[float, Float32] | None = None
    for frames in candidates:
        stack = np.stack([binned(frame, factor) for frame in movie.take(frames)])
        third = max(1, len(stack) // 3)
        difference = stack[:third].mean(axis=0) - stack[-third:].mean(axis=0)
        unrest = float(difference.std() / max(float(stack.mean()), 1e-6))
        if best is None or unrest < best[0]:
            best = unrest, stack.mean(axis=0)
    assert best is not None
    return best[1]


def _runs_of(usable: BoolArray, n_frames: int) -> list[IntArray]:
    """Cut the usable frames into pieces of `n_frames`, the last ones left out."""
    found = np.flatnonzero(usable)
    pieces = [found[k : k + n_frames] for k in range(0, len(found) - n_frames + 1, n_frames)]
    return pieces or [found]


def shift_sample(
    frames: SampleFrames, shifts_px: FloatArray, static: Float32 | None = None
) -> Shifter:
    """Return the function that shifts the frames of a sample rigidly, less a static pattern."""
    height, width = frames.shape[1:]
    whole = np.tile(np.array([0, height, 0, width]), (len(frames), 1))
    bounds = seen_after_shift(shifts_px, whole, height=height, width=width)

    def shift(frame: npt.NDArray[Any], number: int, out: Float32) -> None:
        moving = frame if static is None else frame - static
        shift_frame(moving, shifts_px[number], bounds[number], out)

    return shift


def median_of_means(
    frames: SampleFrames, shift: Shifter, keep: BoolArray, *, n_threads: int = 1
) -> Float32:
    """Average the shifted frames in groups spread over the recording, and take their median.

    As robust as a median to frames that show something else, nearly as exact as a mean, and never
    more than `N_GROUPS` images are held. Pixels that were never seen take the median of all.

    Parameters
    ----------
    frames
        (n, height, width).
    shift
        Brings a frame onto the template, NaN where nothing was seen.
    keep
        (n,) frames that take part.
    n_threads
        Threads; the template does not depend on their number.
    """
    from miniscope_nwb.correct.template_kernels import add_seen

    height, width = frames.shape[1:]
    numbers = np.flatnonzero(keep)
    n_groups = max(1, min(N_GROUPS, len(numbers) // 3))
    means = np.empty((n_groups, height, width), np.float32)

    def average(group: int) -> None:
        total, count = np.zeros((height, width)), np.zeros((height, width), np.int32)
        shifted = np.empty((height, width), np.float32)
        for number in numbers[group::n_groups].tolist():
            shift(frames[number], number, shifted)
            add_seen(shifted, shifted, total, count)
        means[group] = np.where(count > 0, total / np.maximum(count, 1), np.nan)

    exhaust(map_in_order(average, range(n_groups), n_threads=n_threads))
    bands = [means[:, row : row + _BAND_ROWS] for row in range(0, height, _BAND_ROWS)]
    median = np.concatenate(list(map_in_order(_median, bands, n_threads=n_threads)))
    missing = np.isnan(median)
    if missing.any():
        median[missing] = np.median(median[~missing]) if (~missing).any() else 0.0
    return median


def _median(means: Float32) -> Float32:
    """Median over the first axis of what is not NaN; NaN where nothing is."""
    means.sort(axis=0)  # NaN come last
    count = np.isfinite(means).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    high = np.minimum(high, np.maximum(count - 1, 0))
    pick = [np.take_along_axis(means, place[None], axis=0)[0] for place in (low, high)]
    median: Float32 = 0.5 * (pick[0] + pick[1])
    return median


def static_pattern(
    frames: SampleFrames,
    template: Float32,
    shifts_px: FloatArray,
    keep: BoolArray,
    *,
    n_threads: int = 1,
) -> Float32:
    """Find what stays with the camera: the mean of what the moved template leaves in the frames.

    What is larger than twice the motion cannot be told from tissue, and is left to the template.

    Parameters
    ----------
    frames
        (n, height, width).
    template
        (height, width).
    shifts_px
        (n, 2) corrections of the frames.
    keep
        (n,) frames that take part.
    n_threads
        Threads; the pattern does not depend on their number.
    """
    import cv2

    from miniscope_nwb.correct.template_kernels import add_seen

    numbers = np.flatnonzero(keep)
    back = shift_sample(frames, -shifts_px)

    def leave(group: int) -> tuple[npt.NDArray[np.float64], IntArray32]:
        total, count = np.zeros(template.shape), np.zeros(template.shape, np.int32)
        moved = np.empty_like(template)
        for number in numbers[group::N_GROUPS].tolist():
            back(template, number, moved)
            add_seen(frames[number] - moved, moved, total, count)
        return total, count

    total, count = np.zeros(template.shape), np.zeros(template.shape, np.int32)
    for group_total, group_count in map_in_order(leave, range(N_GROUPS), n_threads=n_threads):
        total += group_total
        count += group_count
    left = (total / np.maximum(count, 1)).astype(np.float32)
    spread = float(np.sqrt(np.mean(np.var(shifts_px[keep], axis=0)))) if len(numbers) else 0.0
    pattern: Float32 = left - cv2.GaussianBlur(left, (0, 0), max(2 * spread, 0.1))
    return pattern
