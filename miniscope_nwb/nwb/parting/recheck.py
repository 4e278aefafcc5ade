"""Open a part, or both joined, and see that nothing of the source is missing in it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import h5py

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.parting import links, videos
from miniscope_nwb.nwb.parting.contents import CONTAINERS, Contents, aims
from miniscope_nwb.nwb.parting.same import first_difference
from miniscope_nwb.nwb.processed.names import MODULE, SEGMENTATIONS
from miniscope_nwb.nwb.processed.runs import read_runs


def raw_difference(
    part: h5py.File, source: h5py.File, contents: Contents, *, large_by_size: bool = False
) -> str:
    """Return the first object that differs from the raw pieces of a source; ``""``: none does.

    The identifier and the names of videos are the part's own.
    """

    def skip(path: str) -> bool:
        return path == "identifier" or path.endswith("/external_file")

    for container in CONTAINERS:
        names = {f"{container}/{name}" for name in part.get(container, ())} - set(CONTAINERS)
        if extra := names - set(contents.raw):
            return min(extra)
    if extra := {name for name in part if name not in CONTAINERS} - set(contents.raw):
        return min(extra)
    for path in contents.raw:
        if path not in part:
            return path
        found = first_difference(source[path], part[path], skip=skip, large_by_size=large_by_size)
        if found:
            return found
    return ""


def check_raw(path: Path, source: h5py.File, contents: Contents, moves: videos.Videos) -> None:
    """See that a raw part holds all it should and that pynwb opens it.

    Raises
    ------
    OutputError
        If not.
    """
    with h5py.File(path, "r", rdcc_nbytes=0) as part:
        found = raw_difference(part, source, contents, large_by_size=True)
        if found:
            raise _incomplete(path, f"{found} is not as it was")
    _check_cells(path, {})
    for video in videos.all_of(moves):
        if video.target.stat().st_size != video.source.stat().st_size:
            raise _incomplete(path, f"{video.entry} is not as long as its source")


def check_processed(path: Path, source: h5py.File) -> None:
    """See that a processed part refers to nothing outside of it, and that pynwb finds its cells.

    Raises
    ------
    OutputError
        If not.
    """
    with h5py.File(path, "r") as part:
        _check_aims(path, part)
        runs = read_runs(part)
        if [run.values["run"] for run in runs] != [run.run for run in read_runs(source)]:
            raise _incomplete(path, "a run is missing")
        for run in runs:
            if f"{run.translation_path}/data" not in part:
                raise _incomplete(path, f"{run.translation_path} is missing")
        cells = {run.names.segmentation: int(run.values["n_components"]) for run in runs}
        if links.TABLE not in part:
            raise _incomplete(path, f"{links.TABLE} is missing")
    _check_cells(path, cells)


def check_joined(
    path: Path, raw: h5py.File, processed: h5py.File, cuts: Sequence[links.Cut]
) -> None:
    """See that a joined file holds what both parts held, tied, and that pynwb finds its cells.

    Raises
    ------
    OutputError
        If not.
    """
    with h5py.File(path, "r") as file:
        _check_aims(path, file)
        if links.TABLE in file:
            raise _incomplete(path, f"{links.TABLE} is left")
        for cut in cuts:
            if not links.is_tied(file, cut):
                raise _incomplete(path, f"{cut.path} is missing")
        for name, group in raw.get("acquisition", {}).items():
            data = group.get("data") if isinstance(group, h5py.Group) else None
            if isinstance(data, h5py.Dataset):
                copy = file.get(f"acquisition/{name}/data")
                size = data.id.get_storage_size()
                if copy is None or copy.id.get_storage_size() != size:
                    raise _incomplete(path, f"acquisition/{name} is not as it was")
        runs = read_runs(file)
        if len(runs) != len(read_runs(processed)):
            raise _incomplete(path, "a run is missing")
        cells = {run.names.segmentation: int(run.values["n_components"]) for run in runs}
    _check_cells(path, cells)


def _check_aims(path: Path, file: h5py.File) -> None:
    for name in file:
        for holder, target in aims(file[name]):
            if target not in file:
                raise _incomplete(path, f"{holder} leads nowhere")


def _check_cells(path: Path, cells: dict[str, int]) -> None:
    """Open a file by pynwb and count the cells in its tables."""
    from pynwb import NWBHDF5IO

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Ignoring the following cached namespace")
        with NWBHDF5IO(path, "r") as nwb_io:
            nwb = nwb_io.read()
            for name, n_cells in cells.items():
                found = len(nwb.processing[MODULE][SEGMENTATIONS][name].id)
                if found != n_cells:
                    raise _incomplete(path, f"{name} has {found} of {n_cells} cells")


def _incomplete(path: Path, what: str) -> OutputError:
    return OutputError(
        f"{path} was not written completely ({what}), so it was removed: check the drive and run "
        "the command again."
    )
