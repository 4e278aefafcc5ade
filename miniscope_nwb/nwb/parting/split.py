"""One processed recording becomes two files: what was recorded, and what was made of it.

The raw part is everything that was converted: it does not change when cells are found anew or
curated, so an archive that has it needs megabytes, not gigabytes, for the next version. It is made
the same, byte by byte, every time; where it is there already it is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py

from miniscope_nwb.errors import NwbContentError, OutputError
from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.parting import links, videos
from miniscope_nwb.nwb.parting.contents import Contents, sort_contents
from miniscope_nwb.nwb.parting.graft import copy_empty, copy_object, walk
from miniscope_nwb.nwb.parting.recheck import check_processed, check_raw, raw_difference
from miniscope_nwb.nwb.parting.roots import (
    copy_roots,
    finish_references,
    reporter,
    set_identifier,
)
from miniscope_nwb.nwb.parting.same import first_difference
from miniscope_nwb.nwb.processed.names import GROUP, MOTION_CORRECTION
from miniscope_nwb.nwb.read import open_nwb
from miniscope_nwb.nwb.target import Target, check_space, hold
from miniscope_nwb.session import VideoLinks

Progress = Callable[[int, int], None]  # bytes of the movies copied, and in all
State = Literal["written", "replaced", "unchanged"]
_OVERHEAD_BYTES = 16_000_000  # HDF5's own records


@dataclass(frozen=True, slots=True)
class Part:
    """One of the two files."""

    path: Path
    state: State
    n_bytes: int


@dataclass(frozen=True, slots=True)
class SplitResult:
    """Both files, and how many behaviour videos the raw one names."""

    raw: Part
    processed: Part
    n_videos: int


def split_file(
    path: Path,
    raw_output: Path,
    processed_output: Path,
    *,
    overwrite: bool = False,
    link_videos: VideoLinks = "copy",
    progress: Progress | None = None,
) -> SplitResult:
    """Split a processed recording; the file itself is only read.

    Parameters
    ----------
    path
        The NWB file, with at least one run.
    raw_output, processed_output
        The two files. One that is there and holds the same already is left alone.
    overwrite
        Whether one that holds something else is replaced.
    link_videos
        Behaviour videos beside the raw file: copied (cloned where the file system can), or
        hard-linked.
    progress
        Called with the bytes of large data that are copied, and in all.

    Raises
    ------
    NwbContentError
        If the file holds no run, or something that ties both parts together.
    OutputError
        If a file is in the way, or cannot be written; nothing half is left.
    """
    path = Path(path)
    with open_nwb(path):
        pass  # one sentence where it is missing or damaged
    # HDF5 packs a chunk anew that lies in its cache: without one, bytes stay as they are.
    with h5py.File(path, "r", rdcc_nbytes=0) as source:
        if links.TABLE in source:
            raise NwbContentError(
                f"{path.name} is the processed part of a recording that was split already; join it "
                "with its raw part first."
            )
        contents = sort_contents(source)
        for output in (raw_output, processed_output):
            if output.resolve() == path.resolve():
                raise OutputError(f"{output} is the file that is to be split: name another folder.")
        moves = videos.plan_moves(source, raw_output)
        with hold(processed_output, overwrite=True, may_clean=False) as target:
            _write_processed(source, contents, target)
            check_processed(target.part, source)
            state = _compare(target)
            if state == "replaced" and not overwrite:
                raise _in_the_way(processed_output, path)
            raw = _make_raw(
                source, contents, raw_output, moves,
                overwrite=overwrite, link_videos=link_videos, progress=progress,
            )  # fmt: skip
            if state != "unchanged":
                target.publish(overwrite=overwrite)
    processed = Part(processed_output, state, processed_output.stat().st_size)
    return SplitResult(raw, processed, len(videos.all_of(moves)))


def _compare(target: Target) -> State:
    """Say what publishing a file would do to the one that is there."""
    if not target.output.exists():
        return "written"
    try:
        with h5py.File(target.part, "r") as new, open_nwb(target.output) as old:
            found = first_difference(new, old, skip=lambda path: path == "identifier")
            return "replaced" if found else "unchanged"
    except NwbContentError:  # not a file of ours
        return "replaced"


def _in_the_way(output: Path, path: Path) -> OutputError:
    """Say what is lost with a file that is replaced: a processed part may be curated by itself."""
    replace = "give --overwrite to replace it, or name another folder with -o"
    if not _is_processed_part(output):
        return OutputError(f"{output} exists and is no part of {path.name}: {replace}.")
    return OutputError(
        f"{output} exists and holds something else than {path.name} gives. If it was curated since,"
        " make one file of it and its raw part with `miniscope-nwb join`, to keep that; if not, "
        f"{replace}."
    )


def _is_processed_part(path: Path) -> bool:
    try:
        with open_nwb(path) as file:
            return links.TABLE in file
    except NwbContentError:
        return False


def _write_processed(source: h5py.File, contents: Contents, target: Target) -> None:
    """Write the processed part: no movie, no link to one."""
    n_bytes = sum(
        node.id.get_storage_size()
        for path in contents.processed
        for _, node in walk(source[path])
        if isinstance(node, h5py.Dataset)
    )
    check_space(target.output.parent, 2 * n_bytes + _OVERHEAD_BYTES)
    with CarefulFile(target.part) as disk:
        with h5py.File(disk, "w") as part:
            copy_roots(source, part, contents.processed)
            for path in contents.processed:
                if path != GROUP:
                    copy_object(source[path], part, path)
            _copy_module(source, part)
            set_identifier(part, source, "processed")
            links.cut_links(source, part, contents.processed)
            finish_references(source, part, contents.processed, moved=links.place_in_part)
            disk.check()
        disk.check()
        disk.sync()


def _copy_module(source: h5py.File, part: h5py.File) -> None:
    """Copy the module of the runs, its corrected stacks taken apart."""
    module = copy_empty(source[GROUP], part[GROUP.rpartition("/")[0]], GROUP.rpartition("/")[2])
    for name in source[GROUP]:
        if name != MOTION_CORRECTION:
            copy_object(source[f"{GROUP}/{name}"], module, name)
    links.take_stacks_apart(source, part)


def _make_raw(
    source: h5py.File,
    contents: Contents,
    output: Path,
    moves: videos.Videos,
    *,
    overwrite: bool,
    link_videos: VideoLinks,
    progress: Progress | None,
) -> Part:
    """Write the raw part and its videos, unless they are there already."""
    if output.exists() and _is_same_raw(source, contents, output, moves):
        return Part(output, "unchanged", output.stat().st_size)
    state: State = "replaced" if output.exists() else "written"
    if state == "replaced" and not overwrite:
        raise _in_the_way(output, Path(source.filename))
    with hold(output, overwrite=overwrite, may_clean=True) as target:
        n_bytes = Path(source.filename).stat().st_size + _OVERHEAD_BYTES
        n_bytes += sum(video.source.stat().st_size for video in videos.all_of(moves))
        check_space(output.parent, n_bytes)
        videos.place_moved(moves, target, link_videos)
        with CarefulFile(target.part) as disk:
            report = reporter(source, contents.raw, disk, progress)
            with h5py.File(disk, "w") as part:
                copy_roots(source, part, contents.raw)
                for path in contents.raw:
                    copy_object(source[path], part, path, report)
                set_identifier(part, source, "raw")
                videos.rename_entries(part, moves)
                finish_references(source, part, contents.raw)
                disk.check()
            disk.check()
            disk.sync()
        check_raw(target.part, source, contents, moves)
        target.placed = videos.all_of(moves)  # what the new file uses is not cleaned away
        target.publish(overwrite=overwrite)
    return Part(output, state, output.stat().st_size)


def _is_same_raw(source: h5py.File, contents: Contents, output: Path, moves: videos.Videos) -> bool:
    """Whether a raw part that is there already holds all that it should, videos included."""
    try:
        with open_nwb(output), h5py.File(output, "r", rdcc_nbytes=0) as there:
            return not raw_difference(there, source, contents) and videos.are_placed(there, moves)
    except NwbContentError:  # not a file of ours
        return False
