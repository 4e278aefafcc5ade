"""Damage a finished recording as crashes, full disks and clocks do.

The truth beside it stays that of the whole recording.
"""

from __future__ import annotations

import struct
from pathlib import Path

from miniscope_nwb.errors import OutputError
from miniscope_nwb.simulate.onix_folder import CLOCK_HZ, CLOCK_NAME, SENSOR_ROWS, VIDEO_NAME
from miniscope_nwb.simulate.options import SimulateOptions
from miniscope_nwb.simulate.stamp_files import ClockFile, StampFile, TextStamps
from miniscope_nwb.simulate.v3_folder import SCOPE_CAMNUM

KEPT = 0.6  # of a truncated video
N_ROWS = 5  # time stamps that are removed or added
_GARBAGE_S = 935_703.178  # a first stamp that was seen in a real recording
_BACK_FRAMES = 5.0  # how far a stamp steps back, in intervals
_OF_MIDDLE = ("truncated-middle", "empty-middle", "missing-middle")
_OF_STAMPS = (
    "short-stamps", "long-stamps", "backward-stamp", "duplicate-stamp", "half-row", "first-stamp",
)  # fmt: skip
_HEADER_BYTES = 65536  # more than the headers of any AVI of ours


def check_possible(options: SimulateOptions, *, format: str) -> None:
    """Raise OutputError where the recording has nothing that could be damaged so."""
    n_files = 1 if format == "onix" else -(-options.frames // options.frames_per_file)
    if options.corrupt in _OF_MIDDLE and n_files < 3:
        raise OutputError(
            f"{options.corrupt} needs at least 3 video files, not {n_files}"
            + ("; an ONIX recording has one." if format == "onix" else "; lower --frames-per-file.")
        )
    if options.corrupt == "first-stamp" and format == "onix":
        raise OutputError("first-stamp does not happen with ONIX, whose clock is the hardware's.")
    if options.corrupt in _OF_STAMPS and options.frames <= 2 * N_ROWS:
        raise OutputError(f"{options.corrupt} needs more than {2 * N_ROWS} frames.")


def damage(root: Path, options: SimulateOptions, *, format: str, device: str) -> None:
    """Damage the files of one miniscope.

    Parameters
    ----------
    root
        Session folder.
    options
        With `corrupt`, as `check_possible` passed them.
    device
        Name of the miniscope.
    """
    kind = str(options.corrupt)
    if kind in _OF_STAMPS:
        _damage_stamps(_stamp_file(root, format, device), kind, rate_hz=options.rate)
        if kind == "first-stamp" and format == "v4" and options.orientation:
            orientation = root / device.replace(" ", "_") / "headOrientation.csv"
            _damage_stamps(TextStamps(orientation, column=0), kind, rate_hz=options.rate)
        return
    n_files = 1 if format == "onix" else -(-options.frames // options.frames_per_file)
    number = n_files // 2 if kind in _OF_MIDDLE else n_files - 1
    path = _video(root, format, device, number)
    if kind.startswith("truncated"):
        with path.open("r+b") as file:
            file.truncate(int(path.stat().st_size * KEPT))
    elif kind.startswith("empty"):
        path.write_bytes(b"")
    elif kind.startswith("missing"):
        path.unlink()
    else:
        unfinalise(path)


def _video(root: Path, format: str, device: str, number: int) -> Path:
    if format == "onix":
        return root / VIDEO_NAME
    if format == "v3":
        return root / f"msCam{number + 1}.avi"
    return root / device.replace(" ", "_") / f"{number}.avi"


def _stamp_file(root: Path, format: str, device: str) -> StampFile:
    if format == "onix":
        return ClockFile(root / CLOCK_NAME, words=SENSOR_ROWS, hz=CLOCK_HZ)
    if format == "v3":
        own = (0, SCOPE_CAMNUM)
        return TextStamps(
            root / "timestamp.dat", column=2, separator="\t", end="\r\n", counters=(1,), own=own
        )
    path = root / device.replace(" ", "_") / "timeStamps.csv"
    return TextStamps(path, column=1, counters=(0, 3))


def _damage_stamps(file: StampFile, kind: str, *, rate_hz: float) -> None:
    middle = file.n_rows // 2
    if kind == "short-stamps":
        file.remove_last(N_ROWS)
    elif kind == "long-stamps":
        file.extend(N_ROWS, interval_s=1 / rate_hz)
    elif kind == "backward-stamp":
        file.set(middle, file.get(middle) - _BACK_FRAMES / rate_hz)
    elif kind == "duplicate-stamp":
        file.set(middle, file.get(middle - 1))
    elif kind == "first-stamp":
        file.set(0, _GARBAGE_S)
    file.save()
    if kind == "half-row":
        file.cut_last()


def unfinalise(path: Path) -> None:
    """Make a video look as if its writer had been killed: no counts, no sizes, no index."""
    with path.open("r+b") as file:
        head = bytearray(file.read(_HEADER_BYTES))
        movi = head.index(b"movi") - 8
        (movi_bytes,) = struct.unpack_from("<I", head, movi + 4)
        (riff_bytes,) = struct.unpack_from("<I", head, 4)
        places = [4, movi + 4, head.index(b"avih") + 8 + 16, head.index(b"strh") + 8 + 32]
        if b"dmlh" in head[:movi]:
            places.append(head.index(b"dmlh") + 8)
        for place in places:
            struct.pack_into("<I", head, place, 0)
        file.seek(0)
        file.write(head)
        if riff_bytes + 8 >= path.stat().st_size:  # else the index is followed by more frames
            file.truncate(movi + 8 + movi_bytes)
