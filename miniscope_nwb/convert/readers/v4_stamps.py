"""timeStamps.csv and headOrientation.csv of Miniscope-DAQ-QT-Software, every generation.

=================  ======================================================  =========
version            columns of timeStamps.csv                               separator
=================  ======================================================  =========
v0.1, v0.11        frame, ms, buffer; no header                            tab
v0.13 to v1.11     Frame Number, Time Stamp (ms), Buffer Index             comma
from v2.0.0        the same, and DAQ Frame Number (miniscopes only)        comma
=================  ======================================================  =========
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from miniscope_nwb.convert.readers.quaternions import check_norm
from miniscope_nwb.convert.readers.text import Table, read_rows
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import IntArray, Problem, Samples, Stamps

MS_PER_S = 1000.0
BUFFER_IS_NEARLY_FULL = 120  # of 128 frames; beyond, frames and stamps may be damaged (DAQ-QT #90)
DAQ_COUNTER_BITS = 16
COLUMNS = ("Frame Number", "Time Stamp (ms)", "Buffer Index", "DAQ Frame Number")


def read_stamps(
    path: Path, *, relative_path: str, device: str
) -> tuple[Stamps, tuple[Problem, ...]]:
    """Read a timeStamps.csv.

    Returns
    -------
    stamps
        The rows as they stand in the file; the frame number is what joins them with frames.
    problems
        Warnings: what was mended, and where the frame buffer was nearly full.

    Raises
    ------
    RecordingError
        Where the file has no rows, is damaged before its end, or holds two recordings.
    """
    separators = (",", "\t") if _is_headerless(path) else (",",)
    table = read_rows(path, display=relative_path, separators=separators)
    remarks = list(table.remarks)
    if not table.n_rows:
        raise RecordingError(
            f"{relative_path}: has no time stamps, so the frames of {device} have no time; restore "
            "the file, or move the device's folder out of the session."
        )
    if table.n_columns < 2:
        raise RecordingError(
            f"{relative_path}: expected the columns {', '.join(COLUMNS[:3])}, found a single one; "
            "restore the original file."
        )
    frame, time, buffer, daq = _columns(table, remarks)
    recorded = table.integers(time).astype(np.float64)
    frame_number = table.integers(frame) if frame is not None else None
    if frame_number is not None:
        _refuse_restart(frame_number, table)
    stamps = Stamps(
        source=relative_path,
        frame_index=np.arange(table.n_rows) if frame_number is None else frame_number,
        recorded=recorded,
        unit="ms",
        time_s=recorded / MS_PER_S,
        frame_number=frame_number,
        buffer_index=table.integers(buffer) if buffer is not None else None,
        hardware_frame=table.integers(daq) if daq is not None else None,
        hardware_counter_bits=DAQ_COUNTER_BITS if daq is not None else None,
    )
    problems = [
        Problem("warning", "mended_text", f"{relative_path}: {remark}.", relative_path, device)
        for remark in remarks
    ]
    return stamps, (*problems, *_check_buffer(stamps, table, device))


def _is_headerless(path: Path) -> bool:
    """Whether the file begins as those of v0.1 do, which are tab-separated by themselves."""
    try:
        with path.open("rb") as file:
            return file.read(1) in b"-0123456789"
    except OSError:
        return False


def _columns(table: Table, remarks: list[str]) -> tuple[int | None, int, int | None, int | None]:
    """Find frame number, time stamp, buffer index and DAQ frame number, by name or by place."""
    places: list[int | None] = [table.find(name) for name in COLUMNS]
    places[1] = table.find(COLUMNS[1], "Time Stamp", "TimeStamp", "Timestamp (ms)")
    in_order = [place if place < table.n_columns else None for place in range(len(COLUMNS))]
    if table.header is None:
        places = in_order
    elif places[1] is None:
        _refuse_other_times(table)
        remarks.append("the header names no 'Time Stamp (ms)', so the columns are taken in order")
        places = in_order
    elif len(table.header) < table.n_columns and table.n_columns == len(COLUMNS):
        places[3] = in_order[3]
    usable = [place if place is not None and place < table.n_columns else None for place in places]
    frame, time, buffer, daq = usable
    if time is None:
        raise RecordingError(
            f"{table.display}: the rows have only {table.n_columns} fields and no time stamp; "
            "restore the original file."
        )
    return frame, time, buffer, daq


def _refuse_other_times(table: Table) -> None:
    """Say what is expected where a file made by hand has times in seconds, or other columns."""
    first = table.rows[0][1]
    if not re.fullmatch(r"-?\d+", first.strip()):
        raise RecordingError(
            f"{table.display}: expected the columns {', '.join(COLUMNS[:3])}, with times in whole "
            f"milliseconds, found {', '.join(table.header or ())} and a time of {first!r}; write "
            "it as docs/damaged_input.md shows."
        )


def _refuse_restart(frame_number: IntArray, table: Table) -> None:
    back = np.flatnonzero(np.diff(frame_number) <= 0)
    if back.size:
        row = int(back[0]) + 1
        raise RecordingError(
            f"{table.display}, line {table.line_numbers[row]}: the frame number goes from "
            f"{frame_number[row - 1]} back to {frame_number[row]}, so the device's folder was "
            "shared by two recordings or devices; separate their files by hand."
        )
    if frame_number[0] < 0:
        raise RecordingError(
            f"{table.display}, line {table.line_numbers[0]}: expected a frame number from 0 on, "
            f"found {frame_number[0]}; restore the original file."
        )


def _check_buffer(stamps: Stamps, table: Table, device: str) -> tuple[Problem, ...]:
    if stamps.buffer_index is None:
        return ()
    full = np.flatnonzero(stamps.buffer_index >= BUFFER_IS_NEARLY_FULL)
    if not full.size:
        return ()
    first, last = (table.line_numbers[int(row)] for row in (full[0], full[-1]))
    message = (
        f"{table.display}: in {full.size} rows (lines {first} to {last}) the computer was "
        f"{BUFFER_IS_NEARLY_FULL} frames or more behind: frames may be lost or damaged there."
    )
    return (Problem("warning", "full_buffer", message, table.display, device),)


def read_orientation(
    path: Path, *, relative_path: str, device: str
) -> tuple[Samples | None, tuple[Problem, ...]]:
    """Read a headOrientation.csv: quaternions, scalar first, on the stamps of the frames.

    Five columns stand under four names in v0.13; v0.1 has no header. Samples whose norm is off
    are kept and counted; a file that nobody filtered has swapped components and zeros.

    Returns
    -------
    samples
        Data of shape (n_samples, 4): qw, qx, qy, qz. None where the file holds none.
    problems
        Warnings.

    Raises
    ------
    RecordingError
        Where a field is no number or a second header stands inside the file.
    """
    table = read_rows(
        path,
        display=relative_path,
        separators=(",", "\t") if _is_headerless(path) else (",",),
        drop_short_rows=True,
    )
    problems = [
        Problem("warning", "mended_text", f"{relative_path}: {remark}.", relative_path, device)
        for remark in table.remarks
    ]
    if not table.n_rows:
        return None, tuple(problems)
    if table.n_columns != 5:
        raise RecordingError(
            f"{relative_path}: expected time stamp, qw, qx, qy and qz, found {table.n_columns} "
            "columns; restore the original file."
        )
    names = ("qw", "qx", "qy", "qz")
    found = [table.find(name) for name in names]
    in_header = table.header is not None and len(table.header) == 5 and None not in found
    places = [place for place in found if place is not None] if in_header else [1, 2, 3, 4]
    data = np.stack([table.floats(place) for place in places], axis=1)
    samples = Samples(
        kind="HeadOrientation",
        device=device,
        description=(
            "Orientation of the head from the sensor on the miniscope, as recorded: a unit "
            "quaternion, scalar first; q and -q are the same rotation."
        ),
        unit="n.a.",
        columns=names,
        time_s=table.floats(0) / MS_PER_S,
        data=data,
        source=relative_path,
    )
    return samples, (*problems, *_check_order(samples), *check_norm(samples))


def _check_order(samples: Samples) -> tuple[Problem, ...]:
    back = np.flatnonzero(np.diff(samples.time_s) < 0)
    if not back.size:
        return ()
    row = int(back[0])
    message = (
        f"{samples.source}: the time runs backward {back.size} times, the first from "
        f"{samples.time_s[row]:.3f} s to {samples.time_s[row + 1]:.3f} s; rows that share a "
        "stamp with a frame follow what --stamps does to it, the others are kept as recorded."
    )
    return (Problem("warning", "backward_samples", message, samples.source, samples.device),)
