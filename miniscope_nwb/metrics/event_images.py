"""The picture of each component's own events: the strongest evidence that it is a cell.

Five pictures a component come from one pass: at the events of the whole trace, of either half of
the footprint's pixels, and of either half of the footprint displaced to a place without a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.metrics import null_place
from miniscope_nwb.metrics.cutout import Cutout
from miniscope_nwb.metrics.event_choice import (
    Disturbance,
    EventFrames,
    FrameChooser,
    choose,
    largest_peaks,
)
from miniscope_nwb.metrics.gather import Slots, event_pictures
from miniscope_nwb.metrics.halves import ROWS, events_of_half, is_first_half, normalized
from miniscope_nwb.metrics.neighbours import Neighbours
from miniscope_nwb.metrics.pictures import flattened, match, near_pixels, place_mask
from miniscope_nwb.movie import Movie
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import EventImages, Events, Float32, FloatImage, Traces

SIDE_DIAMETERS = 4.0  # of a picture, cell diameters
_TAKEN = 0.1  # of a footprint's maximum: the pixel belongs to it
_PER_CELL = 5  # pictures: whole, first half, second half, null of either


@dataclass(frozen=True, slots=True)
class Pictured:
    """The components as the event images need them."""

    cutouts: list[Cutout]
    centers: FloatArray  # (n_cells, 2), x then y, px
    neighbours: Neighbours
    events: Events  # of the whole traces, from rest: the moment before one is dark
    noise: Float32  # (n_cells,), grey levels
    diameter_px: float
    mean: FloatImage
    region: BoolArray


def make_event_images(
    movie: Movie,
    *,
    traces: Traces,
    pictured: Pictured,
    is_left_out: BoolArray,
    params: QualityParams,
    resources: Resources,
) -> tuple[EventImages, Float32]:
    """Make the event images, and the pictures at the events of the whole traces.

    Returns
    -------
    images
        As the file holds them: each pixel comes from events that were found on the other half of
        the footprint's pixels.
    whole
        (n_cells, side, side): less noisy, but found with the footprint that it looks like.
    """
    n_cells = len(pictured.cutouts)
    side = int(np.ceil(SIDE_DIAMETERS * pictured.diameter_px)) | 1  # odd: the centre is a pixel
    chooser = FrameChooser(movie.clock, is_left_out)
    own = _own_events(traces, pictured, chooser, movie, params)
    taken = null_place.occupied(
        pictured.cutouts, height=movie.height, width=movie.width, least=_TAKEN
    )
    moves = null_place.displacements(pictured.cutouts, taken, pictured.region)
    nulls = _null_events(movie, pictured, moves, taken, own, chooser, resources)
    starts = np.nan_to_num(np.round(pictured.centers)).astype(np.int64) - side // 2
    shifted = np.where(moves == null_place.NOWHERE, 0, starts + moves)
    corner = np.concatenate([starts, starts, starts, shifted, shifted])
    slots = Slots(corner[:, 0], corner[:, 1], side, [*own, *nulls])
    found = event_pictures(movie, slots, is_left_out, n_threads=resources.n_threads)
    pictures = _flatten_all(found, slots, taken).reshape(_PER_CELL, n_cells, side, side)
    return _judge_halves(pictures, pictured, slots, moves, taken), pictures[0]


def _own_events(
    traces: Traces, pictured: Pictured, chooser: FrameChooser, movie: Movie, params: QualityParams
) -> list[EventFrames]:
    """Choose the events of the whole traces, then of the first halves, then of the second."""
    most = params.n_event_images
    quiet = [
        Disturbance(cell, pictured.neighbours, traces.denoised)
        for cell in range(len(pictured.cutouts))
    ]
    chosen = []
    events = pictured.events
    for cell, disturbance in enumerate(quiet):
        mine = events.cell == cell
        onset, peak, size = events.onset[mine], events.peak[mine], events.size[mine]
        height = size * pictured.noise[cell]
        chosen.append(
            choose(chooser, onset, peak, size, most=most, disturbance=disturbance, height=height)
        )
    for half in traces.halves:
        for cell, found in events_of_half(half, movie.clock, params):
            row = half[cell]
            height = row[found.peak] - (np.nanmedian(row) if len(found.peak) else 0)
            chosen.append(
                choose(
                    chooser,
                    found.onset,
                    found.peak,
                    found.size.astype(np.float64),
                    most=most,
                    disturbance=quiet[cell],
                    height=height,
                )
            )
    return chosen


def _null_events(
    movie: Movie,
    pictured: Pictured,
    moves: IntArray,
    taken: BoolArray,
    own: list[EventFrames],
    chooser: FrameChooser,
    resources: Resources,
) -> list[EventFrames]:
    """Choose as many peaks at the displaced halves as the component has events on its own."""
    weights = null_place.null_weights(
        pictured.cutouts, moves, taken, diameter_px=pictured.diameter_px
    )
    path = resources.scratch / "null_halves.npy"
    traces = null_place.null_traces(
        movie, weights, pictured.mean, path=path, n_threads=resources.n_threads
    )
    n_cells = len(pictured.cutouts)
    chosen = []
    for half, start in product((0, 1), range(0, n_cells, ROWS)):
        rows = normalized(np.asarray(traces[half, start : start + ROWS]), movie.clock)
        for cell, row in enumerate(rows, start):
            is_nowhere = moves[cell, 0] == null_place.NOWHERE
            most = 0 if is_nowhere else len(own[(1 + half) * n_cells + cell])
            chosen.append(largest_peaks(row, chooser, movie.clock, most=most))
    del traces
    path.unlink(missing_ok=True)
    return chosen


def _flatten_all(found: Float32, slots: Slots, taken: BoolArray) -> Float32:
    """Take what is left of the background off each picture, in place."""
    for k, picture in enumerate(found):
        is_free = ~_window(taken, slots.x_start[k], slots.y_start[k], slots.side, outside=True)
        found[k] = flattened(picture, is_free)
    return found


def _window(image: Any, left: int, top: int, side: int, *, outside: Any) -> Any:
    """Cut a square out of an image of the field; `outside` stands beyond its edges."""
    out = np.full((side, side), outside, image.dtype)
    height, width = image.shape
    y0, y1, x0, x1 = max(0, top), min(height, top + side), max(0, left), min(width, left + side)
    if y1 > y0 and x1 > x0:
        out[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return out


def _judge_halves(
    pictures: Float32, pictured: Pictured, slots: Slots, moves: IntArray, taken: BoolArray
) -> EventImages:
    """Put the halves together and compare them with the footprints."""
    n_cells, side = pictures.shape[1], slots.side
    image, null_image = (np.empty((n_cells, side, side), np.float32) for _ in range(2))
    score, null_score = (np.full(n_cells, np.nan, np.float32) for _ in range(2))
    first = is_first_half(*taken.shape)
    for cell, cutout in enumerate(pictured.cutouts):
        x, y = int(slots.x_start[cell]), int(slots.y_start[cell])
        mask = place_mask(cutout, left=x, top=y, side=side)
        others = _window(taken, x, y, side, outside=False) & (mask <= _TAKEN)
        pixels = near_pixels(mask, pictured.diameter_px) & ~others
        half = _window(first, x, y, side, outside=False)
        image[cell] = np.where(half, pictures[2, cell], pictures[1, cell])
        score[cell] = _both_ways(image[cell], mask, pixels, half)
        if moves[cell, 0] == null_place.NOWHERE:
            null_image[cell] = np.nan
            continue
        dx, dy = moves[cell].tolist()
        others = _window(taken, x + dx, y + dy, side, outside=False)
        pixels = near_pixels(mask, pictured.diameter_px) & ~others
        half = _window(first, x + dx, y + dy, side, outside=False)
        null_image[cell] = np.where(half, pictures[4, cell], pictures[3, cell])
        null_score[cell] = _both_ways(null_image[cell], mask, pixels, half)
    x_start, y_start = slots.x_start[:n_cells], slots.y_start[:n_cells]
    counts = np.array([len(item) for item in slots.events], np.int64).reshape(_PER_CELL, n_cells)
    n_events = counts[1:3].max(axis=0, initial=0)
    return EventImages(image, null_image, x_start, y_start, n_events, score, null_score)


def _both_ways(
    image: FloatImage, mask: FloatImage, pixels: BoolArray, half: BoolArray
) -> np.float32:
    """Mean of the two halves' correlation with the footprint; NaN where neither can be judged."""
    found = [match(image, mask, pixels & half), match(image, mask, pixels & ~half)]
    finite = [value for value in found if np.isfinite(value)]
    return np.float32(np.mean(finite)) if finite else np.float32("nan")
