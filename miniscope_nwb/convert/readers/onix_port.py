"""port-status_<n>.csv of ONIX: a row for every fault of the link to the headstage."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace
from pathlib import Path

import numpy as np

from miniscope_nwb.convert.readers import numerals
from miniscope_nwb.convert.readers.iso_time import is_iso_time
from miniscope_nwb.convert.readers.text import Table, read_rows
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import Intervals, Problem

NAMES: tuple[str, ...] = ("Timestamp", "Clock", "StatusCode", "SerdesLocked", "SerdesPass")
_N_NEEDED = 3
# Columns that a table of NWB has already.
_TAKEN = {"start_time", "stop_time", "tags", "timeseries", "id", "name", "description"}
_CLOCK = 1


def read_port_status(
    path: Path, *, relative_path: str, device: str, clock_hz: float
) -> tuple[Intervals | None, tuple[Problem, ...]]:
    """Read a port-status file, with or without a header.

    A row is a moment, not a span: nothing tells how long a fault lasted.

    Returns
    -------
    intervals
        One row an event, start equal to stop. None where there was no fault.
    problems
        Warnings.

    Raises
    ------
    RecordingError
        Where the rows are not time, clock and status code.
    """
    table = _read_table(path, relative_path)
    problems = tuple(
        Problem("warning", "mended_text", f"{relative_path}: {remark}.", relative_path, device)
        for remark in table.remarks
    )
    if not table.rows:
        return None, problems
    names = _names(table.header or NAMES, len(table.rows[0]))
    clock = [row[names.index(NAMES[_CLOCK])] for row in table.rows]
    ticks = numerals.integers(clock, relative_path, table.line_numbers)
    time_s = ticks.astype(np.float64) / clock_hz
    intervals = Intervals(
        kind="PortStatus",
        device=device,
        description=(
            "Faults of the link to the headstage. A row is the moment of an event, so start and "
            "stop are equal."
        ),
        start_s=time_s,
        stop_s=time_s.copy(),
        columns=_columns(names, table.rows),
        source=relative_path,
    )
    return intervals, problems


def _read_table(path: Path, relative_path: str) -> Table:
    """Read the rows, and their names from the header or, without one, as ONIX calls them."""
    # Not by the first field being a number, which the time is not either.
    table = read_rows(
        path,
        display=relative_path,
        has_header=False,
        newlines=("\n", "\r\n"),
        drop_short_rows=True,
    )
    rows, lines, header = table.rows, table.line_numbers, NAMES
    if rows and not is_iso_time(rows[0][0]):
        header, rows, lines = tuple(map(_plain, rows[0])), rows[1:], lines[1:]
    if rows and len(rows[0]) < _N_NEEDED:
        raise RecordingError(
            f"{relative_path}: expected {', '.join(NAMES[:_N_NEEDED])} in a row, found "
            f"{len(rows[0])} fields; restore the original file."
        )
    return replace(table, header=header, rows=rows, line_numbers=lines)


def _columns(names: list[str], rows: list[list[str]]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for place, name in enumerate(names):
        columns[_column_name(name, columns)] = [row[place].replace("\0", "\ufffd") for row in rows]
    return columns


def _plain(name: str) -> str:
    known = {item.casefold(): item for item in NAMES}
    last = name.rsplit(".", 1)[-1].replace("\0", "\ufffd")
    return known.get(last.casefold(), last)


def _names(found: tuple[str, ...], n_columns: int) -> list[str]:
    names = list(found[:n_columns])
    if NAMES[_CLOCK] not in names:
        names = list(NAMES[:n_columns])
    names += [""] * (n_columns - len(names))
    return [
        name if name and name not in names[:place] else f"column {place + 1}"
        for place, name in enumerate(names)
    ]


def _column_name(name: str, used: Container[str]) -> str:
    """Turn StatusCode into status_code, other than what is used already."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    plain = re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_") or "field"
    while plain in _TAKEN or plain in used:
        plain += "_recorded"
    return plain
