"""Time stamps of a raw device, read a second time and straight from the bytes of their file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from miniscope_nwb.check import raw_text
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import FloatArray, IntArray

MS_PER_S = 1000.0
SENSOR_ROWS = 608  # of the Miniscope V4: ONIX writes one clock word a sensor row
LONGEST_ROW_S = 4e-3  # words further apart than this are one a frame, others one a row


@dataclass(frozen=True, slots=True)
class RawStamps:
    """Stamps of one device as the raw file has them; both arrays have shape (n_rows,)."""

    frame: IntArray  # 0-based index of the saved frame
    time_s: FloatArray
    n_loose: int = 0  # rows at the end that need not be in the NWB file: possibly half written


def read_v4(path: Path) -> RawStamps:
    """``timeStamps.csv`` of Miniscope-DAQ-QT: frame number from 0, then milliseconds."""
    rows, is_complete = raw_text.read_cells(path)
    header, rows = raw_text.split_header(rows)
    frame_column, time_column = 0, 1
    for column, name in enumerate(header):
        if "time" in name:
            time_column = column
        elif name == "frame number":
            frame_column = column
    kept = raw_text.rectangular(rows, max(frame_column, time_column) + 1)
    frame = raw_text.numbers([row[frame_column] for row in kept], whole=True)
    time = raw_text.numbers([row[time_column] for row in kept], whole=True)
    return _stamps(frame, time / MS_PER_S, n_loose=0 if is_complete else 1)


def read_v3(path: Path) -> dict[int, RawStamps]:
    """``timestamp.dat`` of the MFC software: stamps by camNum; frames are numbered from 1."""
    rows, is_complete = raw_text.read_cells(path)
    _, rows = raw_text.split_header(rows)
    kept = raw_text.rectangular(rows, 3)
    table = np.stack(
        [raw_text.numbers([row[column] for row in kept], whole=True) for column in range(3)], axis=1
    )
    table = table[np.isfinite(table).all(axis=1)]
    found = {}
    for camera in np.unique(table[:, 0]):
        mine = table[table[:, 0] == camera]
        is_last = not is_complete and table[-1, 0] == camera
        found[int(camera)] = _stamps(mine[:, 1] - 1, mine[:, 2] / MS_PER_S, n_loose=int(is_last))
    return found


def read_onix(clock: Path, start: Path) -> RawStamps:
    """ONI clock words, one or 608 a frame, over the clock's rate from the start-time file.

    Parameters
    ----------
    clock
        ``*-clock_<n>.raw``: little-endian 64-bit words; the first of a frame is its stamp.
    start
        ``start-time_<n>*.csv``: with or without a header; the rate stands behind the time.
    """
    rows, _ = raw_text.read_cells(start)
    rates = raw_text.numbers([row[1] for row in rows[-1:] if len(row) > 1], whole=True)
    if not (len(rates) and rates[0] > 0):
        raise RecordingError(f"{start} does not tell the rate of the clock; restore the file.")
    rate = rates[0]
    words = np.trim_zeros(np.fromfile(clock, dtype="<u8", count=clock.stat().st_size // 8), "b")
    # Counts mislead where the clock or the video was cut, the distance of the words does not.
    steps_s = np.diff(words.astype(np.float64)) / rate
    per_frame = SENSOR_ROWS if len(steps_s) and np.median(steps_s) < LONGEST_ROW_S else 1
    ticks = words[: len(words) // per_frame * per_frame : per_frame]
    frame = np.arange(len(ticks), dtype=np.float64)
    return _stamps(frame, ticks.astype(np.float64) / rate, n_loose=1)


def read_gui(path: Path) -> RawStamps:
    """CSV of the Open Ephys Miniscope V4 GUI: a row a saved frame, ``HardwareTime`` in ms.

    The hardware's clock runs since it was switched on; the first row is the session's zero.
    """
    rows, is_complete = raw_text.read_cells(path)
    header, rows = raw_text.split_header(rows)
    column = header.index("hardwaretime") if "hardwaretime" in header else 1
    kept = raw_text.rectangular(rows, column + 1)
    time = raw_text.numbers([row[column] for row in kept])
    frame = np.arange(len(time), dtype=np.float64)
    time = time - time[np.isfinite(time)][:1].sum()
    return _stamps(frame, time / MS_PER_S, n_loose=0 if is_complete else 1)


def _stamps(frame: FloatArray, time_s: FloatArray, *, n_loose: int) -> RawStamps:
    is_row = np.isfinite(frame) & np.isfinite(time_s)
    return RawStamps(frame=frame[is_row].astype(np.int64), time_s=time_s[is_row], n_loose=n_loose)
