"""Tables of the NWB file, made of plain columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hdmf.backends.hdf5 import H5DataIO
from hdmf.common import DynamicTable, ElementIdentifiers, VectorData
from pynwb.epoch import TimeIntervals

LONG_COLUMN = 1000  # values; longer ones are compressed
RESERVED = ("name", "description", "id")  # hdmf warns of such columns at every read


@dataclass(frozen=True, slots=True)
class Column:
    """A column: one text, number or truth value a row."""

    name: str
    description: str
    values: Sequence[Any] | npt.NDArray[Any]

    def __post_init__(self) -> None:
        if self.name in RESERVED:
            raise ValueError(f"a column must not be called {self.name}")


def compact(values: Sequence[Any] | npt.NDArray[Any]) -> Any:
    """Wrap a long array of numbers so that it is stored compressed."""
    if isinstance(values, np.ndarray) and len(values) > LONG_COLUMN:
        return H5DataIO(values, compression="gzip", compression_opts=1, shuffle=True)
    return values


def make_table(name: str, description: str, columns: Iterable[Column]) -> DynamicTable:
    """Make a table; columns that hold nothing but NaN are left out."""
    kept = [column for column in columns if not is_all_nan(column.values)]
    n_rows = len(kept[0].values)
    return DynamicTable(
        name=name,
        description=description,
        columns=[_vector(column) for column in kept],
        id=ElementIdentifiers(name="id", data=compact(np.arange(n_rows))),
    )


def make_intervals(
    name: str,
    description: str,
    start_s: npt.NDArray[np.float64],
    stop_s: npt.NDArray[np.float64],
    columns: Iterable[Column],
) -> TimeIntervals:
    """Make a table of spans of time, in the order of their starts (seconds, session clock)."""
    order = np.argsort(start_s, kind="stable")
    times = (
        Column("start_time", "Start of the span, in seconds.", start_s[order]),
        Column("stop_time", "End of the span, in seconds.", stop_s[order]),
    )
    others = (
        Column(column.name, column.description, _reorder(column.values, order))
        for column in columns
    )
    return TimeIntervals(
        name=name, description=description, columns=[_vector(c) for c in (*times, *others)]
    )


def _reorder(
    values: Sequence[Any] | npt.NDArray[Any], order: npt.NDArray[np.intp]
) -> Sequence[Any] | npt.NDArray[Any]:
    return values[order] if isinstance(values, np.ndarray) else [values[i] for i in order]


def _vector(column: Column) -> VectorData:
    return VectorData(name=column.name, description=column.description, data=compact(column.values))


def is_all_nan(values: Sequence[Any] | npt.NDArray[Any]) -> bool:
    """Whether a column holds nothing but NaN, which is not stored."""
    array = np.asarray(values)
    return array.dtype.kind == "f" and bool(np.isnan(array).all())
