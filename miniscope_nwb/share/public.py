"""What everybody will be able to read once the dandiset is open: said, not judged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from miniscope_nwb.nwb.read import open_nwb, read_table
from miniscope_nwb.share.finding import Finding

_MAX_SHOWN = 80  # characters of a text
_MAX_ROWS = 12  # of a table that are named
# A path from the root of a disk or a server: folders are named after people and projects.
_WORD = r"[^\s\"'<>|,;]*"
_PATH = re.compile(
    r"(?<![\w:/.\\])(?:[A-Za-z]:[\\/]|\\\\|/(?=[^/\s]+/))" + _WORD + rf"(?: {_WORD}[\\/]{_WORD})*"
)
# Texts of the file that tell of people and places, and how to call them.
_TEXTS = {
    "general/experimenter": "experimenter",
    "general/lab": "laboratory",
    "general/institution": "institution",
    "general/subject/date_of_birth": "birth date",
    "general/notes": "notes",
    "general/source_script": "command that wrote the file",
}


def public_findings(path: Path) -> tuple[Finding, ...]:
    """List what a file tells of people, places and computers."""
    with open_nwb(path) as file:
        found = [
            Finding("public", "what becomes public", place, f"{name}: {_short(texts)}")
            for place, name in _TEXTS.items()
            if (texts := _texts(file.get(place)))
        ]
        found += _notes(file)
        found += _columns(file, "SourceFiles", "path", "name of raw files", "processing/recording")
        found += _paths(file)
        found += _columns(file, "ProcessingRuns", "host", "computer", "processing/ophys")
    return tuple(found)


def _texts(node: Any) -> list[str]:
    if node is None or not hasattr(node, "shape"):
        return []
    values = [node[()]] if node.shape == () else list(node[:])
    texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]
    return [text for text in texts if text]


def _count(number: int, noun: str, rest: str = "") -> str:
    """Write a number of things, with an s where it is not one."""
    return f"{number} {noun}{'s' if number != 1 else ''} {rest}".rstrip()


def _short(texts: list[str]) -> str:
    joined = " ".join(", ".join(texts).split())
    return joined if len(joined) <= _MAX_SHOWN else joined[: _MAX_SHOWN - 3] + "..."


def _notes(file: Any) -> list[Finding]:
    found = []
    for name in file.get("acquisition", {}):
        if name.startswith("Notes") and "data" in file["acquisition"][name]:
            texts = _texts(file["acquisition"][name]["data"])
            message = f"{_count(len(texts), 'note')} of the recording: {_short(texts)}"
            found.append(Finding("public", "what becomes public", f"acquisition/{name}", message))
    return found


def _columns(file: Any, table: str, column: str, what: str, group: str) -> list[Finding]:
    rows = read_table(file, table, group=group) if f"{group}/{table}" in file else None
    if not rows or column not in rows:
        return []
    values = sorted({str(value) for value in rows[column] if str(value)})
    if not values:
        return []
    message = f"{_count(len(values), *what.split(' ', 1))}: {_short(values)}"
    return [Finding("public", "what becomes public", f"{group}/{table}", message)]


def _paths(file: Any) -> list[Finding]:
    """Find paths of computers in the tables of the modules: settings, parameters, reasons."""
    import h5py

    found: dict[str, set[str]] = {}
    cells: dict[str, list[str]] = {}

    def look(_: str, node: Any) -> None:
        if len(getattr(node, "shape", ())) != 1 or h5py.check_string_dtype(node.dtype) is None:
            return
        rows = {}
        for row, text in enumerate(node.asstr(errors="replace")[:]):
            paths = {match[0] for match in _PATH.finditer(text)}
            if paths := {path for path in paths if path not in file}:  # else a place in the file
                rows[row] = paths
        if rows:
            table, _, column = node.name.lstrip("/").rpartition("/")
            said = {path.replace("\\\\", "\\") for paths in rows.values() for path in paths}
            found.setdefault(table, set()).update(said)  # JSON doubles what divides folders
            cells.setdefault(table, []).append(_cells(column, list(rows)))

    if "processing" in file:
        file["processing"].visititems(look)
    return [
        Finding(
            "public",
            "what becomes public",
            place,
            f"{_count(len(paths), 'path')} of computers: {_short(sorted(paths))}",
            f"To take them out, write with h5py {', '.join(cells[place])}; docs/sharing.md shows "
            "how.",
        )
        for place, paths in found.items()
    ]


def _cells(column: str, rows: list[int]) -> str:
    """Say what to write into cells of a column so that it stays readable: JSON stays JSON."""
    empty = "'\"\"'" if column.endswith("_json") else "''"
    word = "row" if len(rows) == 1 else "rows"
    named = ", ".join(map(str, rows[:_MAX_ROWS]))
    more = f" and {len(rows) - _MAX_ROWS} more" if len(rows) > _MAX_ROWS else ""
    return f"{empty} into {word} {named}{more} of {column}"
