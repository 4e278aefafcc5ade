"""ucla-miniscope-v4-clock_<n>.raw of ONIX: when each frame was taken, in ticks.

Little-endian 64-bit words and nothing else. Older and newer workflows differ in whether they write
one word a frame or one for each of the sensor's 608 rows; the number of frames tells which, or,
where that disagrees, the distance of the words, never the height of the video. Frames and ticks
are written by separate sinks, so that the last of either may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from miniscope_nwb.convert.readers.text import read_bytes
from miniscope_nwb.errors import RecordingError
from miniscope_nwb.recording import Device, Problem, Setting, Stamps

SENSOR_ROWS = 608
WORD_BYTES = 8
FEW_FRAMES = 4  # by which the two sinks may differ in an undamaged recording
TAIL_SLACK = 1
SHORTEST_FRAME_S = 4e-3  # the rows of a frame are closer than this, frames are not
READOUT = "MedianReadoutDuration_s"
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class OnixClock:
    """The stamps of the frames, and how long the sensor takes to read one out, if known."""

    stamps: Stamps
    settings: tuple[Setting, ...]
    problems: tuple[Problem, ...]


def read_clock(path: Path, *, relative_path: str, device: Device, clock_hz: float) -> OnixClock:
    """Read a clock file; a frame's stamp is the start of its readout.

    Parameters
    ----------
    path, relative_path
        The file, and its name relative to the session root.
    device
        Its videos tell the number of frames.
    clock_hz
        Ticks in a second.

    Raises
    ------
    RecordingError
        Where there are no words, or neither 1 nor 608 of them a frame; names both counts.
    """
    remarks: list[str] = []
    words = _read_words(path, relative_path, remarks)
    per_frame = _words_per_frame(words, device, clock_hz, relative_path)
    n_rows = len(words) // per_frame
    rest = len(words) - n_rows * per_frame
    if rest:
        remarks.append(
            f"the last {rest} words are less than the {SENSOR_ROWS} of a frame and were dropped"
        )
    readout = words[: n_rows * per_frame].reshape(n_rows, per_frame)
    ticks = readout[:, 0].astype(np.float64)  # exact below 2**53: 417 days at 250 MHz
    stamps = Stamps(
        source=relative_path,
        frame_index=np.arange(n_rows, dtype=np.int64),
        recorded=ticks,
        unit="ticks",
        time_s=ticks / clock_hz,
        tail_slack=TAIL_SLACK,
    )
    settings: tuple[Setting, ...] = ()
    if per_frame > 1 and n_rows:
        lengths = (readout[:, -1] - readout[:, 0]).astype(np.int64)
        value = float(np.median(lengths)) / clock_hz
        settings = (Setting(device.name, READOUT, value, relative_path),)
    problems = tuple(
        Problem(
            "warning", "mended_clock", f"{relative_path}: {remark}.", relative_path, device.name
        )
        for remark in remarks
    )
    return OnixClock(stamps, settings, problems)


def _read_words(path: Path, relative_path: str, remarks: list[str]) -> Words:
    data = read_bytes(path, display=relative_path)
    n_words, rest = divmod(len(data), WORD_BYTES)
    if rest:
        remarks.append(
            f"its {len(data)} bytes are no whole number of {WORD_BYTES}-byte words: the last "
            f"{rest} bytes are half written and were dropped"
        )
    words = np.frombuffer(data, dtype="<u8", count=n_words).astype(np.uint64)
    filled = np.flatnonzero(words)
    n_used = int(filled[-1]) + 1 if filled.size else 0
    if n_used < n_words:
        remarks.append(
            f"the last {n_words - n_used} words are zero, as after a power failure, and were "
            "dropped"
        )
    if not n_used:
        raise RecordingError(
            f"{relative_path}: holds no time stamp ({len(data)} bytes), so no frame has a time; "
            "restore the original file."
        )
    return words[:n_used]


def _words_per_frame(words: Words, device: Device, clock_hz: float, relative_path: str) -> int:
    """Say how many words a frame has: what fits the number of frames, else the words themselves.

    Where the two disagree by more than a few frames (a cut video, a lost end of the clock), counts
    may mislead; but the rows of a frame follow each other within a fraction of a millisecond, and
    frames never do.
    """
    n_words = len(words)
    n_frames = sum(part.n_frames for part in device.parts)
    is_cut = any(part.is_damaged for part in device.parts) or not n_frames
    if not is_cut:
        for per_frame in (1, SENSOR_ROWS):
            if abs(n_words // per_frame - n_frames) <= min(FEW_FRAMES, n_frames // 2):
                return per_frame
    per_frame = 1
    if n_words > 1 and np.median(np.diff(words.astype(np.float64))) < SHORTEST_FRAME_S * clock_hz:
        per_frame = SENSOR_ROWS
    is_whole = n_words % SENSOR_ROWS == 0
    if per_frame == 1:
        is_whole = n_words < 2 * n_frames or n_words - n_frames <= TAIL_SLACK
    if is_cut or is_whole:
        return per_frame
    raise RecordingError(
        f"{relative_path}: expected 1 or {SENSOR_ROWS} words for each of the {n_frames} frames "
        f"of {device.parts[0].relative_path}, found {n_words} words; put together the clock "
        "and the video of one recording."
    )
