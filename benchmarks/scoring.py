"""How well an engine did on a movie whose truth is known: the figures of a row of the table.

Components are matched with planted cells as in `miniscope_nwb.testing.score`. Figures of traces,
footprints and events are medians over the components that are right **and** accepted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from miniscope_nwb.testing.score import Score, Truth, score

_NEAR_A_SPIKE_S = 0.1  # frames so near a spike are neither event nor silence


@dataclass(frozen=True)
class Blocks:
    """Displacements at points of the field.

    ``centres`` (n_blocks, 2) are pixels, x then y; ``shifts`` is (n_frames, n_blocks, 2), x then y.
    """

    centres: np.ndarray
    shifts: np.ndarray


@dataclass(frozen=True)
class Result:
    """What an engine found, in pixels and frames of the movie it was given.

    ``footprints`` is csc (n_pixels, n_cells) in C order of (height, width); ``traces`` holds
    (n_cells, n_frames) arrays named raw, denoised and deconvolved; ``shifts`` is (n_frames, 2), x
    then y, the correction that brings a frame onto the template.
    """

    footprints: Any
    accepted: np.ndarray
    traces: dict[str, np.ndarray]
    shifts: np.ndarray
    blocks: Blocks | None = None


@dataclass(frozen=True)
class Figures:
    """Agreement with the truth; NaN where there is nothing to compare."""

    n_true: int
    n_found: int
    n_accepted: int
    precision: float
    recall: float
    f1: float
    precision_all: float
    recall_all: float
    f1_all: float
    footprint_cosine: float
    raw_r: float
    denoised_r: float
    deconvolved_r: float
    event_auc: float
    shift_px: float
    block_px: float

    def as_json(self) -> dict[str, float | int | None]:
        """Return the figures with None for NaN."""
        return {
            name: None if value != value else round(value, 5)
            for name, value in asdict(self).items()
        }


def figures(
    result: Result, truth: Truth, *, true_shifts: np.ndarray, true_blocks: Blocks | None = None
) -> Figures:
    """Compare a result with the truth.

    Parameters
    ----------
    true_shifts
        (n_frames, 2) mean correction of the field.
    true_blocks
        The correction from place to place, where the field bends. An engine that bends is asked
        for its mean over these places: engines divide the field each in its own way.
    """
    shifts = result.shifts
    if true_blocks is not None and result.blocks is not None:
        shifts = _at(result.blocks, true_blocks.centres).mean(axis=1)
    error, offset = shift_error(shifts, true_shifts)
    place = (float(offset[0]), float(offset[1]))
    accepted = np.asarray(result.accepted, bool)
    kept = score(result.footprints, truth, traces=result.traces, accepted=accepted, offset_px=place)
    every = score(result.footprints, truth, offset_px=place)
    return Figures(
        n_true=kept.n_true,
        n_found=int(result.footprints.shape[1]),
        n_accepted=int(accepted.sum()),
        precision=kept.precision,
        recall=kept.recall,
        f1=kept.f1,
        precision_all=every.precision,
        recall_all=every.recall,
        f1_all=every.f1,
        footprint_cosine=_median(_cosines(result, truth, kept, place)),
        raw_r=kept.correlation("raw"),
        denoised_r=kept.correlation("denoised"),
        deconvolved_r=kept.correlation("deconvolved"),
        event_auc=_median(_event_areas(result, truth, kept)),
        shift_px=error,
        block_px=float("nan") if true_blocks is None else block_error(result, true_blocks),
    )


def shift_error(shifts: np.ndarray, true: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the RMS length of the shifts' error in pixels, and the constant offset taken off."""
    difference = np.asarray(shifts, float) - np.asarray(true, float)
    offset = np.nanmedian(difference, axis=0)
    error = float(np.sqrt(np.nanmean(((difference - offset) ** 2).sum(axis=1))))
    return error, offset


def block_error(result: Result, true: Blocks) -> float:
    """Return the RMS length of the error of the displacement at the true blocks, in pixels.

    An engine's displacement is read between the centres of its own blocks (bilinear) or is its
    rigid shift; a constant of each block, the bend of the template, is taken off.
    """
    if result.blocks is None:
        found = np.repeat(np.asarray(result.shifts, float)[:, None], len(true.centres), axis=1)
    else:
        found = _at(result.blocks, true.centres)
    difference = found - true.shifts
    difference = difference - np.nanmedian(difference, axis=0)
    return float(np.sqrt(np.nanmean((difference**2).sum(axis=2))))


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Return the cosine of two footprints, (n_pixels,) each."""
    return float(first @ second / np.sqrt((first @ first) * (second @ second)))


def event_area(activity: np.ndarray, spikes: np.ndarray, *, rate_hz: float) -> float:
    """Return the area under the ROC curve of a trace against the planted spikes.

    A frame with a spike is an event and has the largest activity within 0.1 s of it; a frame
    farther than 0.2 s from every spike is silence and has the largest activity within 0.1 s of it;
    frames between are left out. Ties count half (Mann & Whitney 1947).
    """
    from scipy.ndimage import maximum_filter1d
    from scipy.stats import rankdata

    reach = max(1, round(_NEAR_A_SPIKE_S * rate_hz))
    known = np.nan_to_num(np.asarray(activity, float))
    highest = maximum_filter1d(known, 2 * reach + 1)
    is_event = np.asarray(spikes) > 0
    is_near = maximum_filter1d(is_event.astype(np.uint8), 4 * reach + 1) > 0
    events, silence = highest[is_event], highest[~is_near]
    if not len(events) or not len(silence):
        return float("nan")
    ranks = rankdata(np.concatenate([events, silence]))[: len(events)]
    above = ranks.sum() - len(events) * (len(events) + 1) / 2
    return float(above / (len(events) * len(silence)))


def _at(blocks: Blocks, places: np.ndarray) -> np.ndarray:
    """Read displacements at other places; beyond the outermost centres they stay constant."""
    from scipy.interpolate import RegularGridInterpolator

    x, y = (np.unique(blocks.centres[:, axis]) for axis in (0, 1))
    order = np.lexsort((blocks.centres[:, 0], blocks.centres[:, 1]))
    grid = blocks.shifts[:, order].reshape(len(blocks.shifts), len(y), len(x), 2)
    if len(x) == 1 or len(y) == 1:  # one row or column: doubled, so that there is a between
        x, y, grid = _widened(x, y, grid)
    read = RegularGridInterpolator((y, x), np.moveaxis(grid, 0, 2))
    where = np.stack(
        [np.clip(places[:, 1], y[0], y[-1]), np.clip(places[:, 0], x[0], x[-1])], axis=1
    )
    return np.moveaxis(read(where), 0, 1)


def _widened(
    x: np.ndarray, y: np.ndarray, grid: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if len(x) == 1:
        x, grid = np.array([x[0], x[0] + 1]), np.repeat(grid, 2, axis=2)
    if len(y) == 1:
        y, grid = np.array([y[0], y[0] + 1]), np.repeat(grid, 2, axis=1)
    return x, y, grid


def _right(kept: Score) -> tuple[np.ndarray, np.ndarray]:
    """Return the components that are right and the cells that they match."""
    found = np.flatnonzero(kept.matched >= 0)
    found = found[kept.is_true[kept.matched[found]]]
    return found, kept.matched[found]


def _cosines(result: Result, truth: Truth, kept: Score, place: tuple[float, float]) -> list[float]:
    """Return the cosine of each right footprint with its cell's, moved to where it was found."""
    from scipy.ndimage import shift

    values = []
    for found, cell in zip(*_right(kept), strict=True):
        mask = np.asarray(result.footprints[:, [found]].todense(), float).ravel()
        true = np.asarray(truth.footprints[:, [cell]].todense(), float)
        true = shift(true.reshape(truth.height, truth.width), place[::-1], order=1).ravel()
        values.append(cosine(mask, true))
    return values


def _event_areas(result: Result, truth: Truth, kept: Score) -> list[float]:
    activity = result.traces["deconvolved"]
    return [
        event_area(activity[found], truth.spikes[cell], rate_hz=truth.rate_hz)
        for found, cell in zip(*_right(kept), strict=True)
    ]


def _median(values: list[float]) -> float:
    known = [value for value in values if value == value]
    return float(np.median(known)) if known else float("nan")
