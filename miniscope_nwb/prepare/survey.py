"""One pass over all frames: how bright each is, and how much it looks like its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.movie import Movie, map_in_order
from miniscope_nwb.prepare.checks import full_scale
from miniscope_nwb.recording import BoolArray, FloatArray
from miniscope_nwb.results import Float32

BAND_PX = 32  # height of the bands of rows that are looked at
BAND_STEP_PX = 16  # from one band to the next
STEP_ROWS = 4  # rows that are averaged above and below a step
_LARGEST_SAMPLE = 1e12  # squares and their sums stay within float32; no camera comes near
_BIN_PX = 8  # of the coarse picture
_LEAST_BINS = 16  # across the field


@dataclass(frozen=True, slots=True)
class Survey:
    """What a pass over all frames found; arrays have shape (n_frames,) or (n_frames, n_bands)."""

    brightness: FloatArray  # mean of each frame
    structure: Float32  # standard deviation over the coarse picture
    row_steps: Float32  # largest step between rows in each band, of the frame's brightness
    changes: Float32  # mean change of each band since the frame before, of the brightness; 0: none
    lowest: float
    highest: float
    saturated_share: float  # samples at the full scale, of all


@dataclass(frozen=True, slots=True)
class _Part:
    """The same of a block; its first and last coarse picture tie it to its neighbours."""

    brightness: FloatArray
    structure: Float32
    row_steps: Float32
    changes: Float32
    first: Float32
    last: Float32
    lowest: float
    highest: float
    n_highest: int


def band_starts(height: int) -> list[int]:
    """First rows of the bands; the last one may hold some rows fewer."""
    return list(range(0, max(1, height - BAND_PX + BAND_STEP_PX), BAND_STEP_PX))


def survey(movie: Movie, resources: Resources) -> Survey:
    """Look at all frames of a movie once.

    Raises
    ------
    NwbContentError
        A sample is no number.
    """
    blocks = movie.blocks()
    size = movie.n_frames, len(band_starts(movie.height))
    brightness, structure = np.empty(size[0]), np.empty(size[0], np.float32)
    row_steps, changes = np.empty(size, np.float32), np.empty(size, np.float32)
    lowest, highest, n_highest = np.inf, -np.inf, 0
    before: Float32 | None = None
    found = map_in_order(partial(_look, movie), blocks, n_threads=resources.n_threads)
    for number, ((start, stop), part) in enumerate(zip(blocks, found, strict=True)):
        brightness[start:stop], structure[start:stop] = part.brightness, part.structure
        row_steps[start:stop], changes[start:stop] = part.row_steps, part.changes
        if before is not None:
            changes[start] = _changes(np.stack([before, part.first]), movie.height)[0]
        before = part.last  # of the pictures only this one is kept, however long the movie is
        lowest = min(lowest, part.lowest)
        if part.highest > highest:
            highest, n_highest = part.highest, 0
        if part.highest == highest:
            n_highest += part.n_highest
        resources.progress(number + 1, len(blocks))
    changes[1:] /= np.maximum(np.minimum(brightness[1:], brightness[:-1]), 1e-6)[:, None]
    changes[~_follows(movie)] = 0
    # Only the full scale of some bit depth can be a limit; a float movie has none.
    is_limit = np.issubdtype(movie.dtype, np.integer) and highest == full_scale(highest)
    saturated_share = is_limit * n_highest / (movie.n_frames * movie.height * movie.width)
    return Survey(brightness, structure, row_steps, changes, lowest, highest, saturated_share)


def _follows(movie: Movie) -> BoolArray:
    """Tell which frames follow the one before directly."""
    clock = movie.clock
    return np.concatenate([[False], (clock.steps[1:] == 1) & (np.diff(clock.segment) == 0)])


def _look(movie: Movie, block: tuple[int, int]) -> _Part:
    """Look at the frames of a block."""
    from miniscope_nwb.prepare.survey_kernels import look

    frames = movie.read(*block)
    _check_numbers(frames, block[0])
    n, height, width = frames.shape
    bin_px = max(1, min(_BIN_PX, width // _LEAST_BINS))
    totals, steps = np.empty(n), np.empty((n, height + 1 - 2 * STEP_ROWS), np.float32)
    coarse = np.empty((n, height // _BIN_PX, width // bin_px), np.float32)
    look(frames, bin_px, STEP_ROWS, _BIN_PX, totals, steps, coarse)
    brightness = totals / (height * width)
    coarse /= bin_px
    largest = _band_maxima(steps) / np.maximum(bin_px * brightness, 1e-6)[:, None]
    changes = np.zeros(largest.shape, np.float32)
    changes[1:] = _changes(coarse, height)
    highest = frames.max()
    return _Part(
        brightness=brightness,
        structure=coarse.reshape(n, -1).std(axis=1),
        row_steps=largest.astype(np.float32),
        changes=changes,
        first=coarse[0].copy(),
        last=coarse[-1].copy(),
        lowest=float(frames.min()),
        highest=float(highest),
        n_highest=int(np.count_nonzero(frames == highest)),
    )


def _check_numbers(frames: npt.NDArray[Any], start: int) -> None:
    if np.issubdtype(frames.dtype, np.integer):
        return
    wrong = ~(np.abs(frames) < _LARGEST_SAMPLE).all(axis=(1, 2))  # NaN is not below it either
    if wrong.any():
        first = int(wrong.argmax())
        what = (
            f"larger than {_LARGEST_SAMPLE:g}"
            if np.isfinite(frames[first]).all()
            else "that are no numbers (NaN or infinite)"
        )
        message = (
            f"frame {start + first} holds samples {what}; the raw series must hold recorded "
            "brightness."
        )
        raise NwbContentError(message)


def _band_maxima(steps: Float32) -> Float32:
    """Largest step in each band of rows, (n, n_bands)."""
    height = steps.shape[1] - 1 + 2 * STEP_ROWS
    edges = [max(0, start - STEP_ROWS + 1) for start in band_starts(height)]
    stops = [start + BAND_PX - STEP_ROWS for start in band_starts(height)]
    bands = [steps[:, a:b].max(axis=1) for a, b in zip(edges, stops, strict=True)]
    return np.stack(bands, axis=1)


def _changes(coarse: Float32, height: int) -> Float32:
    """Mean absolute change of each band from one coarse picture to the next, (n - 1, n_bands)."""
    rows = np.abs(np.diff(coarse, axis=0)).mean(axis=2)
    starts = [start // _BIN_PX for start in band_starts(height)]
    size, last = BAND_PX // _BIN_PX, rows.shape[1] - 1
    return np.stack([rows[:, min(a, last) : a + size].mean(axis=1) for a in starts], axis=1)
