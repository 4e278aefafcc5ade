"""Rows of small tables that grow with every run, changed in place through h5py.

pynwb can make a table but not take rows out of it or replace a column. A column is written anew
with its attributes, so that the ids of the table and of its columns stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import h5py
import numpy as np

from miniscope_nwb.nwb.tables import Column, is_all_nan

_TEXT = h5py.string_dtype()


def append_rows(table: h5py.Group, columns: Iterable[Column]) -> None:
    """Add rows at the end of a table.

    A column that only one side has is filled up: "" for texts, NaN for numbers with fractions, -1
    for whole ones, false for truth values.
    """
    new = {column.name: column for column in columns}
    n_new = len(next(iter(new.values())).values)
    n_old = len(table["id"])
    for name in list(table.attrs["colnames"]):
        old = read_column(table, str(name))
        column = new.pop(str(name), None)
        values = column.values if column is not None else _filling(old, n_new)
        write_column(table, str(name), _join(old, values))
    for name, column in new.items():
        if is_all_nan(column.values):
            continue
        values = _join(_filling(column.values, n_old), column.values)
        _add_column(table, name, column.description, values)
    _write_ids(table, n_old + n_new)


def keep_rows(table: h5py.Group, keep: Sequence[bool]) -> None:
    """Take rows out of a table."""
    chosen = np.flatnonzero(np.asarray(keep, np.bool_))
    for name in list(table.attrs["colnames"]):
        values = read_column(table, str(name))
        write_column(table, str(name), [values[row] for row in chosen.tolist()])
    _write_ids(table, len(chosen))


def set_cell(table: h5py.Group, column: str, row: int, value: Any) -> None:
    """Change one value of a table."""
    values = list(read_column(table, column))
    values[row] = value
    write_column(table, column, values)


def set_columns(table: h5py.Group, columns: Mapping[str, tuple[str, Any]]) -> None:
    """Replace columns, or add them where they are missing: name -> (description, values)."""
    for name, (description, values) in columns.items():
        if name in table.attrs["colnames"]:
            write_column(table, name, values)
        else:
            _add_column(table, name, description, values)


def read_column(table: h5py.Group, name: str) -> Any:
    """Values of a column: a list of texts, or an array."""
    data = table[name]
    if h5py.check_string_dtype(data.dtype) is not None:
        return data.asstr()[:].tolist()
    return data[:]


def write_column(table: h5py.Group, name: str, values: Any) -> None:
    """Replace the values of a column that is there."""
    attributes = dict(table[name].attrs)
    del table[name]
    table.create_dataset(name, data=_as_stored(values)).attrs.update(attributes)


def _add_column(table: h5py.Group, name: str, description: str, values: Any) -> None:
    data = table.create_dataset(name, data=_as_stored(values))
    data.attrs["description"] = description
    data.attrs["namespace"] = "hdmf-common"
    data.attrs["neurodata_type"] = "VectorData"
    data.attrs["object_id"] = str(uuid4())
    names = [*map(str, table.attrs["colnames"]), name]
    table.attrs["colnames"] = np.array(names, _TEXT)


def _write_ids(table: h5py.Group, n_rows: int) -> None:
    write_column(table, "id", np.arange(n_rows))


def _as_stored(values: Any) -> Any:
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return values
    items = list(values)
    if items and isinstance(items[0], str):
        return np.array(items, _TEXT)
    return np.array(items) if items else np.zeros(0)


def _join(first: Any, second: Any) -> Any:
    if _is_text(first) or _is_text(second):
        return [*map(str, first), *map(str, second)]
    return np.concatenate([np.asarray(first), np.asarray(second)])


def _is_text(values: Any) -> bool:
    return len(values) > 0 and isinstance(values[0], str)


def _filling(like: Any, n: int) -> Any:
    """Return values that say nothing, of the type of others."""
    if _is_text(like):
        return [""] * n
    kind = np.asarray(like).dtype
    if kind.kind == "f":
        return np.full(n, np.nan, kind)
    return np.zeros(n, kind) if kind.kind == "b" else np.full(n, -1, kind)
