"""Text files of a recording, whatever has happened to them: encoding, line ends, separators.

Acquisition software writes plain UTF-8 with one kind of line end. What reaches us has often been
through a spreadsheet, PowerShell or a power failure. `read_text` gives the text, `read_rows` the
fields of a table; both say in ``remarks`` what they had to put up with, for the caller to show.
`encodings` knows the encodings, `numerals` the numbers.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from miniscope_nwb.convert.readers import encodings, numerals
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import FloatArray, IntArray

SEPARATORS = ("\t", ";", ",")  # in this order: with a tab or semicolon, a comma is a decimal comma
SEPARATOR_WORDS = {"\t": "tab", ";": "semicolon", ",": "comma"}
NEWLINE_WORDS = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}
LINES_TO_SNIFF = 50
RESAVED = encodings.RESAVED
_COMMA_IN_NUMBER = re.compile(r"[0-9],[0-9]")
_QUOTED_NUMBER = re.compile(r'"[+-]?[0-9][0-9.,]*"')


@dataclass(frozen=True, slots=True)
class TextFile:
    """The text of a file, with every line end turned into LF."""

    text: str
    encoding: str  # "utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252", "latin-1"
    remarks: tuple[str, ...]  # what was mended, each a clause
    newline: str = "\n"  # as it stands in the file: LF, CRLF or CR


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a delimited text file; blank lines are left out, quotes are removed.

    Every row has the same number of fields. `line_numbers` are 1-based and count every line.
    """

    display: str  # the file's name in messages
    header: tuple[str, ...] | None
    rows: list[list[str]]
    line_numbers: list[int]
    separator: str
    remarks: tuple[str, ...]
    is_complete: bool = True  # False where the last row has no line end: its last value may be cut

    @property
    def n_rows(self) -> int:
        """Number of rows, the header not counted."""
        return len(self.rows)

    @property
    def n_columns(self) -> int:
        """Number of fields in every row."""
        return len(self.rows[0]) if self.rows else len(self.header or ())

    def find(self, *names: str) -> int | None:
        """Return the column headed by the first of `names` that exists; case does not matter."""
        plain = [_plain(name) for name in self.header or ()]
        for name in names:
            if _plain(name) in plain:
                return plain.index(_plain(name))
        return None

    def column(self, index: int) -> list[str]:
        """Return the fields of one column, as text."""
        return [row[index] for row in self.rows]

    def integers(self, index: int) -> IntArray:
        """Return one column as whole numbers, shape (n_rows,).

        Raises
        ------
        RecordingError
            Where a field is not a whole number; names file, line and text.
        """
        return numerals.integers(self.column(index), self.display, self.line_numbers)

    def floats(self, index: int) -> FloatArray:
        """Return one column as float64, shape (n_rows,); "nan" is NaN.

        Raises
        ------
        RecordingError
            Where a field is not a number; names file, line and text.
        """
        has_decimal_comma = self.separator != ","
        return numerals.floats(
            self.column(index), self.display, self.line_numbers, has_decimal_comma
        )


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()


def read_bytes(path: Path, *, display: str) -> bytes:
    """Return the content of a file.

    Raises
    ------
    RecordingError
        Where it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RecordingError(
            f"{display}: cannot be read ({reason}); check the file and its permissions."
        ) from error


def read_text(path: Path, *, display: str) -> TextFile:
    """Return the text of a file in whatever encoding it is.

    UTF-8 with and without byte order mark, UTF-16 with and without (PowerShell), else code page
    1252. NUL bytes at the end (a power failure leaves them) are dropped.

    Raises
    ------
    RecordingError
        Where the file cannot be read.
    """
    return decode(read_bytes(path, display=display))


def decode(data: bytes) -> TextFile:
    """Return the text that `data` holds; see `read_text`. Never fails."""
    text, encoding, remarks = encodings.decode(data)
    newline = "\r\n" if "\r\n" in text else "\r" if "\r" in text else "\n"
    if newline != "\n":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return TextFile(text=text, encoding=encoding, remarks=remarks, newline=newline)


def read_rows(
    path: Path,
    *,
    display: str,
    has_header: bool | None = None,
    separators: Sequence[str] = (",",),
    newlines: Sequence[str] = ("\n",),
    drop_short_rows: bool = False,
) -> Table:
    """Return the fields of a delimited text file.

    The separator is found out: tab, semicolon or comma. Fields may be quoted. A last row that was
    not written to its end is dropped with a remark.

    Parameters
    ----------
    path, display
        The file, and what to call it in messages.
    has_header
        None: the first row is a header unless its first field is a number.
    separators, newlines
        What the acquisition software writes; anything else is remarked as re-saved.
    drop_short_rows
        Whether rows with too few fields are dropped with a remark wherever they stand.

    Raises
    ------
    RecordingError
        Where the file cannot be read, a second header stands inside it, or a row has another
        number of fields than the rest.
    """
    file = read_text(path, display=display)
    return parse_rows(
        file,
        display=display,
        has_header=has_header,
        separators=separators,
        newlines=newlines,
        drop_short_rows=drop_short_rows,
    )


def parse_rows(
    file: TextFile,
    *,
    display: str,
    has_header: bool | None = None,
    separators: Sequence[str] = (",",),
    newlines: Sequence[str] = ("\n",),
    drop_short_rows: bool = False,
) -> Table:
    """Return the fields of a text that has been read already; see `read_rows`."""
    remarks = list(file.remarks)
    lines = file.text.split("\n")
    is_complete = lines[-1].strip() == ""
    line_numbers = [number for number, line in enumerate(lines, 1) if line and not line.isspace()]
    lines = [lines[number - 1] for number in line_numbers]
    separator = _sniff_separator(lines)
    if lines and lines[0].strip(" \"'").casefold().startswith("sep="):
        del lines[0], line_numbers[0]
    rows = _split(lines, line_numbers, separator, display, is_complete, remarks)
    del line_numbers[len(rows) :]
    header: tuple[str, ...] | None = None
    if rows and (has_header or (has_header is None and not numerals.is_number(rows[0][0]))):
        header = tuple(rows.pop(0))
        _refuse_second_header(header, rows, line_numbers[1:], display)
        del line_numbers[0]
    is_complete = _level(rows, line_numbers, display, is_complete, drop_short_rows, remarks)
    if not is_complete:
        remarks.append("the last row has no line end, so its last value may be cut")
    header = _drop_empty_columns(rows, header)
    changes = _changes(file, separator if rows or header else ",", separators, newlines)
    if changes:
        remarks.insert(0, RESAVED + ", ".join(changes))
    return Table(display, header, rows, line_numbers, separator, tuple(remarks), is_complete)


def _changes(
    file: TextFile, separator: str, separators: Sequence[str], newlines: Sequence[str]
) -> list[str]:
    changes = []
    if file.encoding == "utf-8-sig":
        changes.append("byte order mark")
    if file.newline not in newlines and "\n" in file.text:
        changes.append(f"{NEWLINE_WORDS[file.newline]} line ends")
    if separator not in separators:
        changes.append(f"{SEPARATOR_WORDS[separator]} as separator")
    if separator != "," and _COMMA_IN_NUMBER.search(file.text):
        changes.append("commas inside numbers")
    if _QUOTED_NUMBER.search(file.text):
        changes.append("quoted numbers")
    return changes


def _sniff_separator(lines: Sequence[str]) -> str:
    first = lines[0].strip(" \"'").casefold() if lines else ""
    if first.startswith("sep=") and first[4:] in (";", ",", "\t"):
        return first[4:]
    head = lines[:LINES_TO_SNIFF]
    for separator in SEPARATORS:
        if 2 * sum(separator in line for line in head) > len(head):
            return separator
    return ","


def _split(
    lines: Sequence[str],
    line_numbers: Sequence[int],
    separator: str,
    display: str,
    is_complete: bool,
    remarks: list[str],
) -> list[list[str]]:
    """Split lines into fields. A line at a time, so that a stray quote cannot swallow the rest."""
    if not any('"' in line for line in lines):
        return [[field.strip() for field in line.split(separator)] for line in lines]
    rows = []
    for place, line in enumerate(lines):
        try:
            fields = next(csv.reader([line], delimiter=separator, strict=True))
        except csv.Error as error:
            if place == len(lines) - 1 and not is_complete:
                remarks.append(f"line {line_numbers[place]} is half written and was dropped")
                break
            raise RecordingError(
                f"{display}, line {line_numbers[place]}: quotes do not pair ({error}); found "
                f"{numerals.shown(line)}; restore the original file or mend the line in a copy."
            ) from error
        rows.append([field.strip() for field in fields])
    return rows


def _refuse_second_header(
    header: tuple[str, ...], rows: list[list[str]], line_numbers: list[int], display: str
) -> None:
    first = header[0].casefold()
    for row, number in zip(rows, line_numbers, strict=True):
        if row[0].casefold() == first and first:
            raise RecordingError(
                f"{display}, line {number}: a second header stands inside the file, so two "
                "recordings were written into one; split the file and its videos by hand."
            )


def _level(
    rows: list[list[str]],
    line_numbers: list[int],
    display: str,
    is_complete: bool,
    drop_short_rows: bool,
    remarks: list[str],
) -> bool:
    """Make all rows equally long, in place; return whether the last one is known to be whole."""
    lengths = [len(row) for row in rows]
    if not lengths:
        return True
    n_columns = Counter(lengths).most_common(1)[0][0] if len(lengths) > 2 else lengths[0]
    if _is_half_written(rows, n_columns, is_complete):
        remarks.append(f"line {line_numbers[-1]} is half written and was dropped")
        del rows[-1], line_numbers[-1], lengths[-1]
        is_complete = True
    odd = [place for place, length in enumerate(lengths) if length != n_columns]
    if odd and drop_short_rows and all(lengths[place] < n_columns for place in odd):
        remarks.append(
            f"{len(odd)} rows with too few fields were dropped, the first is line "
            f"{line_numbers[odd[0]]}"
        )
        for place in reversed(odd):
            del rows[place], line_numbers[place]
    elif odd:
        raise RecordingError(
            f"{display}, line {line_numbers[odd[0]]}: expected {n_columns} fields as in the other "
            f"rows, found {lengths[odd[0]]}; restore the original file or mend the line in a copy."
        )
    return is_complete


def _is_half_written(rows: list[list[str]], n_columns: int, is_complete: bool) -> bool:
    last = rows[-1]
    if len(last) < n_columns:
        return True
    if is_complete or len(rows) < 2 or len(last) != len(rows[-2]):
        return False
    pairs = zip(last, rows[-2], strict=True)
    return any(
        numerals.is_number(above) and not numerals.is_number(field) for field, above in pairs
    )


def _drop_empty_columns(
    rows: list[list[str]], header: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """Drop columns at the end that are empty in every row (a spreadsheet or a last comma)."""
    while rows and len(rows[0]) > 1 and all(not row[-1] for row in rows):
        n_columns = len(rows[0]) - 1
        if header is not None and len(header) > n_columns and header[n_columns]:
            break
        for row in rows:
            row.pop()
        header = header[:n_columns] if header is not None else None
    return header
