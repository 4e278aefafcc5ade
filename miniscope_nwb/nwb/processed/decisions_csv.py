"""Decisions of a person as a table of text: one row a component, read and written.

    roi,accepted,mask_type,confidence,reason,run
    0,true,soma,0.9,clear transients,run1
    3,false,,,blood vessel,run1

Only `roi` and `accepted` must be there; `run` keeps the table of one run from going to another,
whose components have the same numbers. Commas, semicolons and tabs separate, as spreadsheets of
different countries write them. A first column without a name, the index that pandas writes, is not
read.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from miniscope_nwb.errors import NwbContentError, OutputError
from miniscope_nwb.results import MaskType
from miniscope_nwb.text_file import write_text_file

ROUND_COLUMNS = ("roi", "accepted", "mask_type", "confidence", "reason")  # as a file stores them
COLUMNS = (*ROUND_COLUMNS, "run")
MASK_TYPES: tuple[str, ...] = get_args(MaskType)
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_TRUTH = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What a person says of one component; None where nothing is said."""

    line: int  # of the file, from 1
    roi: int
    accepted: bool
    mask_type: str | None
    confidence: float | None
    reason: str | None
    run: str | None = None


def read_decision_file(path: Path) -> list[DecisionRow]:
    """Read a file of decisions.

    Raises
    ------
    NwbContentError
        If it is not such a table; names file and line.
    """
    lines = _without_index(_lines(path))
    header = [name.strip().lower() for name in lines[0][1]] if lines else []
    _check_header(path, header)
    rows: list[DecisionRow] = []
    first_line: dict[int, int] = {}
    for number, cells in lines[1:]:
        if len(cells) > len(header):
            raise _wrong(path, number, f"{len(cells)} values for {len(header)} columns")
        row = _row(path, number, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
        if row.roi in first_line:
            raise _wrong(path, number, f"roi {row.roi} stands in line {first_line[row.roi]} too")
        first_line[row.roi] = number
        rows.append(row)
    if not rows:
        raise _wrong(path, 1, "no component is named below the columns")
    _check_runs(path, rows)
    return rows


def write_decision_file(path: Path, decisions: Mapping[str, Any], *, run: str = "") -> None:
    """Write a round of curation; `read_decision_file` reads it back.

    Parameters
    ----------
    path
        The file; one that is there is replaced.
    decisions
        Columns of the round: roi, accepted, mask_type, confidence, reason.
    run
        Name of the run that the round is of; "": not told.

    Raises
    ------
    OutputError
        If the file is an HDF5 file, the recording itself perhaps, or cannot be written.
    """
    import h5py

    if path.is_file() and h5py.is_hdf5(path):
        raise OutputError(
            f"{path} is an NWB or HDF5 file and is not written over: name a CSV file."
        )
    try:
        write_text_file(path, _as_text(decisions, run))
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}): name a CSV file in a folder "
            "that is there, may be written to and has room."
        ) from error


def _as_text(decisions: Mapping[str, Any], run: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for values in zip(*(decisions[name] for name in ROUND_COLUMNS), strict=True):
        roi, accepted, mask_type, confidence, reason = values
        known = "" if math.isnan(confidence) else f"{float(confidence):.6g}"
        writer.writerow((int(roi), "true" if accepted else "false", mask_type, known, reason, run))
    return text.getvalue()


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Rows of the file with the line on which each begins; empty ones are left out."""
    try:
        with path.open("rb") as file:
            if file.read(len(_HDF5_SIGNATURE)) == _HDF5_SIGNATURE:
                raise NwbContentError(
                    f"{path} is an NWB or HDF5 file: give a CSV file of decisions, such as "
                    "`miniscope-nwb curate FILE.nwb --export decisions.csv` writes."
                )
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise NwbContentError(
            f"{path} is not UTF-8 text: save it again as CSV in UTF-8."
        ) from error
    except OSError as error:
        raise NwbContentError(
            f"{path} cannot be read ({error.strerror or error}): check the path."
        ) from error
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    found, start = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        raise _wrong(path, reader.line_num, str(error)) from error
    return found


def _without_index(lines: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Leave out a first column that has no name: the index of a data frame."""
    if not lines or len(lines[0][1]) < 2 or lines[0][1][0].strip():
        return lines
    return [(number, cells[1:]) for number, cells in lines]


def _check_header(path: Path, header: list[str]) -> None:
    for name in header:
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1)
            hint = f"did you mean {near[0]}?" if near else f"use {', '.join(COLUMNS)}."
            raise _wrong(path, 1, f"column {name!r} is not known: {hint}")
        if header.count(name) > 1:
            raise _wrong(path, 1, f"there are two columns {name!r}")
    for name in ("roi", "accepted"):
        if name not in header:
            raise _wrong(
                path, 1, f"there is no column {name!r}: the first line must name the columns"
            )


def _row(path: Path, line: int, cells: dict[str, str]) -> DecisionRow:
    accepted = _TRUTH.get(cells.get("accepted", "").lower())
    if accepted is None:
        said = cells.get("accepted", "")
        raise _wrong(path, line, f"accepted is {said!r}, not true, false, 1 or 0")
    mask_type = cells.get("mask_type", "").lower() or None
    if mask_type is not None and mask_type not in MASK_TYPES:
        raise _wrong(path, line, f"mask_type {mask_type!r} is none of {', '.join(MASK_TYPES)}")
    return DecisionRow(
        line=line,
        roi=_whole(path, line, cells.get("roi", "")),
        accepted=accepted,
        mask_type=mask_type,
        confidence=_share(path, line, cells.get("confidence", "")),
        reason=cells.get("reason") or None,
        run=cells.get("run") or None,
    )


def _check_runs(path: Path, rows: list[DecisionRow]) -> None:
    """Refuse decisions on more than one run; a row that names none is of the others' run."""
    first_line: dict[str, int] = {}
    for row in rows:
        if row.run:
            first_line.setdefault(row.run, row.line)
    if len(first_line) > 1:
        (one, its_line), (other, line) = list(first_line.items())[:2]
        raise _wrong(
            path, line, f"the run is {other}, but {one} in line {its_line}: give each its own file"
        )


def _whole(path: Path, line: int, text: str) -> int:
    try:
        number = float(text)
        if number >= 0 and number == int(number):
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise _wrong(path, line, f"roi is {text!r}, not a whole number from 0")


def _share(path: Path, line: int, text: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise _wrong(path, line, f"confidence is {text!r}, not a number from 0 to 1")
    return number


def _wrong(path: Path, line: int, what: str) -> NwbContentError:
    end = "" if what.endswith(("?", ".")) else "."
    return NwbContentError(f"{path}, line {line}: {what}{end}")
