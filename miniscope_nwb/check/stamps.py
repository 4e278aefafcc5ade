"""Every stored time stamp against the raw text files, read a second time.

A stamp must be what its own row says, plus what the file says was added to it (a clock shift, the
start of a joined recording), bit for bit; or what a row of `Repairs` says, if that row tells the
recorded value truly. Rows and frames that are not stored must be explained by the file too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miniscope_nwb.check.raw_stamps import RawStamps
from miniscope_nwb.check.report import Difference, Kind, Tally
from miniscope_nwb.nwb.read import RepairRow
from miniscope_nwb.recording import FloatArray, IntArray

# Rules whose `used_s` is stored in place of the recorded stamp.
REPLACED = frozenset({"first_stamp", "interpolated", "padded"})
# Rules by which a row of the stamp file has no stored frame.
ROW_LEFT_OUT = frozenset({"trimmed_stamp", "missing_frame"})
FRAME_LEFT_OUT = "trimmed_frame"
MOVED = "origin"
# A moved clock: the file tells the amount as the difference of two stamps, which is exact to this
# many units in the last place (far below a microsecond).
SHIFT_ULPS = 4


@dataclass(frozen=True, slots=True)
class Take:
    """The stored frames of one device from one stamp file.

    Arrays have shape (n_stored,); ``rows`` are places in the series, ``frames`` 0-based numbers of
    the saved frames.
    """

    series: str
    source: str  # stamp file, relative to the root
    rows: IntArray
    frames: IntArray
    time_s: FloatArray
    repairs: tuple[RepairRow, ...] = ()
    offset_s: float = 0.0  # start of the recording in the file, where several were joined
    is_open_ended: bool = False  # frames behind the last stored one are left out on purpose

    @property
    def clock_shift_s(self) -> float:
        """What was added to every stamp, by the row of `Repairs` that says so; else 0."""
        return clock_shift(self.repairs, self.offset_s)


def clock_shift(repairs: Iterable[RepairRow], offset_s: float) -> float:
    """Return by how much a clock was moved, as its ``origin`` repair tells; 0 without one."""
    for repair in repairs:
        if repair.rule == MOVED:
            return repair.used_s - offset_s - repair.recorded_s
    return 0.0


def compare_stamps(take: Take, raw: RawStamps, tally: Tally) -> None:
    """Compare the stamps of one take, and account for every row of the raw file."""
    recorded = dict(zip(raw.frame.tolist(), raw.time_s.tolist(), strict=True))
    replaced = {repair.frame for repair in take.repairs if repair.rule in REPLACED}
    is_replaced = np.isin(take.frames, np.fromiter(replaced, np.int64, len(replaced)))
    expected = expected_times(take, raw)
    # A frame without a row is NaN here and is not equal to anything.
    for place in np.flatnonzero(~is_equal(take, expected) & ~is_replaced):
        _add(tally, take, "stamp", int(place), _say_wrong(expected[place], take.time_s[place]))
    stored = dict(zip(take.frames.tolist(), range(len(take.frames)), strict=True))
    # A row that may be half written says nothing for sure: what was made of it is not judged.
    loose = set(raw.frame[len(raw.frame) - raw.n_loose :].tolist())
    for repair in take.repairs:
        if not (repair.frame in loose and np.isnan(repair.recorded_s)):
            _check_repair(take, repair, recorded, stored, tally)
    _account_for_rows(take, raw, stored, tally)


def expected_times(take: Take, raw: RawStamps) -> FloatArray:
    """Say what should be stored for each frame, summed in the order of `convert`.

    Returns
    -------
    ndarray of float64, shape (n_stored,)
        NaN where the raw file has no row for the frame.
    """
    if not len(raw.frame):
        return np.full(len(take.frames), np.nan)
    order = np.argsort(raw.frame, kind="stable")
    sorted_frames = raw.frame[order]
    place = np.minimum(np.searchsorted(sorted_frames, take.frames), len(sorted_frames) - 1)
    is_there = sorted_frames[place] == take.frames
    time_s = np.where(is_there, raw.time_s[order][place], np.nan)
    shift_s = take.clock_shift_s
    if shift_s:
        time_s = time_s + shift_s
    return time_s + take.offset_s if take.offset_s else time_s


def is_equal(take: Take, expected: FloatArray) -> npt.NDArray[np.bool_]:
    """Compare stored and expected stamps: bit for bit, or to rounding where a clock was moved."""
    shift_s = take.clock_shift_s
    if not shift_s:
        return np.asarray(expected == take.time_s)
    largest = np.maximum(np.abs(take.time_s), abs(shift_s))
    return np.asarray(np.abs(expected - take.time_s) <= SHIFT_ULPS * np.spacing(largest))


def choose_camera(take: Take, cameras: Mapping[int, RawStamps]) -> RawStamps | None:
    """Find the rows of a V3 stamp file that are this device's: the camNum that fits best."""

    def n_equal(raw: RawStamps) -> int:
        return int(np.count_nonzero(is_equal(take, expected_times(take, raw))))

    return max(cameras.values(), key=n_equal, default=None)


def _check_repair(
    take: Take,
    repair: RepairRow,
    recorded: Mapping[int, float],
    stored: Mapping[int, int],
    tally: Tally,
) -> None:
    """Hold a repair to what it says was recorded, and to what it says is stored."""
    said, found = repair.recorded_s, recorded.get(repair.frame, float("nan"))
    place = stored.get(repair.frame)
    if not (said == found or (np.isnan(said) and np.isnan(found))):
        message = (
            f"was {said!r} s by the table Repairs ({repair.rule}), but is {found!r} s in "
            "the raw file"
        )
        _add(tally, take, "repair", place, message, frame=repair.frame)
    if place is None:
        return
    if repair.rule in REPLACED and repair.used_s != take.time_s[place]:
        message = f"is {float(take.time_s[place])!r} s, Repairs says {repair.used_s!r} s"
        _add(tally, take, "stamp", place, f"{message} ({repair.rule})")
    elif repair.rule in {*ROW_LEFT_OUT, FRAME_LEFT_OUT}:
        message = f"is stored although Repairs says that it is not ({repair.rule})"
        _add(tally, take, "repair", place, message)


def _account_for_rows(take: Take, raw: RawStamps, stored: Mapping[int, int], tally: Tally) -> None:
    """Every row of the raw file is stored or left out for a reason that the file gives."""
    explained = {repair.frame for repair in take.repairs if repair.rule in ROW_LEFT_OUT}
    last = max(stored, default=-1)
    n_sure = len(raw.frame) - raw.n_loose
    for row, frame in enumerate(raw.frame.tolist()):
        is_behind = take.is_open_ended and frame > last
        if frame in stored or frame in explained or is_behind or row >= n_sure:
            continue
        message = f"the time stamp of saved frame {frame} is neither stored nor explained"
        tally.add(Difference("rows", take.series, -1, take.source, message))


def _say_wrong(expected: float, stored: float) -> str:
    if np.isnan(expected):
        return (
            f"is {float(stored)!r} s, but the raw file has no stamp for it and Repairs does not "
            "say so"
        )
    return f"is {float(stored)!r} s, the raw file says {float(expected)!r} s"


def _add(
    tally: Tally,
    take: Take,
    kind: Kind,
    place: int | None,
    message: str,
    *,
    frame: int | None = None,
) -> None:
    row = int(take.rows[place]) if place is not None else -1
    number = int(take.frames[place]) if place is not None else frame
    text = f"time stamp of saved frame {number} {message}"
    tally.add(Difference(kind, take.series, row, take.source, text))
