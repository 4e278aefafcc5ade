"""A raw and a processed part become one file again, as it was before it was split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import h5py

from miniscope_nwb.errors import NwbContentError, OutputError
from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.copying import clone, copy_bytes
from miniscope_nwb.nwb.parting import links, videos
from miniscope_nwb.nwb.parting.contents import pieces
from miniscope_nwb.nwb.parting.graft import copy_object, set_references
from miniscope_nwb.nwb.parting.recheck import check_joined
from miniscope_nwb.nwb.parting.roots import read_identifier
from miniscope_nwb.nwb.processed.names import GROUP, RUNS
from miniscope_nwb.nwb.processed.runs import read_runs
from miniscope_nwb.nwb.read import open_nwb
from miniscope_nwb.nwb.recording_file import input_hash
from miniscope_nwb.nwb.target import Target, check_space, hold
from miniscope_nwb.session import VideoLinks

Progress = Callable[[int, int], None]  # bytes of the raw part copied, and in all
_OVERHEAD_BYTES = 16_000_000  # HDF5's own records
_IDENTITY = {
    "general/subject/subject_id": "subject",
    "general/session_id": "session",
    "session_start_time": "start of the session",
}


@dataclass(frozen=True, slots=True)
class JoinResult:
    """What was put together."""

    path: Path
    n_bytes: int
    runs: tuple[str, ...]
    n_videos: int


def join_files(
    raw_path: Path,
    processed_path: Path,
    output: Path,
    *,
    overwrite: bool = False,
    link_videos: VideoLinks = "copy",
    progress: Progress | None = None,
) -> JoinResult:
    """Join the two parts of a recording; both are only read.

    The result equals the file that was split but for its identifier and the folder of its videos.

    Parameters
    ----------
    raw_path, processed_path
        What `split_file` wrote; the processed part may have been curated since.
    output
        The NWB file to be made.
    overwrite
        Whether a file of that name is replaced.
    link_videos
        Behaviour videos beside the new file: copied (cloned where the file system can), or
        hard-linked.
    progress
        Called with the bytes of the raw part copied, and in all.

    Raises
    ------
    NwbContentError
        If the files do not belong together.
    OutputError
        If the file is in the way or cannot be written; nothing half is left.
    """
    raw_path, processed_path, output = Path(raw_path), Path(processed_path), Path(output)
    if output.suffix.lower() != ".nwb":
        raise OutputError(f"{output} does not end in .nwb: name the NWB file so with -o.")
    for path in (raw_path, processed_path):
        with open_nwb(path):
            pass  # one sentence where it is missing or damaged
        if path.resolve() == output.resolve():
            raise OutputError(f"{output} is one of the two parts: name another file with -o.")
    with (
        h5py.File(raw_path, "r") as raw,
        h5py.File(processed_path, "r", rdcc_nbytes=0) as processed,
    ):
        cuts = links.read_cuts(processed)
        _check_pair(raw, processed)
        moves = videos.plan_moves(raw, output)
        with hold(output, overwrite=overwrite, may_clean=True) as target:
            video_bytes = sum(video.source.stat().st_size for video in videos.all_of(moves))
            processed_bytes = processed_path.stat().st_size
            _copy_raw(raw_path, target, processed_bytes + video_bytes, progress)
            videos.place_moved(moves, target, link_videos)
            with CarefulFile(target.part, exists=True) as disk:
                with h5py.File(disk, "r+") as file:
                    _add_processing(file, raw, processed, cuts)
                    videos.rename_entries(file, moves)
                    disk.check()
                disk.check()
                disk.sync()
            check_joined(target.part, raw, processed, cuts)
            target.placed = videos.all_of(moves)
            target.publish(overwrite=overwrite)
        runs = tuple(row.run for row in read_runs(processed))
    return JoinResult(output, output.stat().st_size, runs, len(videos.all_of(moves)))


def _check_pair(raw: h5py.File, processed: h5py.File) -> None:
    """Refuse parts of two recordings: by what they say of themselves, then by checksum."""
    names = Path(raw.filename).name, Path(processed.filename).name
    if f"{GROUP}/{RUNS}" in raw:
        raise NwbContentError(
            f"{names[0]} holds runs of the processing, so it is no raw part: name the file with "
            "desc-raw in its name that `miniscope-nwb split` wrote."
        )
    for path, what in _IDENTITY.items():
        said = [_text(file, path) for file in (raw, processed)]
        if said[0] != said[1]:
            raise NwbContentError(
                f"{names[0]} and {names[1]} are not of one recording: the {what} is "
                f"{said[0] or 'not told'} in the one and {said[1] or 'not told'} in the other; "
                "name the two files that one split wrote."
            )
    expected = {(row.values["series"], row.values["input_hash"]) for row in read_runs(processed)}
    for series, checksum in sorted(expected):
        if f"acquisition/{series}" not in raw:
            raise NwbContentError(
                f"{names[0]} holds no movie {series}, which {names[1]} was made of: name the raw "
                "part of the same recording."
            )
        if input_hash(Path(raw.filename), series) != checksum:
            raise NwbContentError(
                f"{series} in {names[0]} is not the movie that {names[1]} was made of: its frames "
                "or time stamps have another checksum; name the raw part of the same recording."
            )


def _copy_raw(raw_path: Path, target: Target, more: int, progress: Progress | None) -> None:
    """Clone or copy the raw part as the beginning of the new file."""
    n_bytes = raw_path.stat().st_size
    folder = target.output.parent
    with raw_path.open("rb", buffering=0) as source, target.part.open("xb", buffering=0) as part:
        if clone(source, part):
            check_space(folder, more + _OVERHEAD_BYTES)
            return
        check_space(folder, n_bytes + more + _OVERHEAD_BYTES)
        report = (lambda done: progress(done, n_bytes)) if progress else (lambda done: None)
        copy_bytes(source, part, report=report)


def _add_processing(
    file: h5py.File, raw: h5py.File, processed: h5py.File, cuts: list[links.Cut]
) -> None:
    """Add what only the processed part holds, and tie it to the raw movie."""
    there = set(pieces(file))
    added = [path for path in pieces(processed) if path not in there]
    for path in added:
        file.require_group(path.rpartition("/")[0] or "/")
        copy_object(processed[path], file, path)
    for path in added:
        set_references(processed[path], file, moved=str)
    del file[links.TABLE]
    links.tie_links(file, cuts)
    both = f"{read_identifier(raw)} {read_identifier(processed)}"
    file["identifier"][()] = str(uuid5(NAMESPACE_OID, both))


def _text(file: h5py.File, path: str) -> str:
    node = file.get(path)
    return "" if node is None else str(node.asstr()[()])
