"""Reads NWB files back into plain arrays and records, through h5py alone.

Quick to start, sparing with memory, and independent of the code that wrote the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from miniscope_nwb.errors import MiniscopeError, NwbContentError
from miniscope_nwb.recording import FloatArray, IntArray, Json
from miniscope_nwb.remote.file import RemoteFile

# How h5py begins what it says of a damaged file, in errors of several classes.
_HDF5_FAULTS = ("Unable to ", "Can't ")
_CUT = re.compile(r"truncated file: eof = (\d+),.* stored_eof = (\d+)")

MODULE = "processing/recording"
Source = Path | RemoteFile
Columns = dict[str, Any]  # column -> list of texts, or array with one row a table row


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file says of subject and session; ``""`` where it says nothing."""

    subject_id: str
    session_id: str
    identifier: str
    has_behaviour: bool  # a behaviour video or head orientation is in the file


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One raw file, as the file lists it; `row` is what `FrameOrigins.file` refers to."""

    row: int
    device: str
    path: str  # relative to the session root, with /
    n_bytes: int
    n_frames: int  # -1 where it is not a video
    sha256: str  # "" where it was not computed
    codec: str
    is_converted: bool


@dataclass(frozen=True, slots=True)
class RepairRow:
    """One stamp or frame that is not stored as recorded; see `recording.Repair`."""

    device: str
    frame: int
    recorded_s: float
    used_s: float
    rule: str


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """One raw recording of the file; several only after ``--join``."""

    format: str
    folder: str  # relative to the root of the source files
    offset_s: float  # start after the file's, already in the stored time stamps


@dataclass(frozen=True, slots=True)
class Series:
    """A movie or behaviour video with the origin of each of its frames.

    Arrays have shape (n_frames,). ``frame_index`` is the 0-based number of the saved frame in its
    recording, ``file`` a row of the source files.
    """

    name: str  # in `acquisition`
    suffix: str  # the device's name in NWB: "BehavCam_2"
    device: str  # as recorded, with spaces: "BehavCam 2"
    is_external: bool
    time_s: FloatArray
    frame_index: IntArray
    file: IntArray
    frame_in_file: IntArray
    external_files: tuple[str, ...]  # as stored, relative to the NWB file
    starting_frames: tuple[int, ...]

    @property
    def n_frames(self) -> int:
        """Number of stored frames."""
        return len(self.frame_index)


@contextmanager
def open_nwb(path: Source) -> Iterator[h5py.File]:
    """Open an NWB file for reading, here or on a server.

    Raises
    ------
    NwbContentError
        If there is no such file, or it is not a whole NWB file; one sentence.
    """
    file = _open_remote(path) if isinstance(path, RemoteFile) else _open_local(path)
    with file:
        if "nwb_version" not in file.attrs:
            raise NwbContentError(
                f"{path} is an HDF5 file but not an NWB file: it states no nwb_version; name the "
                ".nwb file that `miniscope-nwb convert` wrote."
            )
        try:
            yield file
        except (OSError, KeyError, RuntimeError) as problem:
            raise_remote(path, problem)
            if not _is_of_hdf5(problem):
                raise
            raise NwbContentError(
                f"{path} is damaged inside ({_reason(problem)}): copy it again or convert again."
            ) from problem


def _open_local(path: Path) -> h5py.File:
    if path.is_dir():
        raise NwbContentError(f"{path} is a folder; name the NWB file itself.")
    if not path.is_file():
        what = "is no file on a disk" if path.exists() else "does not exist"
        raise NwbContentError(f"{path} {what}; check the path.")
    if not h5py.is_hdf5(path):
        raise NwbContentError(
            f"{path} is not an NWB file: it does not begin as an HDF5 file does; name the .nwb "
            "file that `miniscope-nwb convert` wrote."
        )
    try:
        return h5py.File(path, "r")
    except BlockingIOError as problem:  # HDF5 found another's lock on it
        raise NwbContentError(
            f"{path} is open for writing in another program: close it there and run the command "
            "again."
        ) from problem
    except OSError as problem:
        raise NwbContentError(
            f"{path} cannot be opened ({_reason(problem)}): it is cut short, damaged or open for "
            "writing elsewhere; copy it again or convert again."
        ) from problem


def _open_remote(source: RemoteFile) -> h5py.File:
    try:
        return h5py.File(source, "r")
    except MiniscopeError as error:  # without the frames of h5py, see `RemoteFile.readinto`
        source.error = None
        raise error.with_traceback(None) from None
    except (OSError, RuntimeError) as problem:
        raise_remote(source, problem)
        raise NwbContentError(
            f"{source.name} is no whole NWB file ({_reason(problem)}): check the address."
        ) from None


def raise_remote(source: Source, problem: Exception) -> None:
    """Raise the error of the line that is behind one of HDF5, if there was one."""
    if isinstance(source, RemoteFile) and source.error is not None:
        error, source.error = source.error, None
        if error is not problem:
            raise error from None


def _is_of_hdf5(problem: Exception) -> bool:
    """Whether HDF5 found a fault in the file, not the system one outside of it."""
    text = str(problem.args[0]) if problem.args else ""
    return text.startswith(_HDF5_FAULTS) and getattr(problem, "errno", None) is None


def _reason(problem: Exception) -> str:
    """Return the part of HDF5's message that says something: what stands in brackets."""
    text = str(problem).strip("'\"")
    if cut := _CUT.search(text):
        return f"truncated file: {cut[1]} of its {cut[2]} bytes are there"
    return text[text.find("(") + 1 :].rstrip(")") if "(" in text else text


def read_identity(path: Path) -> Identity:
    """Read subject, session and whether behaviour is in the file.

    Raises
    ------
    NwbContentError
        If it is not a whole NWB file.
    """
    with open_nwb(path) as file:
        names = [name for group in ("acquisition",) if group in file for name in file[group]]
        return Identity(
            subject_id=_text(file, "general/subject/subject_id"),
            session_id=_text(file, "general/session_id"),
            identifier=_text(file, "identifier"),
            has_behaviour=any(
                name.startswith(("BehaviorVideo", "HeadOrientation")) for name in names
            ),
        )


def read_table(file: h5py.File, name: str, *, group: str = MODULE) -> Columns | None:
    """Read a table of plain columns; None where the file has no such table."""
    table = file.get(f"{group}/{name}")
    if not isinstance(table, h5py.Group):
        return None
    columns: Columns = {}
    for column in table.attrs["colnames"]:
        data = table[column]
        if h5py.check_string_dtype(data.dtype) is not None:
            columns[str(column)] = data.asstr()[:].tolist()
        else:
            columns[str(column)] = data[:]
    return columns


def read_sources(file: h5py.File) -> tuple[SourceRow, ...]:
    """Read the list of raw files.

    Raises
    ------
    NwbContentError
        If there is none: the file was not made by `convert`.
    """
    table = read_table(file, "SourceFiles")
    if table is None:
        raise NwbContentError(
            f"{file.filename} holds no table SourceFiles, so it was not made by `miniscope-nwb "
            "convert` and does not tell what it was made of; name a file that was."
        )
    keys = ("device", "path", "bytes", "frames", "sha256", "codec", "converted")
    return tuple(
        SourceRow(
            row, str(device), str(path), int(size), int(frames), str(sha), str(codec), bool(c)
        )
        for row, (device, path, size, frames, sha, codec, c) in enumerate(
            zip(*(table[key] for key in keys), strict=True)
        )
    )


def read_repairs(file: h5py.File) -> tuple[RepairRow, ...]:
    """Read the list of repairs; empty where nothing was repaired."""
    table = read_table(file, "Repairs")
    if table is None:
        return ()
    n_rows = len(table["device"])
    nothing = np.full(n_rows, np.nan)  # a column that holds nothing but NaN is not stored
    recorded, used = table.get("recorded_s", nothing), table.get("used_s", nothing)
    return tuple(
        RepairRow(
            device=str(table["device"][row]),
            frame=int(table["frame"][row]),
            recorded_s=float(recorded[row]),
            used_s=float(used[row]),
            rule=str(table["rule"][row]),
        )
        for row in range(n_rows)
    )


def read_recordings(file: h5py.File) -> tuple[RecordingRow, ...]:
    """Read which raw recordings the file was made of."""
    options = read_options(file)
    found: list[RecordingRow] = []
    while f"segments.{len(found)}.folder" in options:
        prefix = f"segments.{len(found)}"
        offset = options.get(f"{prefix}.offset_s")
        found.append(
            RecordingRow(
                format=str(options.get(f"{prefix}.format", "")),
                folder=str(options[f"{prefix}.folder"]),
                offset_s=float(offset) if isinstance(offset, int | float) else 0.0,
            )
        )
    return tuple(found)


def read_options(file: h5py.File) -> dict[str, Json]:
    """Read the choices with which the file was converted."""
    table = read_table(file, "ConversionOptions")
    if table is None:
        return {}
    pairs = zip(table["option"], table["value_json"], strict=True)
    return {str(option): json.loads(value) for option, value in pairs}


def read_series(file: h5py.File, sources: tuple[SourceRow, ...]) -> tuple[Series, ...]:
    """Read all movies and behaviour videos, without their pixels.

    Raises
    ------
    NwbContentError
        If the origin of a movie's frames is not told.
    """
    acquisition = file["acquisition"]
    found = []
    for table_name in sorted(file.get(MODULE, {})):
        if not table_name.startswith("FrameInfo"):
            continue
        suffix = table_name.removeprefix("FrameInfo")
        names = (f"BehaviorVideo{suffix}", f"OnePhotonSeries{suffix}", "OnePhotonSeries")
        name = next((name for name in names if name in acquisition), None)
        info = read_table(file, table_name)
        if name is None or info is None:
            raise NwbContentError(
                f"{file.filename} holds the table {table_name} but not the movie that it is "
                "about; convert the recording again."
            )
        found.append(_one_series(acquisition[name], suffix, info, sources))
    return tuple(found)


def _one_series(
    group: h5py.Group, suffix: str, info: Columns, sources: tuple[SourceRow, ...]
) -> Series:
    n_rows = len(info["file"])
    external = group.get("external_file")
    names = tuple(external.asstr()[:].tolist()) if external is not None else ()
    starts = external.attrs.get("starting_frame", ()) if external is not None else ()
    return Series(
        name=group.name.rpartition("/")[2],
        suffix=suffix,
        device=sources[int(info["file"][0])].device if n_rows else "",
        is_external=external is not None,
        time_s=group["timestamps"][:].astype(np.float64),
        frame_index=info["frame_index"].astype(np.int64),
        file=info["file"].astype(np.int64),
        frame_in_file=info["frame_in_file"].astype(np.int64),
        external_files=names,
        starting_frames=tuple(int(start) for start in starts),
    )


def _text(group: Any, name: str) -> str:
    """Read a scalar text, or ``""`` where there is none."""
    node = group.get(name)
    if not isinstance(node, h5py.Dataset) or node.shape != ():
        return ""
    value = node[()]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
