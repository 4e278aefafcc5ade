"""The root of a file that is put together from pieces of another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import NAMESPACE_OID, uuid5

import h5py
import numpy as np

from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.parting.contents import CONTAINERS
from miniscope_nwb.nwb.parting.graft import (
    Report,
    copy_attributes,
    copy_empty,
    set_references,
    walk,
)

Progress = Callable[[int, int], None]  # bytes copied, bytes in all
_OPTIONAL = ("events", "intervals", "scratch")
_SPECIFICATIONS = ".specloc"  # a reference in the root: where hdmf finds the cached schema


def copy_roots(source: h5py.File, target: h5py.File, pieces: Iterable[str]) -> None:
    """Copy the attributes of the root, and its containers without what they hold.

    One that NWB does not ask for is left out where all that it holds goes elsewhere.
    """
    copy_attributes(source["/"], target["/"])
    used = {path.partition("/")[0] for path in pieces}
    for path in CONTAINERS:
        is_needed = path not in _OPTIONAL or path in used or not len(source.get(path, ()))
        if path in source and is_needed:
            holder, _, name = path.rpartition("/")
            copy_empty(source[path], target[holder or "/"], name)


def finish_references(
    source: h5py.File,
    target: h5py.File,
    pieces: Iterable[str],
    *,
    moved: Callable[[str], str] = str,
) -> None:
    """Set all object references of a copy, once everything stands in it."""
    for path in pieces:
        set_references(source[path], target, moved=moved)
    if _SPECIFICATIONS in source.attrs:
        target.attrs.create(_SPECIFICATIONS, target["specifications"].ref, dtype=h5py.ref_dtype)


def set_identifier(target: h5py.File, source: h5py.File, what: str) -> None:
    """Give a file an identifier of its own, the same whenever it is made of the same source."""
    text = f"{read_identifier(source)} {what}"
    target["identifier"][()] = str(uuid5(NAMESPACE_OID, text))


def read_identifier(file: h5py.File) -> str:
    """Return the identifier of a file."""
    return str(file["identifier"].asstr()[()])


def reporter(
    source: h5py.File, pieces: Iterable[str], disk: CarefulFile, progress: Progress | None
) -> Report:
    """Make what is told of every chunk that is copied: it stops at an error of the disk."""
    total = sum(
        node.id.get_storage_size()
        for path in pieces
        for _, node in walk(source[path])
        if isinstance(node, h5py.Dataset)
    )
    done = np.zeros(1, np.int64)

    def report(n_bytes: int) -> None:
        disk.check()
        done[0] += n_bytes
        if progress is not None:
            progress(int(done[0]), int(total))

    return report
