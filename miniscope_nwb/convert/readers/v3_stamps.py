"""timestamp.dat of the Miniscope DAQ software for V3: the stamps of all cameras, interleaved.

Columns ``camNum frameNum sysClock buffer``, separated by tabs. ``camNum`` is the number that the
operating system gave to a camera and says nothing of its role; ``frameNum`` counts the saved
frames of a camera from 1; ``sysClock`` is milliseconds since the start of the recording; ``buffer``
is the number of frames that waited to be saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from miniscope_nwb.convert.readers.text import Table, read_rows
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import IntArray, Problem, Stamps

MS_PER_S = 1000.0
FIRST_FRAME = 1
BUFFER_IS_NEARLY_FULL = 250  # of 256 frames; at the end, frames are overwritten without a word
_NAMES = ("camNum", "frameNum", "sysClock", "buffer")


@dataclass(frozen=True, slots=True)
class V3Stamps:
    """The stamps of every camera by its camNum, ascending."""

    by_camnum: dict[int, Stamps]
    problems: tuple[Problem, ...] = ()

    @property
    def n_rows(self) -> dict[int, int]:
        """Number of rows of every camera."""
        return {camnum: stamps.n_rows for camnum, stamps in self.by_camnum.items()}


def read_stamps(path: Path, *, relative_path: str) -> V3Stamps:
    """Read a timestamp.dat.

    Raises
    ------
    RecordingError
        Where the file has no rows, is damaged before its end, or holds two recordings: a header
        or a frame number 1 in the middle; names the line.
    """
    table = read_rows(path, display=relative_path, separators=("\t",), newlines=("\r\n", "\n"))
    if not table.n_rows:
        raise RecordingError(
            f"{relative_path}: has no time stamps, so no frame has a time; restore the file."
        )
    places = _columns(table)
    camnum, frame, clock = (table.integers(place) for place in places[:3])
    buffer = table.integers(places[3]) if len(places) > 3 else None
    by_camnum = {}
    problems = [
        Problem("warning", "mended_text", f"{relative_path}: {remark}.", relative_path)
        for remark in table.remarks
    ]
    for number in np.unique(camnum):
        rows = np.flatnonzero(camnum == number)
        _refuse_restart(frame[rows], rows, int(number), table)
        recorded = clock[rows].astype(np.float64)
        stamps = Stamps(
            source=relative_path,
            frame_index=frame[rows] - FIRST_FRAME,
            recorded=recorded,
            unit="ms",
            time_s=recorded / MS_PER_S,
            frame_number=frame[rows],
            buffer_index=None if buffer is None else buffer[rows],
        )
        by_camnum[int(number)] = stamps
        problems += _check_buffer(stamps, rows, int(number), table)
    return V3Stamps(by_camnum, tuple(problems))


def _columns(table: Table) -> list[int]:
    """Find camNum, frameNum, sysClock and, where there is one, buffer, by name or by place."""
    found = [table.find(name) for name in _NAMES]
    named = [place for place in found if place is not None and place < table.n_columns]
    if table.header is not None and None not in found[:3] and len(named) == len(_NAMES):
        return named
    if table.n_columns < len(_NAMES) - 1:
        raise RecordingError(
            f"{table.display}: expected the columns {', '.join(_NAMES)}, found "
            f"{table.n_columns} columns; restore the original file."
        )
    return list(range(min(table.n_columns, len(_NAMES))))


def _refuse_restart(frame: IntArray, rows: IntArray, camnum: int, table: Table) -> None:
    back = np.flatnonzero(np.diff(frame) <= 0)
    if back.size:
        at = int(back[0]) + 1
        raise RecordingError(
            f"{table.display}, line {table.line_numbers[int(rows[at])]}: the frame number of "
            f"camera {camnum} goes from {frame[at - 1]} back to {frame[at]}, so two recordings "
            "were written into one folder; separate their files by hand."
        )
    if frame[0] < FIRST_FRAME:
        raise RecordingError(
            f"{table.display}, line {table.line_numbers[int(rows[0])]}: expected a frame number "
            f"from {FIRST_FRAME} on, found {frame[0]}; restore the original file."
        )


def _check_buffer(stamps: Stamps, rows: IntArray, camnum: int, table: Table) -> list[Problem]:
    if stamps.buffer_index is None:
        return []
    full = np.flatnonzero(stamps.buffer_index >= BUFFER_IS_NEARLY_FULL)
    if not full.size:
        return []
    first, last = (table.line_numbers[int(rows[at])] for at in (full[0], full[-1]))
    message = (
        f"{table.display}: in {full.size} rows of camera {camnum} (lines {first} to {last}) the "
        f"computer was {BUFFER_IS_NEARLY_FULL} frames or more behind: frames may have been "
        "overwritten there, so images may be repeated."
    )
    return [Problem("warning", "full_buffer", message, table.display)]
