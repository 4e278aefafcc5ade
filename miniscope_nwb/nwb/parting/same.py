"""Do two files hold the same? Compared object by object; large data by their packed bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from miniscope_nwb.nwb.parting.graft import Node, chunk_places

_SMALL_BYTES = 1_000_000  # unpacked; smaller data are compared by value
_BLOCK_VALUES = 1 << 22  # of data without chunks, at a time
Skip = Callable[[str], bool]


def first_difference(
    one: Node, two: Node, *, skip: Skip = lambda path: False, large_by_size: bool = False
) -> str:
    """Return the path of the first object that differs; ``""`` where there is none.

    Parameters
    ----------
    one, two
        Objects of two files, at the same path in both.
    skip
        Told a path without a leading slash: True where it does not matter.
    large_by_size
        Whether the packed size is enough of large data; else every byte is read.
    """
    path = str(one.name).strip("/")
    if skip(path):
        return ""
    if type(one) is not type(two) or _attributes(one) != _attributes(two):
        return path or "/"
    if isinstance(one, h5py.Dataset):
        return "" if _same_data(one, two, large_by_size) else path
    names = [{n for n in group if not skip(f"{path}/{n}".strip("/"))} for group in (one, two)]
    if names[0] != names[1]:
        return f"{path}/{min(names[0] ^ names[1])}".strip("/")
    for name in sorted(names[0]):
        links = [group.get(name, getlink=True) for group in (one, two)]
        inner = f"{path}/{name}".strip("/")
        if type(links[0]) is not type(links[1]):
            return inner
        if isinstance(links[0], h5py.HardLink):
            found = first_difference(one[name], two[name], skip=skip, large_by_size=large_by_size)
            if found:
                return found
        elif vars(links[0]) != vars(links[1]):
            return inner
    return ""


def _attributes(node: Node) -> dict[str, Any]:
    return {name: _plain(node, node.attrs[name]) for name in node.attrs}


def _plain(node: Node, value: Any) -> Any:
    """Turn a value into one that can be compared; references become paths."""
    if isinstance(value, h5py.Reference):
        return node.file[value].name if value else None
    if isinstance(value, np.ndarray):
        if value.dtype.names:
            return [[_plain(node, item[name]) for name in value.dtype.names] for item in value.flat]
        if value.dtype.kind == "O":
            return [value.shape, *(_plain(node, item) for item in value.flat)]
        return [value.shape, value.dtype.str, value.tobytes()]
    return value.tobytes() if isinstance(value, np.generic) else value


def _same_data(one: h5py.Dataset, two: h5py.Dataset, by_size: bool) -> bool:
    if (one.shape, one.dtype, one.chunks) != (two.shape, two.dtype, two.chunks):
        return False
    if one.dtype.hasobject or one.nbytes <= _SMALL_BYTES:
        return bool(_plain(one, np.asarray(one[()])) == _plain(two, np.asarray(two[()])))
    if one.id.get_storage_size() != two.id.get_storage_size():
        return False
    if by_size:
        return True
    return _same_blocks(one, two) if one.chunks is None else _same_chunks(one, two)


def _same_chunks(one: h5py.Dataset, two: h5py.Dataset) -> bool:
    places = chunk_places(one)
    return places == chunk_places(two) and all(
        one.id.read_direct_chunk(place) == two.id.read_direct_chunk(place) for place in places
    )


def _same_blocks(one: h5py.Dataset, two: h5py.Dataset) -> bool:
    length = max(1, _BLOCK_VALUES // max(1, int(np.prod(one.shape[1:]))))
    return all(
        np.asarray(one[first : first + length]).tobytes()
        == np.asarray(two[first : first + length]).tobytes()
        for first in range(0, len(one), length)
    )
