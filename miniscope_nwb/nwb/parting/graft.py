"""Copy objects from one HDF5 file to another: large data chunk by chunk, packed as they are.

HDF5 copies a whole tree by itself, but leaves object references empty and cannot be stopped on its
way. So large datasets are copied here, and references are set when everything stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np

from miniscope_nwb.errors import NwbContentError

Report = Callable[[int], None]  # bytes that were copied since the last call
_LARGE_BYTES = 8_000_000  # as stored; smaller data are left to HDF5
Node: TypeAlias = h5py.Group | h5py.Dataset


def nothing(_: int) -> None:
    """Report to nobody."""


def copy_object(source: Node, parent: h5py.Group, name: str, report: Report = nothing) -> None:
    """Copy an object with all that is below it; links stay links, references stay empty.

    Parameters
    ----------
    source
        In a file that was opened without a chunk cache (``rdcc_nbytes=0``): HDF5 would pack chunks
        anew that lie in it.
    parent, name
        Where to.
    report
        Told of large data while they are copied.
    """
    if isinstance(source, h5py.Dataset):
        _copy_dataset(source, parent, name, report)
    elif not any(_is_large(node) for _, node in walk(source) if isinstance(node, h5py.Dataset)):
        source.file.copy(source, parent, name)
    else:
        copy_children(source, copy_empty(source, parent, name), report)


def copy_children(source: h5py.Group, target: h5py.Group, report: Report = nothing) -> None:
    """Copy everything that a group holds."""
    for name in source:
        link = source.get(name, getlink=True)
        if isinstance(link, h5py.HardLink):
            copy_object(source[name], target, name, report)
        else:
            target[name] = link


def copy_empty(source: h5py.Group, parent: h5py.Group, name: str) -> h5py.Group:
    """Copy a group with its attributes, without what it holds."""
    made = h5py.h5g.create(parent.id, name.encode(), gcpl=source.id.get_create_plist())
    group = h5py.Group(made)
    copy_attributes(source, group)
    return group


def copy_attributes(source: Node, target: Node) -> None:
    """Copy attributes in the types in which they are stored; references stay empty."""
    for number in range(h5py.h5a.get_num_attrs(source.id)):
        attribute = h5py.h5a.open(source.id, index=number)
        if h5py.check_ref_dtype(attribute.dtype) is not None:
            continue
        values = np.empty(attribute.shape, attribute.dtype)
        attribute.read(values)
        made = h5py.h5a.create(
            target.id, attribute.name, attribute.get_type(), attribute.get_space()
        )
        made.write(values)


def _is_large(data: h5py.Dataset) -> bool:
    """Whether to copy chunk by chunk; texts and references point elsewhere in their own file."""
    has_bytes = data.chunks is not None and not data.dtype.hasobject
    return has_bytes and data.id.get_storage_size() > _LARGE_BYTES


def _copy_dataset(source: h5py.Dataset, parent: h5py.Group, name: str, report: Report) -> None:
    if not _is_large(source):
        source.file.copy(source, parent, name)
        return
    made = h5py.h5d.create(
        parent.id,
        name.encode(),
        source.id.get_type(),
        source.id.get_space(),
        dcpl=source.id.get_create_plist(),
    )
    copy_attributes(source, h5py.Dataset(made))
    for place in chunk_places(source):
        mask, packed = source.id.read_direct_chunk(place)
        made.write_direct_chunk(place, packed, mask)
        report(len(packed))


def chunk_places(data: h5py.Dataset) -> list[tuple[int, ...]]:
    """First elements of the chunks that are stored, in order."""
    places: list[tuple[int, ...]] = []
    data.id.chunk_iter(lambda info: places.append(info.chunk_offset))
    return sorted(places)


def walk(root: Node) -> Iterator[tuple[str, Node]]:
    """Yield an object and all below it with its path from the root; no link is followed.

    Paths begin without a slash.
    """
    yield root.name.strip("/"), root
    if isinstance(root, h5py.Group):
        for name in root:
            if isinstance(root.get(name, getlink=True), h5py.HardLink):
                yield from walk(root[name])


def soft_links(root: Node) -> Iterator[tuple[str, str]]:
    """Yield path and target of every link below an object, both without a leading slash.

    Raises
    ------
    NwbContentError
        If a link leads to another file.
    """
    for path, node in walk(root):
        if not isinstance(node, h5py.Group):
            continue
        for name in node:
            link, place = node.get(name, getlink=True), f"{path}/{name}".strip("/")
            if isinstance(link, h5py.ExternalLink):
                raise NwbContentError(
                    f"{Path(node.file.filename).name} holds {place} only as a link to "
                    f"{link.filename}: export it to one complete file first."
                )
            if isinstance(link, h5py.SoftLink):
                yield place, link.path.strip("/")


def references(root: Node) -> Iterator[tuple[str, str]]:
    """Yield every object reference below an object: path of its holder, path that it leads to.

    Neither begins with a slash; references that lead nowhere are left out.
    """
    for path, node in walk(root):
        values = [node.attrs[name] for name in _reference_attributes(node)]
        if isinstance(node, h5py.Dataset) and _reference_fields(node.dtype):
            stored = node[()]
            fields = _reference_fields(node.dtype)
            values += [stored] if fields == [""] else [stored[name] for name in fields]
        for value in values:
            for item in np.ravel(np.asarray(value, object)).tolist():
                if item:
                    yield path, _target(node, item)


def set_references(source: Node, target: h5py.File, *, moved: Callable[[str], str]) -> None:
    """Give a copy the references of its source; `moved` tells where a path of the source went."""

    def refer(holder: Node, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            found = np.empty(value.shape, h5py.ref_dtype)
            for place in np.ndindex(value.shape):
                found[place] = refer(holder, value[place])
            return found
        return target[moved(_target(holder, value)) or "/"].ref if value else h5py.Reference()

    for path, node in walk(source):
        for name in _reference_attributes(node):
            value = refer(node, node.attrs[name])
            target[moved(path) or "/"].attrs.create(name, value, dtype=h5py.ref_dtype)
        if isinstance(node, h5py.Dataset) and (fields := _reference_fields(node.dtype)):
            stored = node[()]
            if fields == [""]:
                stored = refer(node, stored)
            else:
                for name in fields:
                    stored[name] = refer(node, stored[name])
            target[moved(path)][()] = stored


def _reference_attributes(node: Node) -> list[str]:
    return [name for name in node.attrs if _refers(node.attrs.get_id(name).dtype)]


def _reference_fields(dtype: np.dtype[Any]) -> list[str]:
    """Fields of a dataset that are references; ``""`` where it is nothing else."""
    if _refers(dtype):
        return [""]
    return [name for name in dtype.names or () if _refers(dtype[name])]


def _refers(dtype: np.dtype[Any]) -> bool:
    return h5py.check_ref_dtype(dtype) is not None


def _target(holder: Node, reference: Any) -> str:
    return str(holder.file[reference].name).strip("/")
