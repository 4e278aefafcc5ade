"""Frozen records on disk: arrays as .npy, sparse matrices as .npz, all else as JSON.

A record is a folder::

    record.json           the fields; where an array stands, the name of its file
    footprints.npz        a sparse matrix
    denoised.npy          an array; mapped, not read, when the record is loaded

It is written under a temporary name, flushed to the disk and renamed, so that a folder of the
final name is always whole.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RECORD_NAME = "record.json"
_SMALL_BYTES = 1 << 16  # read at once: a map costs an open file
_COPY_BYTES = 1 << 24  # of a mapped array copied at a time


def save(record: Any, folder: Path, *, work: Path) -> None:
    """Write a record so that it appears under its name whole, or not at all.

    Parameters
    ----------
    record
        A dataclass whose fields are plain values, arrays, sparse matrices, mappings with text as
        keys, tuples and lists of those, or further dataclasses.
    folder
        Where it will stand; must not exist.
    work
        A folder on the same drive for what is not complete. An array that is mapped from a file
        below it is moved, not copied.
    """
    unfinished = work / f"{folder.name}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    writer = _Writer(unfinished, work.resolve())
    content = json.dumps(writer.encode(record, "record"))
    (unfinished / RECORD_NAME).write_text(content, encoding="utf-8")
    for path in unfinished.iterdir():
        _flush(path)
    _flush(unfinished)
    unfinished.rename(folder)
    _flush(folder.parent)


def load(folder: Path, *, types: Mapping[str, type[Any]]) -> Any:
    """Read a record that `save` wrote; large arrays are mapped, and not read before they are used.

    Changes to a mapped array stay in memory: the record on disk is never altered.

    Parameters
    ----------
    types
        Every dataclass that may occur, by name.
    """
    content = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    return _Reader(folder, types).decode(content)


class _Writer:
    def __init__(self, folder: Path, work: Path) -> None:
        self._folder, self._work = folder, work
        self._names: set[str] = set()

    def encode(self, value: Any, name: str) -> Any:
        from scipy.sparse import issparse

        if isinstance(value, np.ndarray):
            return {"array": self._write_array(value, name)}
        if isinstance(value, np.generic):
            return value.item()
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {
                field.name: self.encode(getattr(value, field.name), field.name)
                for field in dataclasses.fields(value)
            }
            return {"record": type(value).__name__, "fields": fields}
        if issparse(value):
            return {"sparse": self._write_sparse(value, name)}
        if isinstance(value, Mapping):
            return {"mapping": {key: self.encode(item, key) for key, item in value.items()}}
        if isinstance(value, tuple):
            return {"tuple": [self.encode(item, name) for item in value]}
        if isinstance(value, list):
            return [self.encode(item, name) for item in value]
        if value is None or isinstance(value, str | int | float | bool):
            return value
        raise TypeError(f"{name} is a {type(value).__name__}, which no record can hold")

    def _write_array(self, array: npt.NDArray[Any], name: str) -> str:
        file = self._new_name(name, ".npy")
        target = self._folder / file
        source = _file_of(array)
        if source is not None and source.resolve().is_relative_to(self._work):
            _flush_map(array)
            try:
                source.rename(target)
            except OSError:  # Windows does not rename what is mapped
                _copy_array(array, target)
        elif array.nbytes > _COPY_BYTES:
            _copy_array(array, target)
        else:
            np.save(target, array, allow_pickle=False)
        return file

    def _write_sparse(self, matrix: Any, name: str) -> str:
        from scipy.sparse import save_npz

        file = self._new_name(name, ".npz")
        save_npz(self._folder / file, matrix, compressed=False)
        return file

    def _new_name(self, name: str, suffix: str) -> str:
        stem = "".join(letter if letter.isalnum() else "_" for letter in name)
        file, number = stem + suffix, 2
        while file in self._names:
            file, number = f"{stem}-{number}{suffix}", number + 1
        self._names.add(file)
        return file


class _Reader:
    def __init__(self, folder: Path, types: Mapping[str, type[Any]]) -> None:
        self._folder, self._types = folder, types

    def decode(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        ((kind, content), *_) = value.items()
        if kind == "array":
            return self._read_array(self._folder / content)
        if kind == "sparse":
            return self._read_sparse(self._folder / content)
        if kind == "tuple":
            return tuple(self.decode(item) for item in content)
        if kind == "mapping":
            return {key: self.decode(item) for key, item in content.items()}
        fields = {key: self.decode(item) for key, item in value["fields"].items()}
        return self._types[content](**fields)

    def _read_array(self, path: Path) -> npt.NDArray[Any]:
        if path.stat().st_size <= _SMALL_BYTES:
            small: npt.NDArray[Any] = np.load(path, allow_pickle=False)
            return small
        # Copy on write: kernels see an ordinary writable array, and the file stays as it is.
        return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))

    def _read_sparse(self, path: Path) -> Any:
        from scipy.sparse import load_npz

        return load_npz(path)


def _mapped_base(array: npt.NDArray[Any]) -> np.memmap[Any, Any] | None:
    item: Any = array
    while item is not None and not isinstance(item, np.memmap):
        item = getattr(item, "base", None)
    return item


def _file_of(array: npt.NDArray[Any]) -> Path | None:
    """Return the .npy file whose whole content an array is; None for all other arrays."""
    base = _mapped_base(array)
    while base is not None and isinstance(base.base, np.memmap):
        base = base.base
    if base is None or base.filename is None or base.mode not in ("w+", "r+"):
        return None
    path = Path(base.filename)
    is_whole = (
        array.ctypes.data == base.ctypes.data
        and (array.shape, array.dtype, array.flags.c_contiguous) == (base.shape, base.dtype, True)
        and path.suffix == ".npy"
        and path.exists()
    )
    return path if is_whole else None


def _flush_map(array: npt.NDArray[Any]) -> None:
    base = _mapped_base(array)
    if base is not None:
        base.flush()


def _copy_array(array: npt.NDArray[Any], target: Path) -> None:
    """Write a large array in pieces, so that a mapped one does not fill the memory."""
    if array.ndim == 0 or len(array) == 0:
        np.save(target, array, allow_pickle=False)
        return
    with target.open("wb") as file:
        header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
        np.lib.format.write_array_header_2_0(file, header)
        rows = max(1, _COPY_BYTES * len(array) // max(1, array.nbytes))
        for start in range(0, len(array), rows):
            file.write(np.ascontiguousarray(array[start : start + rows]).tobytes())


def _flush(path: Path) -> None:
    """Make sure that a file, or the names in a folder, is on the disk."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError:  # some network drives cannot for folders
        if not path.is_dir():
            raise
    finally:
        os.close(descriptor)


@contextmanager
def fresh_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder, and remove it at the end."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
