"""Text files of a raw recording, read a second time.

A small parser that shares nothing with the readers of `convert`, so that a mistake of theirs does
not hide itself from `verify`. It knows no rules of mending: a number is a number, whatever a
spreadsheet did to its looks, and what is no row of numbers is left out.
"""

from __future__ import annotations

import codecs
import csv
import re
from pathlib import Path

import numpy as np

from miniscope_nwb.recording import FloatArray

Rows = list[list[str]]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PLAIN = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?|[+-]?\.\d+([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,'’ \u00a0\u202f]\d{3})+")


def read_text(path: Path) -> str:
    """Return the text of a file that may be UTF-8, UTF-16 or code page 1252."""
    data = path.read_bytes()
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace").rstrip("\0")
    data = data.rstrip(b"\0")
    if data[1:2] == b"\0" or data[:1] == b"\0":  # UTF-16 without a mark: every other byte is NUL
        little = data[1:2] == b"\0"
        padded = data + b"\0" * (len(data) % 2)
        return padded.decode("utf-16-le" if little else "utf-16-be", "replace").rstrip("\0")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def read_cells(path: Path) -> tuple[Rows, bool]:
    """Split a table into stripped cells.

    Returns
    -------
    rows
        Rows that are not blank, header included.
    is_complete
        False where the last row has no line end: it may be half written.
    """
    text = read_text(path)
    lines = [line for line in re.split(r"\r\n|\n|\r", text) if line.strip()]
    is_complete = text.rstrip(" \t")[-1:] in {"\n", "\r", ""}
    if lines and lines[0].strip(" \"'").casefold().startswith("sep="):
        lines = lines[1:]
    head = lines[1:50] or lines
    delimiter = next(
        (mark for mark in ("\t", ";") if sum(mark in line for line in head) * 2 > len(head)), ","
    )
    rows = [
        [cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter) if any(row)
    ]
    return rows, is_complete


def split_header(rows: Rows) -> tuple[list[str], Rows]:
    """Part the header, if there is one, from the rows: a header does not begin with a number."""
    if rows and not is_number(rows[0][0]):
        return [cell.casefold() for cell in rows[0]], rows[1:]
    return [], rows


def is_number(cell: str) -> bool:
    """Whether a cell reads as a number, with a decimal comma or thousands marks too."""
    return bool(_PLAIN.fullmatch(cell.replace(",", ".")) or _THOUSANDS.fullmatch(cell))


def numbers(cells: list[str], *, whole: bool = False) -> FloatArray:
    """Read a column of numbers, shape (n_cells,); NaN where a cell is none.

    In a column of `whole` numbers ``1.234`` and ``12,345,678`` are grouped by thousands, if all
    marked numbers look like that and no unmarked one is above 999; else a comma is a decimal one.
    """
    marked = [cell for cell in cells if not cell.lstrip("+-").isdigit()]
    if whole and marked and all(_THOUSANDS.fullmatch(cell) for cell in marked):
        unmarked = [cell for cell in cells if cell.lstrip("+-").isdigit()]
        if all(len(cell.lstrip("+-")) <= 3 for cell in unmarked):
            return np.array([float(re.sub(r"[^\d+-]", "", cell)) for cell in cells])
    return np.array([_number(cell) for cell in cells], dtype=np.float64)


def _number(cell: str) -> float:
    plain = cell.replace(",", ".")
    is_plain = _PLAIN.fullmatch(plain) or plain.lstrip("+-").casefold() == "inf"
    return float(plain) if is_plain else float("nan")


def rectangular(rows: Rows, n_columns: int) -> Rows:
    """Keep rows that have at least `n_columns` cells; half-written ones are left out."""
    return [row for row in rows if len(row) >= n_columns]
