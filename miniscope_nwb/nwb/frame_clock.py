"""When the frames of a stored movie were taken: stamps, lost frames, joined recordings.

Files of `convert` say which frames were lost (`LostFrames`) and where a joined recording begins
(`FrameInfo`). In other files an interval that is too long and is not made up for tells of lost
frames; the rule is the same as in `convert.lost_frames`.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.movie import FrameClock
from miniscope_nwb.nwb.object_names import LOST_FRAMES, object_name
from miniscope_nwb.nwb.read import MODULE, read_options, read_table
from miniscope_nwb.recording import FloatArray, IntArray

_GAP_MEDIANS = 1.5  # an interval longer than this many medians may be a gap
_RECOVERY_FRAMES = 10  # a delay that is made up within so many frames lost nothing


def make_clock(file: h5py.File, series: h5py.Group, device: str) -> FrameClock:
    """Put the clock of a series together.

    Parameters
    ----------
    file
        The NWB file.
    series
        The movie.
    device
        Name of its device in the file; `LostFrames` are those of this device.

    Raises
    ------
    NwbContentError
        If there are no times, too few, or some are not finite.
    """
    times = series_times(file, series)
    segment = _segments(file, series, len(times))
    steps = _steps(file, times, segment, device)
    return FrameClock(times, steps, segment, _rate(times, steps, segment))


def series_times(file: h5py.File, series: h5py.Group) -> FloatArray:
    """Return the times of the frames of a series, (n_frames,); raises as `make_clock` does."""
    name = series.name.rpartition("/")[2]
    where, n_frames = Path(file.filename).name, len(series["data"])
    stamps, start = series.get("timestamps"), series.get("starting_time")
    if stamps is None and start is not None:
        return _regular_times(start, n_frames, name=name, where=where)
    if stamps is None:
        raise NwbContentError(
            f"{name} in {where} has neither timestamps nor a rate, so that its frames have no "
            "times: convert the recording again, or write one of them."
        )
    times: FloatArray = stamps[:].astype(np.float64)
    if len(times) != n_frames:
        raise NwbContentError(
            f"{name} in {where} has {n_frames} frames but {len(times)} timestamps: convert the "
            "recording again."
        )
    is_bad = ~np.isfinite(times)
    if is_bad.any():
        raise NwbContentError(
            f"{int(is_bad.sum())} of the {n_frames} timestamps of {name} in {where} are not "
            f"numbers (the first at frame {int(is_bad.argmax())}): convert the recording again."
        )
    return times


def _regular_times(start: h5py.Dataset, n_frames: int, *, name: str, where: str) -> FloatArray:
    """Return the times of frames at a fixed rate, (n_frames,)."""
    first, rate = float(start[()]), float(start.attrs.get("rate", np.nan))
    if not (np.isfinite(first) and 0 < rate < np.inf):
        raise NwbContentError(
            f"{name} in {where} starts at {first:g} s with a rate of {rate:g} frames a second, "
            "which give its frames no times: write its timestamps, or a rate above 0."
        )
    times: FloatArray = first + np.arange(n_frames) / rate
    return times


def _segments(file: h5py.File, series: h5py.Group, n_frames: int) -> IntArray:
    """Tell joined recordings apart: the count of saved frames begins anew with each."""
    index = _frame_index(file, series.name.rpartition("/")[2], n_frames)
    if index is None:
        return np.zeros(n_frames, np.int64)
    return np.cumsum(np.diff(index, prepend=index[:1] - 1) <= 0)


def _frame_index(file: h5py.File, series: str, n_frames: int) -> IntArray | None:
    """Read which saved frame of its recording each frame of a scope's movie is.

    Parameters
    ----------
    file
        The NWB file.
    series
        Name of the movie in `acquisition`.
    n_frames
        Its frames.

    Returns
    -------
    (n_frames,) or None
        Ascends inside a recording; None where the file does not tell.
    """
    suffixes = [
        name.removeprefix("FrameInfo")
        for name in file.get(MODULE, {})
        if name.startswith("FrameInfo")
    ]
    cameras = {name for name in suffixes if f"BehaviorVideo{name}" in file["acquisition"]}
    own = series.removeprefix("OnePhotonSeries")
    scopes = [name for name in suffixes if name not in cameras and (not own or name == own)]
    info = read_table(file, f"FrameInfo{scopes[0]}") if len(scopes) == 1 else None
    if info is None or len(info.get("frame_index", ())) != n_frames:
        return None
    return np.asarray(info["frame_index"], np.int64)


def _steps(file: h5py.File, times: FloatArray, segment: IntArray, device: str) -> IntArray:
    """Frame intervals since the frame before, 1 where none was lost."""
    steps = np.ones(len(times), np.int64)
    table = read_table(file, LOST_FRAMES, group="intervals")
    if table is None or not {"start_time", "stop_time", "n_lost"} <= set(table):
        if read_options(file):  # made by `convert`: no table, so nothing was lost
            return steps
        for number in np.unique(segment):
            where = np.flatnonzero(segment == number)
            steps[where[1:]] += lost_by_interval(times[where])
        return steps
    middle = (np.asarray(table["start_time"]) + np.asarray(table["stop_time"])) / 2
    names = table.get("device", [device] * len(middle))
    is_ours = np.array([device in ("", name, object_name(str(name))) for name in names], np.bool_)
    after = np.searchsorted(np.maximum.accumulate(times), middle)
    is_inside = is_ours & (after > 0) & (after < len(times))
    np.add.at(steps, after[is_inside], np.asarray(table["n_lost"], np.int64)[is_inside])
    steps[1:][np.diff(segment) != 0] = 1
    return steps


def lost_by_interval(times: FloatArray) -> IntArray:
    """Frames lost in each interval, from the stamps alone.

    Parameters
    ----------
    times
        (n_frames,) seconds.

    Returns
    -------
    (n_frames - 1,)
        The excess over the usual interval that ten more frames do not make up for, in frames.
    """
    n_intervals = max(len(times) - 1, 0)
    lost = np.zeros(n_intervals, np.int64)
    intervals = np.diff(times)
    median = float(np.median(intervals)) if n_intervals else 0.0
    if not median > 0:
        return lost
    usual = intervals[np.abs(intervals - median) < 0.5 * median]
    interval = float(usual.mean()) if len(usual) else median
    suspects = np.flatnonzero(intervals > _GAP_MEDIANS * median * (1 + 1e-9))
    delay = (times - times[0]) - np.arange(len(times)) * interval
    window = suspects[:, None] + 1 + np.arange(_RECOVERY_FRAMES + 1)
    remaining = delay[np.minimum(window, n_intervals)] - delay[suspects][:, None]
    lost[suspects] = np.maximum(np.rint(remaining.min(axis=1) / interval), 0)
    return lost


def _rate(times: FloatArray, steps: IntArray, segment: IntArray) -> float:
    """Measured rate: frames and lost ones over time, joints between recordings left out."""
    inside = np.diff(segment) == 0
    seconds = float(np.diff(times)[inside].sum())
    return float(steps[1:][inside].sum()) / seconds if seconds > 0 else float("nan")
