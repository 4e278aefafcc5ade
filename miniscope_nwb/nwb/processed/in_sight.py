"""Show pynwb one run of a file: it reads every object that it sees, whichever is needed.

What the earlier runs hold is unlinked while pynwb works and linked again afterwards, so that adding
the tenth run takes no longer than adding the second. Links, not data, are touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import h5py
import numpy as np

from miniscope_nwb.nwb.processed.names import CONTAINERS, GROUP, RUN_TABLES
from miniscope_nwb.nwb.processed.runs import RunRow, read_runs


@contextmanager
def only_run(file: h5py.File, run: str | None) -> Iterator[None]:
    """Hide what belongs to other runs alone, and the tables of all runs.

    Nothing is hidden where another program's object refers to what would be: it could not be read.
    After an error the file is left as it is: it is a copy, to be thrown away.

    Parameters
    ----------
    file
        Open for changes.
    run
        Name of the run that stays in sight; None: no run is in the file.
    """
    hidden = _others(file, run)
    if _are_referred_to(file, hidden):
        hidden = []
    keeper = file.create_group(None)  # without a name: it is gone when the file is closed
    for number, path in enumerate(hidden):
        keeper[str(number)] = file[path]
        del file[path]
    yield
    for number, path in enumerate(hidden):
        file[path] = keeper[str(number)]
        del keeper[str(number)]


def _others(file: h5py.File, run: str | None) -> list[str]:
    """Paths of the objects that are not of a run; none that would leave a container empty."""
    rows = read_runs(file)
    shown = {path for row in rows if row.run == run for path in _paths(row)}
    paths = {path for row in rows for path in _paths(row)} - shown
    found = sorted(path for path in paths if path in file)
    for container in CONTAINERS:
        inside = [path for path in found if path.rpartition("/")[0] == container]
        if inside and len(inside) == len(file[container]):
            found.remove(inside[-1])
    return [*found, *(path for name in RUN_TABLES if (path := f"{GROUP}/{name}") in file)]


def _paths(row: RunRow) -> tuple[str, ...]:
    return (*row.names.cell_paths(), *row.names.motion_paths())


def _are_referred_to(file: h5py.File, hidden: list[str]) -> bool:
    """Whether a link or a reference of an object in sight leads to one that is to be hidden."""
    targets = tuple(f"/{path}" for path in hidden)
    waiting: list[h5py.Group | h5py.Dataset] = [file["/"]]
    while waiting:
        node = waiting.pop()
        if any(_leads_to(name, targets) for name in _referred(file, node)):
            return True
        if not isinstance(node, h5py.Group):
            continue
        for name in node:
            path = f"{node.name.rstrip('/')}/{name}"
            link = node.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink) and _leads_to(link.path, targets):
                return True
            if isinstance(link, h5py.HardLink) and path not in targets:
                waiting.append(node[name])
    return False


def _leads_to(name: str, targets: tuple[str, ...]) -> bool:
    return any(name == target or name.startswith(f"{target}/") for target in targets)


def _referred(file: h5py.File, node: h5py.Group | h5py.Dataset) -> Iterator[str]:
    """Names of the objects that the references in an object's attributes and values lead to."""
    for index in range(h5py.h5a.get_num_attrs(node.id)):
        attribute = h5py.h5a.open(node.id, index=index)
        if attribute.get_type().get_class() == h5py.h5t.REFERENCE:
            yield from _names(file, node.attrs[attribute.name.decode()])
    if isinstance(node, h5py.Dataset):
        if h5py.check_ref_dtype(node.dtype) is not None:
            yield from _names(file, node[()])
        for field in node.dtype.names or ():
            if h5py.check_ref_dtype(node.dtype[field]) is not None:
                yield from _names(file, node[field])


def _names(file: h5py.File, references: object) -> Iterator[str]:
    for reference in np.atleast_1d(np.asarray(references, object)).ravel():
        if reference:
            yield str(file[reference].name)
