"""Which objects of a file belong to the recording, which to the processing, and which to both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.parting.graft import Node, references, soft_links
from miniscope_nwb.nwb.processed.names import GROUP, RUNS
from miniscope_nwb.nwb.processed.runs import read_runs

# Groups whose members are told apart; every other member of the root is one piece.
CONTAINERS = (
    "acquisition",
    "analysis",
    "events",
    "intervals",
    "processing",
    "scratch",
    "stimulus",
    "stimulus/presentation",
    "stimulus/templates",
)
_SHARED = ("general", "specifications", "processing/recording", "intervals/LostFrames")


@dataclass(frozen=True, slots=True)
class Contents:
    """Paths of the pieces of a file, without a leading slash."""

    recording: tuple[str, ...]  # what was converted, and what others added
    processing: tuple[str, ...]  # the runs, and what refers to them
    both: tuple[str, ...]  # subject, devices, settings: what either part needs

    @property
    def raw(self) -> tuple[str, ...]:
        """What the raw part holds."""
        return (*self.both, *self.recording)

    @property
    def processed(self) -> tuple[str, ...]:
        """What the processed part holds."""
        return (*self.both, *self.processing)


def sort_contents(file: h5py.File) -> Contents:
    """Tell the pieces of a file apart.

    Raises
    ------
    NwbContentError
        If the file holds no run of the processing, or links to other files.
    """
    where = Path(file.filename).name
    if f"{GROUP}/{RUNS}" not in file:
        raise NwbContentError(
            f"{where} holds no run of the processing, so there is nothing to split: share it as it "
            f"is, or run `miniscope-nwb process {file.filename}` first."
        )
    for _ in soft_links(file["/"]):  # an error where one leads to another file
        pass
    everything = tuple(pieces(file))
    both = tuple(
        path for path in everything if path in _SHARED or isinstance(file[path], h5py.Dataset)
    )
    ours = {GROUP} | {f"events/{row.names.events}" for row in read_runs(file)}
    rest = [path for path in everything if path not in both]
    leads = {path: [target for _, target in aims(file[path])] for path in rest}
    while more := [p for p in rest if p not in ours and any(is_in(t, ours) for t in leads[p])]:
        ours.update(more)
    return Contents(
        recording=tuple(path for path in rest if path not in ours),
        processing=tuple(path for path in rest if path in ours),
        both=both,
    )


def pieces(file: h5py.File) -> Iterator[str]:
    """Paths of the pieces: members of the root and of its containers."""
    for name in file:
        if name not in CONTAINERS:
            yield name
    for container in CONTAINERS:
        for name in file.get(container, ()):
            path = f"{container}/{name}"
            if path not in CONTAINERS:
                yield path


def is_in(path: str, some: tuple[str, ...] | set[str]) -> bool:
    """Whether an object is one of some pieces, or lies in one."""
    return any(path == piece or path.startswith(f"{piece}/") for piece in some)


def aims(node: Node) -> Iterator[tuple[str, str]]:
    """Yield every link and reference below an object: path of the holder, path it leads to."""
    yield from soft_links(node)
    yield from references(node)
