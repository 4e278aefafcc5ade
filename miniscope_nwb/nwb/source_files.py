"""`SourceFiles`: every file of the raw folder, with its checksum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hdmf.common import DynamicTable

from miniscope_nwb.nwb.object_names import RECORDING_MODULE
from miniscope_nwb.nwb.tables import Column, make_table
from miniscope_nwb.recording import SourceFile
from miniscope_nwb.session import ConversionPlan

SOURCE_FILES = "SourceFiles"
_NO_VIDEO = -1


def list_source_files(plan: ConversionPlan) -> tuple[SourceFile, ...]:
    """List every raw file of all segments once, and the videos whether listed or not.

    A file that one segment converted counts as converted.
    """
    files: dict[str, SourceFile] = {}
    for segment in plan.segments:
        for file in segment.recording.source_files:
            known = files.get(file.relative_path)
            if known is None or (file.converted and not known.converted):
                files[file.relative_path] = file
        for device in segment.recording.devices:
            for part in device.parts:
                video = SourceFile(
                    part.path, part.relative_path, part.n_bytes, device.name, part.n_frames,
                    part.fourcc,
                )  # fmt: skip
                files.setdefault(part.relative_path, video)
    return tuple(files.values())


def files_to_hash(plan: ConversionPlan, files: Sequence[SourceFile]) -> tuple[SourceFile, ...]:
    """Leave out videos that a stub does not touch: a quick look should not read them all."""
    if plan.options.stub is None:
        return tuple(files)
    touched = set()
    for segment in plan.segments:
        for device in segment.recording.devices:
            timeline = segment.timelines.get(device.name)
            if timeline is not None:
                touched |= {device.parts[i].relative_path for i in np.unique(timeline.part)}
    return tuple(f for f in files if f.n_frames is None or f.relative_path in touched)


def make_source_files(files: Sequence[SourceFile]) -> DynamicTable:
    """Make the table; its checksums are filled in when they are known."""
    return make_table(
        SOURCE_FILES,
        "The files of the raw recording.",
        (
            Column(
                "device",
                "Scope or camera that the file belongs to; empty: the session.",
                [file.device for file in files],
            ),
            Column(
                "path",
                "Path relative to the folder of the recording, with /.",
                [file.relative_path for file in files],
            ),
            Column("bytes", "Size in bytes.", np.array([file.n_bytes for file in files], np.int64)),
            Column(
                "frames",
                "Frames that can be decoded from a video; -1 for other files.",
                np.array(
                    [_NO_VIDEO if f.n_frames is None else f.n_frames for f in files], np.int64
                ),
            ),
            Column(
                "sha256",
                "SHA-256 of the file, hexadecimal; empty where the file was not read.",
                ["" for _ in files],
            ),
            Column("codec", "FourCC of a video; empty for other files.", [f.codec for f in files]),
            Column(
                "converted",
                "Whether the content of the file stands in this NWB file.",
                np.array([file.converted for file in files], bool),
            ),
            Column("note", "Why a file was not converted, if it was not.", [f.note for f in files]),
        ),
    )


def store_checksums(file: Any, digests: Sequence[str]) -> None:
    """Fill the column of checksums in an open HDF5 file."""
    if digests:
        file[f"processing/{RECORDING_MODULE}/{SOURCE_FILES}/sha256"][:] = list(digests)
