"""Head orientation of the QT software against ``headOrientation.csv``, read a second time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.check import raw_text
from miniscope_nwb.check.raw_stamps import MS_PER_S
from miniscope_nwb.check.report import Difference, Tally
from miniscope_nwb.check.stamps import SHIFT_ULPS
from miniscope_nwb.nwb.read import SourceRow
from miniscope_nwb.recording import FloatArray, IntArray

FILE_NAME = "headorientation.csv"
NAMES = ("qw", "qx", "qy", "qz")


@dataclass(frozen=True, slots=True)
class RawOrientation:
    """One raw file of head orientation and how its clock may have been moved."""

    source: SourceRow
    shifts_s: tuple[float, ...]  # 0, and the clock shift of every device of the recording
    offset_s: float
    replaced: frozenset[tuple[float, float]] = frozenset()  # recorded and used stamps of frames


def find_orientation(device: str, sources: Sequence[SourceRow], root: Path) -> list[SourceRow]:
    """List the converted files of head orientation of a device that are there."""
    return [
        source
        for source in sources
        if source.device == device
        and PurePosixPath(source.path).name.casefold() == FILE_NAME
        and source.is_converted
        and (root / source.path).is_file()
    ]


def compare_orientation(
    group: Any, found: Sequence[RawOrientation], *, root: Path, tally: Tally
) -> int:
    """Compare a stored series of head orientation with its raw files.

    Parameters
    ----------
    group
        The series, in HDF5.
    found
        Its raw files in the order of their recordings.

    Returns
    -------
    int
        Number of rows compared.
    """
    name = group.name.rpartition("/")[2]
    stored = np.column_stack([group["timestamps"][:], group["data"][:]])
    path = ", ".join(item.source.path for item in found)
    tables = [_read(root / item.source.path) for item in found]
    n_rows = sum(len(table) for table, _ in tables)
    if n_rows > len(stored):  # a last row without a line end may have been dropped
        tables = [(table if is_whole else table[:-1], True) for table, is_whole in tables]
    if sum(len(table) for table, _ in tables) != len(stored):
        message = f"holds {len(stored)} rows, the raw file {n_rows}"
        tally.add(Difference("signal", name, -1, path, message))
        return len(stored)
    begin = 0
    for (table, _), item in zip(tables, found, strict=True):
        for row in _wrong_rows(stored[begin : begin + len(table)], table, item):
            message = "is not what the raw file says"
            tally.add(Difference("signal", name, begin + int(row), item.source.path, message))
        begin += len(table)
    return len(stored)


def _wrong_rows(stored: FloatArray, raw: FloatArray, item: RawOrientation) -> IntArray:
    """List rows that differ, whichever device's clock shift the session's signals followed."""
    same = (stored[:, 1:] == raw[:, 1:]) | (np.isnan(stored[:, 1:]) & np.isnan(raw[:, 1:]))
    found = []
    for shift_s in item.shifts_s:
        expected = raw[:, 0] + shift_s if shift_s else raw[:, 0]
        expected = expected + item.offset_s if item.offset_s else expected
        slack = SHIFT_ULPS * np.spacing(np.maximum(np.abs(expected), abs(shift_s)))
        is_close = np.abs(stored[:, 0] - expected) <= (slack if shift_s else 0.0)
        is_time = is_close | _is_replaced(stored[:, 0], raw[:, 0], item)
        found.append(np.flatnonzero(~(is_time & same.all(axis=1))))
    return min(found, key=len)


def _is_replaced(
    stored_s: FloatArray, raw_s: FloatArray, item: RawOrientation
) -> npt.NDArray[np.bool_]:
    """Whether a row has the stamp that replaced its frame's, by the table of repairs."""
    pairs = zip(raw_s.tolist(), stored_s.tolist(), strict=True)
    return np.array([pair in item.replaced for pair in pairs], dtype=np.bool_)


def _read(path: Path) -> tuple[FloatArray, bool]:
    """Read time in seconds and quaternion, shape (n_rows, 5), scalar first."""
    rows, is_complete = raw_text.read_cells(path)
    header, rows = raw_text.split_header(rows)
    is_named = len(header) == 5 and all(name in header for name in NAMES)
    places = [0, *(header.index(name) for name in NAMES)] if is_named else list(range(5))
    kept = raw_text.rectangular(rows, 5)
    columns = [raw_text.numbers([row[place] for row in kept]) for place in places]
    table = np.stack(columns, axis=1)
    table[:, 0] /= MS_PER_S
    return table, is_complete
