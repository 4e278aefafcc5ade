"""Rows without a frame and frames without a row: which they are, and what becomes of them.

Rules (raw-formats.md section 7): stamps beyond the end of a damaged last file, and up to one ring
buffer of frames beyond the last stamp, are left out without asking; everything else is the user's
decision between stopping, trimming and padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from miniscope_nwb.convert.findings import Findings, count, spell_frames
from miniscope_nwb.convert.placement import MissingRange, Placement
from miniscope_nwb.recording import Device, FloatArray, IntArray, Stamps

Mismatch = Literal["stop", "trim", "pad"]
BoolArray = npt.NDArray[np.bool_]

RING_FRAMES = 128  # ring buffer of Miniscope-DAQ-QT: what may be in flight when it stops
NO_ROW = -1


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a stamp file that hold a time: all arrays have shape (n_rows,)."""

    row: IntArray  # in the file
    frame_index: IntArray
    recorded_s: FloatArray


@dataclass(frozen=True, slots=True)
class Frames:
    """Every frame of the video files, in order: all arrays have shape (n_frames,)."""

    part: IntArray
    frame_in_part: IntArray
    frame_index: IntArray


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which row belongs to which frame.

    ``row_of_frame`` has shape (n_frames,) and holds positions in `rows`, -1 where a frame has no
    row; the masks have shape (n_rows,).
    """

    rows: Rows
    frames: Frames
    row_of_frame: IntArray
    row_has_frame: BoolArray
    row_is_missing: BoolArray  # its frame was saved, but is lost from its file

    @property
    def row_is_used(self) -> BoolArray:
        """Rows that tell the clock's story, whether their frame still exists or not."""
        return np.logical_or(self.row_has_frame, self.row_is_missing)

    @property
    def frame_has_row(self) -> BoolArray:
        """Frames that have a stamp."""
        return np.not_equal(self.row_of_frame, NO_ROW)


def usable_rows(stamps: Stamps, findings: Findings) -> Rows:
    """Take the rows that hold a time, up to the first at which the frame counter restarts."""
    restarts = np.flatnonzero(np.diff(stamps.frame_index) <= 0)
    stop = stamps.n_rows
    if len(restarts):
        stop = int(restarts[0]) + 1
        findings.stop(
            "counter_restart",
            f"the frame numbers of {stamps.source} restart at data row {stop + 1} (frame "
            f"{stamps.frame_index[stop]} after {stamps.frame_index[stop - 1]}), so two recordings "
            "were mixed in one folder; separate them before converting.",
        )
    row = np.flatnonzero(np.isfinite(stamps.time_s[:stop])).astype(np.int64)
    return Rows(row, stamps.frame_index[row], stamps.time_s[row])


def list_frames(device: Device, placement: Placement) -> Frames:
    """List the frames of all files with their index in the recording."""
    lengths = np.array([part.n_frames for part in device.parts], dtype=np.int64)
    part = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    frame_in_part = np.arange(lengths.sum(), dtype=np.int64) - (np.cumsum(lengths) - lengths)[part]
    return Frames(part, frame_in_part, placement.starts[part] + frame_in_part)


def find_partners(rows: Rows, frames: Frames, missing: Sequence[MissingRange]) -> Pairs:
    """Pair rows and frames by the index of the saved frame.

    Parameters
    ----------
    rows, frames
        Their frame indices are strictly increasing; at least one row.
    missing
        Frames that are known to be lost from their files.
    """
    index = rows.frame_index
    place = np.minimum(np.searchsorted(index, frames.frame_index), len(index) - 1)
    row_of_frame = np.where(index[place] == frames.frame_index, place, NO_ROW)
    has_frame = np.zeros(len(index), dtype=np.bool_)
    has_frame[row_of_frame[row_of_frame != NO_ROW]] = True
    is_missing = np.zeros(len(index), dtype=np.bool_)
    for gap in missing:
        is_missing |= (index >= gap.start) & (index < gap.stop)
    return Pairs(rows, frames, row_of_frame, has_frame, is_missing)


def judge_surplus_stamps(
    device: Device,
    pairs: Pairs,
    placement: Placement,
    findings: Findings,
    *,
    on_mismatch: Mismatch,
) -> None:
    """Trim the stamps behind the last frame, or stop.

    Raises
    ------
    MismatchError
        If the last file is whole, or too short to have held so many frames, unless the user
        allows to trim.
    """
    surplus = ~pairs.row_is_used
    row_index, recorded_s = pairs.rows.frame_index, pairs.rows.recorded_s
    n_surplus = int(surplus.sum())
    if not n_surplus:
        return
    assert device.stamps is not None
    last = device.parts[placement.last]
    could_hold = placement.limit is None or int(row_index[-1]) < placement.limit
    damaged = next((part for part in device.parts[placement.last :] if part.is_damaged), last)
    stamps = f"{count(n_surplus, 'stamp')} at the end of {findings.source}"
    which = f"({spell_frames(row_index[surplus])})"
    if placement.last_is_damaged and could_hold:
        findings.warn(
            "truncated_part" if damaged.n_frames else "empty_part",
            f"{damaged.relative_path} is {damaged.state} and holds {damaged.n_frames} frames: "
            f"{stamps} {which} have no frame and were dropped.",
            file=damaged.relative_path,
        )
    elif n_surplus <= device.stamps.tail_slack or on_mismatch == "trim":
        asked = " (--on-mismatch trim)" if on_mismatch == "trim" else ""
        findings.warn(
            "surplus_stamps",
            f"{stamps} {which} {'has' if n_surplus == 1 else 'have'} no frame behind the last one "
            f"of {last.relative_path}; dropped{asked}.",
        )
    else:
        findings.stop("surplus_stamps", _say_surplus(device, n_surplus, findings, on_mismatch))
    findings.repair("trimmed_stamp", row_index[surplus], recorded_s=recorded_s[surplus])


def tell_of_damage(device: Device, findings: Findings) -> None:
    """Warn of damaged files that nothing else was said about: no stamp tells of a lost frame.

    An empty last file is no damage: the V3 software opens the next file as soon as one is full.
    """
    told = {problem.file for problem in findings.problems}
    for part in device.parts:
        if part.is_damaged and part.state != "empty" and part.relative_path not in told:
            findings.warn(
                "damaged_part",
                f"{part.relative_path} is {part.state}; the {count(part.n_frames, 'frame')} in it "
                "can be read, and no stamp tells of others.",
                file=part.relative_path,
            )


def judge_lone_frames(
    device: Device,
    pairs: Pairs,
    findings: Findings,
    *,
    on_mismatch: Mismatch,
) -> BoolArray:
    """Decide which frames are stored: those with a stamp, and with ``pad`` the others too.

    Returns
    -------
    (n_frames,) of bool

    Raises
    ------
    MismatchError
        If frames inside the recording, or more than one ring buffer at its end, have no stamp.
    """
    frame_index, has_row = pairs.frames.frame_index, pairs.frame_has_row
    if on_mismatch == "pad":
        return np.ones(len(frame_index), dtype=np.bool_)
    lone = ~has_row
    is_tail = lone & (frame_index > pairs.rows.frame_index[-1])
    for mask, place in ((lone & ~is_tail, "inside"), (is_tail, "at the end of")):
        n_lone = int(mask.sum())
        if not n_lone:
            continue
        what = (
            f"{count(n_lone, 'frame')} {place} the recording "
            f"({spell_frames(frame_index[mask])}, {_say_files(device, pairs.frames.part[mask])}) "
            f"{'has' if n_lone == 1 else 'have'} no stamp in {findings.source}"
        )
        if on_mismatch == "trim":
            findings.warn("lone_frames", f"{what}; left out (--on-mismatch trim).")
        elif place != "inside" and n_lone <= RING_FRAMES:
            findings.warn("lone_frames", f"{what}; left out and listed.")
        else:
            findings.stop(
                "lone_frames",
                f"{what}; --on-mismatch trim leaves them out, --on-mismatch pad makes up their "
                "stamps from the neighbouring ones.",
            )
        findings.repair("trimmed_frame", frame_index[mask])
    return has_row


def _say_files(device: Device, part: IntArray) -> str:
    """Name the files at these positions: "2.avi", "2.avi to 4.avi"."""
    names = list(dict.fromkeys(device.parts[at].relative_path for at in np.unique(part)))
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _say_surplus(device: Device, n_surplus: int, findings: Findings, on_mismatch: Mismatch) -> str:
    assert device.stamps is not None
    last = next(part for part in reversed(device.parts) if part.n_frames)
    n_frames = sum(part.n_frames for part in device.parts)
    text = (
        f"{findings.source} has {device.stamps.n_rows} stamps, {n_surplus} more than the videos "
        f"have frames for ({n_frames}, the last in {last.relative_path}); either the frames behind "
        f"{last.relative_path} are missing, or they were lost somewhere before; "
    )
    if on_mismatch == "pad":
        return text + "--on-mismatch pad makes up stamps, never frames: use --on-mismatch trim."
    return text + "--on-mismatch trim drops the last stamps."
