"""What the brightness of the frames tells: black and flashed frames, steps, bleaching."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from miniscope_nwb.movie import FrameClock
from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import Float32

_BLACK_SHARE = 0.1  # of the usual brightness: darker is black whatever is in it
_DIM_SHARE = 0.6  # darker, and without structure, is black too: sensors add a level of their own
_PLAIN_SHARE = 0.25  # of the usual structure
_FLASH_SHARE = 0.15  # of the brightness around: activity of the whole field changes it by a tenth
_FLASH_SIGMAS = 10.0  # of the usual deviation from the brightness around
_FLASH_EDGE = 0.5  # of a flash comes within one frame; activity takes longer
_AROUND_S = 2.0  # around a frame; a flash is shorter than half of it
_AROUND_FRAMES = 21  # at least
_STEP_SHARE = 0.03  # of the brightness: smaller steps harm nothing
_STEP_SIGMAS = 6.0  # of the usual change from frame to frame
_STEP_S = 1.0  # for so long the brightness stays at its new level
_STEP_FRAMES = 10  # at least


def find_black(brightness: FloatArray, structure: Float32) -> BoolArray:
    """Find frames that show nothing, (n_frames,): the light was off."""
    usual, usual_structure = np.median(brightness), np.median(structure)
    plain = (brightness < _DIM_SHARE * usual) & (structure < _PLAIN_SHARE * usual_structure)
    return np.asarray((brightness < _BLACK_SHARE * usual) | plain)


def find_flashes(brightness: FloatArray, clock: FrameClock, is_black: BoolArray) -> BoolArray:
    """Find frames that are brighter or darker than those around, all at once and shortly."""
    length = _n_frames(_AROUND_S, _AROUND_FRAMES, clock)
    usable = [np.flatnonzero(~is_black[a:b]) + a for a, b in recordings(clock)]
    relative = [brightness[k] / np.maximum(_running_median(brightness[k], length), 1e-6) - 1
                for k in usable if len(k)]  # fmt: skip
    if not relative:
        return np.zeros(clock.n_frames, bool)
    sigma = 1.4826 * float(np.median(np.abs(np.concatenate(relative))))
    limit = max(_FLASH_SHARE, _FLASH_SIGMAS * sigma)
    is_flash = np.zeros(clock.n_frames, bool)
    for frames, deviation in zip((k for k in usable if len(k)), relative, strict=True):
        for first, last in _groups(np.abs(deviation) > limit):
            if _is_abrupt(deviation, first, last):
                is_flash[frames[first:last]] = True
    return is_flash


def _is_abrupt(deviation: FloatArray, first: int, last: int) -> bool:
    """Tell whether a deviation comes and goes each within a frame."""
    least = _FLASH_EDGE * np.abs(deviation[first:last]).max()
    before = deviation[first - 1] if first > 0 else 0.0
    after = deviation[last] if last < len(deviation) else 0.0
    edges = abs(deviation[first] - before), abs(deviation[last - 1] - after)
    return bool(min(edges) > least)


def find_steps(brightness: FloatArray, clock: FrameClock, usable: BoolArray) -> IntArray:
    """Find frames from which on the brightness is another one: light or gain were changed."""
    length = _n_frames(_STEP_S, _STEP_FRAMES, clock)
    found: list[int] = []
    for start, stop in recordings(clock):
        frames = np.flatnonzero(usable[start:stop]) + start
        if len(frames) < 2 * length:
            continue
        level = np.log(np.maximum(brightness[frames], 1e-6))
        change = np.diff(level)
        sigma = 1.4826 * float(np.median(np.abs(change - np.median(change))))
        candidates = np.flatnonzero(np.abs(change) > max(_STEP_SHARE, _STEP_SIGMAS * sigma)) + 1
        last = -length
        for place in candidates.tolist():
            before, after = level[max(0, place - length) : place], level[place : place + length]
            step = float(np.median(after) - np.median(before))
            jump = float(change[place - 1])
            stays = step * jump > 0 and abs(step) > 0.6 * abs(jump) and len(after) >= length // 2
            if stays and abs(step) > _STEP_SHARE and place - last >= length:
                found.append(int(frames[place]))
                last = place
    return np.array(found, np.int64)


def bleaching_per_minute(brightness: FloatArray, clock: FrameClock, usable: BoolArray) -> float:
    """Return the slope of the brightness, share a minute, each recording with a level of its own.

    NaN where nothing can be told.
    """
    top, bottom = 0.0, 0.0
    for start, stop in recordings(clock):
        frames = np.flatnonzero(usable[start:stop]) + start
        if len(frames) < 2:
            continue
        minutes = clock.times_s[frames] / 60
        minutes = minutes - minutes.mean()
        mean = float(brightness[frames].mean())
        if not mean > 0:  # a background was taken off: there is no share of it
            continue
        level = brightness[frames] / mean - 1
        top += float((minutes * level).sum())
        bottom += float((minutes**2).sum())
    return top / bottom if bottom > 0 else float("nan")


def recordings(clock: FrameClock) -> list[tuple[int, int]]:
    """Return the frames [start, stop) of each joined recording."""
    edges = [0, *(np.flatnonzero(np.diff(clock.segment)) + 1).tolist(), clock.n_frames]
    return list(pairwise(edges))


def _n_frames(seconds: float, least: int, clock: FrameClock) -> int:
    return max(least, round(seconds * clock.rate_hz))


def _running_median(values: FloatArray, length: int) -> FloatArray:
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(values, size=length | 1, mode="nearest"))


def _groups(mask: BoolArray) -> list[tuple[int, int]]:
    """Return the runs of True, [first, last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
