"""The CSV file of the Open Ephys Miniscope V4 GUI: a row a saved frame.

``FrameNumber,HardwareTime,Quaternion_X,Quaternion_Y,Quaternion_Z,Quaternion_W,DigitalIn0,DigitalIn1,
Timestamp``. HardwareTime is in ms and counts from when the hardware was switched on: the session's
zero is the first row, whose Timestamp (the computer's time) is the start. FrameNumber counts the
frames of the sensor; a gap is a lost frame. Columns are found by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from miniscope_nwb.convert.readers import numerals
from miniscope_nwb.convert.readers.head_orientation import orientation_samples
from miniscope_nwb.convert.readers.iso_time import parse_iso_time
from miniscope_nwb.convert.readers.text import Table, read_rows
from miniscope_nwb.convert.readers.v4_gui_files import TIME_COLUMN
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import (
    FloatArray,
    IntArray,
    Intervals,
    Problem,
    Samples,
    Setting,
    Stamps,
)

MS_PER_S = 1000.0
FRAME = "FrameNumber"
MOMENT = "Timestamp"
QUATERNION = ("Quaternion_X", "Quaternion_Y", "Quaternion_Z", "Quaternion_W")
NEWLINES = ("\n", "\r\n")
_DIGITAL = re.compile(r"DigitalIn[0-9]{1,3}", re.IGNORECASE | re.ASCII)
_HIGH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class GuiTable:
    """What the file says. ``start`` is the moment of the first row; None where it tells none."""

    stamps: Stamps
    start: datetime | None
    samples: tuple[Samples, ...]
    intervals: tuple[Intervals, ...]
    settings: tuple[Setting, ...]
    problems: tuple[Problem, ...]
    unread_columns: tuple[str, ...]


def read_table(path: Path, *, relative_path: str, device: str) -> GuiTable:
    """Read a CSV file of the GUI.

    Raises
    ------
    RecordingError
        Where there is no row or no HardwareTime, a number is none, or the frame number restarts.
    """
    table = read_rows(path, display=relative_path, has_header=True, newlines=NEWLINES)
    reader = _Reader(table, relative_path, device)
    if not table.n_rows:
        raise RecordingError(
            f"{relative_path}: has no time stamps, so the frames have no time; restore the file."
        )
    for remark in table.remarks:
        reader.warn("mended_text", f"{relative_path}: {remark}.")
    stamps = reader.stamps()
    start = reader.start()
    samples = reader.orientation(stamps.time_s)
    intervals = reader.digital_inputs(stamps.time_s)
    unread = reader.unread_columns()
    return GuiTable(
        stamps,
        start,
        samples,
        intervals,
        settings=tuple(reader.settings),
        problems=tuple(reader.problems),
        unread_columns=unread,
    )


class _Reader:
    """Takes one column after the other and collects what is to be said of them."""

    def __init__(self, table: Table, relative_path: str, device: str) -> None:
        self.table = table
        self.path = relative_path
        self.device = device
        self.settings: list[Setting] = []
        self.problems: list[Problem] = []
        self.used: set[int] = set()

    def warn(self, code: str, message: str) -> None:
        self.problems.append(Problem("warning", code, message, self.path, self.device))

    def find(self, name: str) -> int | None:
        place = self.table.find(name)
        if place is None or place >= self.table.n_columns:
            return None
        self.used.add(place)
        return place

    def stamps(self) -> Stamps:
        place = self.find(TIME_COLUMN)
        if place is None:
            raise RecordingError(
                f"{self.path}: expected a column {TIME_COLUMN}, found "
                f"{numerals.shown(', '.join(self.table.header or ()))}; restore the original file."
            )
        recorded = self.table.floats(place)
        if not np.isfinite(recorded).all():
            line = self.table.line_numbers[int(np.flatnonzero(~np.isfinite(recorded))[0])]
            raise RecordingError(
                f"{self.path}, line {line}: expected {TIME_COLUMN} in ms, found no finite number; "
                "restore the original file or mend the line in a copy."
            )
        frame_number = self._frame_number()
        return Stamps(
            source=self.path,
            frame_index=np.arange(self.table.n_rows, dtype=np.int64),
            recorded=recorded,
            unit="ms",
            time_s=(recorded - recorded[0]) / MS_PER_S,
            frame_number=frame_number,
            hardware_frame=frame_number,
        )

    def _frame_number(self) -> IntArray | None:
        place = self.find(FRAME)
        if place is None:
            self.warn(
                "no_frame_number",
                f"{self.path}: has no column {FRAME}; lost frames are told by the stamps only.",
            )
            return None
        number = self.table.integers(place)
        back = np.flatnonzero(np.diff(number) <= 0)
        if back.size:
            row = int(back[0]) + 1
            raise RecordingError(
                f"{self.path}, line {self.table.line_numbers[row]}: the frame number goes from "
                f"{number[row - 1]} to {number[row]}, so two recordings were written into one "
                "file; split the file and its video by hand."
            )
        return number

    def start(self) -> datetime | None:
        place = self.find(MOMENT)
        text = self.table.rows[0][place] if place is not None else ""
        moment = parse_iso_time(text)
        if moment is None:
            self.warn(
                "bad_start_time",
                f"{self.path}: expected date and time as {MOMENT} of the first row, found "
                f"{numerals.shown(text)}; give the start with --start-time.",
            )
        return moment

    def orientation(self, time_s: FloatArray) -> tuple[Samples, ...]:
        places = [self.find(name) for name in QUATERNION]
        found = [place for place in places if place is not None]
        if not found:
            return ()
        try:
            if len(found) < len(QUATERNION):
                raise RecordingError(
                    f"{self.path}: expected {', '.join(QUATERNION)}, found {len(found)} of them."
                )
            xyzw = np.stack([self.table.floats(place) for place in found], axis=1)
        except RecordingError as error:
            self.used -= set(found)
            self.warn("bad_orientation", f"Head orientation is not converted. {error}")
            return ()
        samples, problems = orientation_samples(xyzw, time_s, device=self.device, source=self.path)
        self.problems += problems
        return (samples,)

    def digital_inputs(self, time_s: FloatArray) -> tuple[Intervals, ...]:
        found = []
        for name in self.table.header or ():
            if _DIGITAL.fullmatch(name.strip()):
                found += self._digital_input(name.strip(), time_s)
        return tuple(found)

    def _digital_input(self, name: str, time_s: FloatArray) -> list[Intervals]:
        place = self.find(name)
        if place is None:
            return []
        levels = [_HIGH.get(text.casefold()) for text in self.table.column(place)]
        if None in levels:
            row = levels.index(None)
            self.used.discard(place)
            self.warn(
                "bad_digital_input",
                f"{self.path}, line {self.table.line_numbers[row]}: expected True or False as "
                f"{name}, found {numerals.shown(self.table.rows[row][place])}; {name} is not "
                "converted.",
            )
            return []
        is_high = np.array(levels, dtype=np.bool_)
        if not is_high.any():  # no span, but that it was recorded must not get lost
            self.settings.append(Setting(self.device, name, "low throughout", self.path))
            return []
        start_s, stop_s = _spans(is_high, time_s)
        intervals = Intervals(
            kind="DigitalIn" + name[len("DigitalIn") :],
            device=self.device,
            description=(
                f"Spans in which the digital input {name} was high: from the first frame at which "
                "it was to the first at which it was not, or to the last frame of the recording."
            ),
            start_s=start_s,
            stop_s=stop_s,
            columns={},
            source=self.path,
        )
        return [intervals]

    def unread_columns(self) -> tuple[str, ...]:
        header = self.table.header or ()
        names = [
            header[place] if place < len(header) else f"column {place + 1}"
            for place in range(self.table.n_columns)
            if place not in self.used
        ]
        if names:
            self.warn(
                "unread_columns",
                f"{self.path}: the columns {numerals.shown(', '.join(names))} are not converted.",
            )
        return tuple(names)


def _spans(is_high: npt.NDArray[np.bool_], time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    edges = np.diff(np.concatenate(([0], is_high.astype(np.int8), [0])))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return time_s[starts], time_s[np.minimum(stops, len(time_s) - 1)]
