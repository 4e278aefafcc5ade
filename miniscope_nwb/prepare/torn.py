"""Torn frames: rows that are displaced, missing, noise, or of another frame.

All rows of a sound frame move together, however far. A frame is suspected where a band of rows
changes, or two rows differ, as they seldom do; then each of its bands is looked for in the nearest
frames that are not suspected (normalised correlation on a coarse picture). The frame is torn where
bands are found at places that do not go together, or not at all although they are found in these
frames among themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.movie import Movie, map_in_order
from miniscope_nwb.prepare.survey import BAND_PX, BAND_STEP_PX, Survey
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import Float32

_CHANGE = 2.5  # times the usual largest change of a band: less than 3 % of frames that only move
_STEP = 1.35  # times the usual largest step between rows
_SEAM = 1.3  # the same, of a frame of which nothing is found again: else it only moved too far
_FARTHEST = 40  # frames from a suspected frame to those that it is compared with
_GRID_PX = 4  # of the coarse picture
_REACH_PX = 24  # farthest that a band is looked for
_JUMP_PX = 8.0  # two cells of the grid: bands of one frame lie closer together
_FOUND = 0.6  # correlation of a band that can be recognised
_LOST_SHARE = 0.8  # of the correlation that the band has among sound frames
_NEARLY_ALL = 0.8  # of the bands


@dataclass(frozen=True, slots=True)
class _Match:
    """Where the bands of a frame are found in another, (n_bands,)."""

    correlation: FloatArray
    x_px: FloatArray
    y_px: FloatArray


def find_torn(movie: Movie, found: Survey, *, usable: BoolArray, n_threads: int) -> BoolArray:
    """Find the torn frames.

    Parameters
    ----------
    movie
        Cropped.
    found
        What `survey` found in it.
    usable
        (n_frames,): not black.
    n_threads
        Threads; the result does not depend on it.

    Returns
    -------
    is_torn
        (n_frames,).
    """
    seams = _against_usual(_wider(found.row_steps), usable)
    changes = _against_usual(found.changes, usable)
    suspected = usable & ((changes > _CHANGE) | (seams > _STEP))
    sound = usable & ~suspected
    frames = [
        (int(frame), _neighbours(movie, sound, int(frame))) for frame in suspected.nonzero()[0]
    ]
    judge = partial(_is_torn, movie, seams)
    is_torn = np.zeros(movie.n_frames, bool)
    for (frame, _), torn in zip(
        frames, map_in_order(judge, frames, n_threads=n_threads), strict=True
    ):
        is_torn[frame] = torn
    return is_torn


def _wider(steps: Float32) -> Float32:
    """Divide by the usual step around each band: what moves up or down is expected there."""
    usual = np.median(steps, axis=0)
    padded = np.pad(usual, 2, mode="edge")
    around = np.stack([padded[k : k + len(usual)] for k in range(5)]).max(axis=0)
    return np.asarray(steps / np.maximum(around, 1e-9), np.float32)


def _against_usual(values: Float32, usable: BoolArray) -> FloatArray:
    """Largest value of each frame's bands, each against its median, against the median of all."""
    usual = np.median(values[usable], axis=0)
    largest = (values / np.maximum(usual, 1e-9)).max(axis=1)
    return np.asarray(largest / max(float(np.median(largest[usable])), 1e-9))


def _neighbours(movie: Movie, sound: BoolArray, frame: int) -> list[int]:
    """Return the nearest sound frames before and after, of the same recording."""
    near = []
    for step in (-1, 1):
        for other in range(frame + step, frame + step * (_FARTHEST + 1), step):
            if not 0 <= other < movie.n_frames:
                break
            if movie.clock.segment[other] != movie.clock.segment[frame]:
                break
            if sound[other]:
                near.append(other)
                break
    return near


def _is_torn(movie: Movie, seams: FloatArray, item: tuple[int, list[int]]) -> bool:
    frame, near = item
    if len(near) < 2:
        return False  # nothing to hold it against
    numbers = np.array(sorted([frame, *near]))
    pictures = {
        int(number): _coarse(picture)
        for number, picture in zip(numbers, movie.take(numbers), strict=True)
    }
    control = _match(pictures[near[0]], pictures[near[1]])
    matches = [_match(pictures[frame], pictures[other]) for other in near]
    can_be_found = control.correlation > _FOUND
    best = np.max([match.correlation for match in matches], axis=0)
    is_lost = can_be_found & (best < _LOST_SHARE * control.correlation)
    if is_lost.sum() >= _NEARLY_ALL * max(1, int(can_be_found.sum())) and is_lost.any():
        return bool(seams[frame] > _SEAM)
    return bool(is_lost.any() or all(_jumps(match, control) for match in matches))


def _jumps(match: _Match, control: _Match) -> bool:
    """Tell whether bands beside each other are found at places that do not go together."""
    found = (match.correlation > _FOUND) & (control.correlation > _FOUND)
    # Neighbouring bands overlap by half: the next but one shares no row.
    for apart in (1, 2):
        both = found[apart:] & found[:-apart]
        jump = np.hypot(match.x_px[apart:] - match.x_px[:-apart],
                        match.y_px[apart:] - match.y_px[:-apart])  # fmt: skip
        usual = np.hypot(control.x_px[apart:] - control.x_px[:-apart],
                         control.y_px[apart:] - control.y_px[:-apart])  # fmt: skip
        if (both & (jump >= _JUMP_PX) & (usual < _JUMP_PX)).any():
            return True
    return False


def _coarse(frame: npt.NDArray[Any]) -> Float32:
    height, width = (size // _GRID_PX for size in frame.shape)
    cut = frame[: height * _GRID_PX, : width * _GRID_PX].astype(np.float32)
    return np.asarray(cut.reshape(height, _GRID_PX, width, _GRID_PX).mean(axis=(1, 3)))


def _match(picture: Float32, other: Float32) -> _Match:
    """Look for each band of a coarse picture in another one."""
    import cv2

    height, width = picture.shape
    reach = min(_REACH_PX // _GRID_PX, width // 4)
    size, step = BAND_PX // _GRID_PX, BAND_STEP_PX // _GRID_PX
    found: list[tuple[float, float, float]] = []
    for top in range(0, max(1, height - size + 1), step):
        band = picture[top : top + size, reach : width - reach]
        first = max(0, top - reach)
        place = other[first : top + size + reach]
        response = cv2.matchTemplate(place, band, cv2.TM_CCOEFF_NORMED)
        _, largest, _, (x, y) = cv2.minMaxLoc(response)
        value = largest if np.isfinite(largest) and band.std() > 0 else 0.0
        found.append((value, _GRID_PX * (x - reach), _GRID_PX * (y + first - top)))
    values: IntArray | FloatArray = np.array(found, np.float64)
    return _Match(*values.T)
