"""Edit the time stamps of a finished recording."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np


class StampFile(Protocol):
    """The time stamps of one miniscope, in seconds."""

    @property
    def n_rows(self) -> int:
        """Number of stamps."""

    def get(self, row: int) -> float:
        """Return a stamp."""

    def set(self, row: int, time_s: float) -> None:
        """Replace a stamp."""

    def remove_last(self, n: int) -> None:
        """Remove the last rows."""

    def extend(self, n: int, *, interval_s: float) -> None:
        """Add rows as if frames had followed."""

    def save(self) -> None:
        """Write the file."""

    def cut_last(self) -> None:
        """Cut the saved file in the middle of its last row."""


class TextStamps:
    """A text file with a header and stamps in whole milliseconds.

    Parameters
    ----------
    column
        Where the stamp stands.
    counters
        Columns that grow by one a row, where there are so many.
    own
        Column and value of the rows that belong to the miniscope; None: all do.
    """

    def __init__(
        self,
        path: Path,
        *,
        column: int,
        separator: str = ",",
        end: str = "\n",
        counters: tuple[int, ...] = (),
        own: tuple[int, int] | None = None,
    ) -> None:
        self._path, self._column, self._separator = path, column, separator
        self._end, self._counters = end, counters
        lines = path.read_bytes().decode("utf-8").split(end)[:-1]
        self._header = lines[0]
        self._rows = [line.split(separator) for line in lines[1:]]
        self._own = [
            place
            for place, row in enumerate(self._rows)
            if own is None or int(row[own[0]]) == own[1]
        ]

    @property
    def n_rows(self) -> int:
        """Number of stamps of the miniscope."""
        return len(self._own)

    def get(self, row: int) -> float:
        """Return a stamp."""
        return int(self._rows[self._own[row]][self._column]) / 1000

    def set(self, row: int, time_s: float) -> None:
        """Replace a stamp."""
        self._rows[self._own[row]][self._column] = str(round(time_s * 1000))

    def remove_last(self, n: int) -> None:
        """Remove the last rows of the miniscope."""
        gone = set(self._own[-n:])
        self._rows = [row for place, row in enumerate(self._rows) if place not in gone]

    def extend(self, n: int, *, interval_s: float) -> None:
        """Add rows as if frames had followed."""
        last = self._rows[self._own[-1]]
        for ahead in range(1, n + 1):
            row = list(last)
            row[self._column] = str(int(last[self._column]) + round(ahead * interval_s * 1000))
            for counter in self._counters:
                if counter < len(row):
                    row[counter] = str(int(last[counter]) + ahead)
            self._rows.append(row)

    def save(self) -> None:
        """Write the file."""
        lines = [self._header, *(self._separator.join(row) for row in self._rows)]
        self._path.write_bytes("".join(line + self._end for line in lines).encode("utf-8"))

    def cut_last(self) -> None:
        """Cut the saved file in the middle of its last row."""
        last = len(self._separator.join(self._rows[-1]).encode("utf-8"))
        with self._path.open("r+b") as file:
            file.truncate(self._path.stat().st_size - len(self._end) - (last + 1) // 2)


class ClockFile:
    """A file of 64-bit clock ticks, several words a frame."""

    def __init__(self, path: Path, *, words: int, hz: int) -> None:
        self._path, self._words, self._hz = path, words, hz
        self._ticks = np.fromfile(path, "<u8").astype(np.int64).reshape(-1, words)

    @property
    def n_rows(self) -> int:
        """Number of frames."""
        return len(self._ticks)

    def get(self, row: int) -> float:
        """Return the stamp of a frame's first word."""
        return float(self._ticks[row, 0]) / self._hz

    def set(self, row: int, time_s: float) -> None:
        """Move all words of a frame."""
        self._ticks[row] += round(time_s * self._hz) - self._ticks[row, 0]

    def remove_last(self, n: int) -> None:
        """Remove the last frames."""
        self._ticks = self._ticks[:-n]

    def extend(self, n: int, *, interval_s: float) -> None:
        """Add frames as if some had followed."""
        steps = np.arange(1, n + 1)[:, None] * round(interval_s * self._hz)
        self._ticks = np.concatenate([self._ticks, self._ticks[-1] + steps])

    def save(self) -> None:
        """Write the file."""
        self._path.write_bytes(self._ticks.astype("<u8").tobytes())

    def cut_last(self) -> None:
        """Cut the saved file in the middle of its last frame, and of a word."""
        with self._path.open("r+b") as file:
            file.truncate(self._path.stat().st_size - self._words * 4 - 3)
