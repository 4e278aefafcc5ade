"""The file that CaImAn saves its results in, read by its layout: no CaImAn is needed.

Every version writes the object as a tree of groups, but not the same way: texts are data sets up
to 1.9.8 and attributes after, what is missing is the text "NoneType", numbers are texts where a
list held objects (1.8), sparse matrices are groups of their parts, always by columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.errors import EngineError
from miniscope_nwb.recording import FloatArray, Json

MISSING = "NoneType"


class SavedFile:
    """A results file that is open for reading; a context manager.

    Parameters
    ----------
    path
        Of the file.

    Raises
    ------
    EngineError
        If there is none, it is no HDF5 file, or does not look like CaImAn's.
    """

    def __init__(self, path: Path) -> None:
        import h5py

        if path.is_dir():
            raise EngineError(
                f"{path} is a folder: name the .hdf5 file in it that `cnm.save` wrote."
            )
        if not path.is_file():
            raise EngineError(f"{path}: there is no such file; name what `cnm.save` wrote.")
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise EngineError(
                f"{path.name}: cannot be read as HDF5 ({error}); name the .hdf5 file that CaImAn's "
                "`cnm.save` wrote."
            ) from error
        self.path = path
        if "estimates" not in self._file or "estimates/A" not in self._file:
            found = ", ".join(sorted(self._file)) or "nothing"
            self._file.close()
            raise EngineError(
                f"{path.name}: holds {found}, but not the group estimates with A that CaImAn's "
                "`cnm.save` writes; name the results file, not a movie."
            )

    def __enter__(self) -> SavedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def value(self, name: str) -> Any:
        """Return what is stored as `name`: an array, a number, a text; None where it is missing."""
        group, _, key = name.rpartition("/")
        if group in self._file and key in self._file[group].attrs:
            return _plain(self._file[group].attrs[key])
        if name not in self._file or not hasattr(self._file[name], "shape"):
            return None
        return _plain(self._file[name][()])

    def array(self, name: str) -> Any:
        """Return a data set to be read in parts, None where it is missing."""
        found = self._file.get(name)
        if found is None or not hasattr(found, "shape") or found.shape == ():
            return None
        return found

    def numbers(self, name: str, n: int) -> FloatArray | None:
        """Return `n` numbers; what cannot be read as one is NaN. None where they are missing."""
        found = self.array(name)
        if found is None or len(found) != n or n == 0:
            return None
        values = np.ravel(found[()])
        if len(values) != n:
            return None
        return np.array([_number(value) for value in values.tolist()], np.float64)

    def sparse(self, name: str) -> Any:
        """Return a matrix as csc, whether it was stored sparse or dense; None where missing."""
        from scipy.sparse import csc_matrix

        found = self._file.get(name)
        if found is None:
            return None
        if hasattr(found, "shape"):
            return csc_matrix(found[()]) if found.ndim == 2 else None
        parts = tuple(found[part][()] for part in ("data", "indices", "indptr"))
        return csc_matrix(parts, shape=tuple(int(n) for n in found["shape"][()]))

    def parameters(self) -> dict[str, dict[str, Json]]:
        """Return CaImAn's parameters by group, as plain JSON."""
        found: dict[str, dict[str, Json]] = {}
        for group in self._file.get("params", {}):
            names = {*self._file["params"][group], *self._file["params"][group].attrs}
            values = {name: self.value(f"params/{group}/{name}") for name in sorted(names)}
            found[group] = {name: _as_json(value) for name, value in values.items()}
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return None if value == MISSING else value
    if isinstance(value, np.generic):
        return value.item()
    return value


def _number(value: Any) -> float:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    try:
        return float(text.strip("[] ") if isinstance(text, str) else text)
    except (TypeError, ValueError):
        return float("nan")


def _as_json(value: Any) -> Json:
    if isinstance(value, np.ndarray):
        listed: list[Json] = [_as_json(_plain(item)) for item in value.tolist()]
        return listed
    if isinstance(value, list):
        return [_as_json(_plain(item)) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
