"""Runs NWB Inspector and dandi on one file, quietly and without touching the network."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Severity = Literal["error", "critical", "violation", "suggestion", "note"]
Source = Literal["pynwb", "NWB Inspector", "dandi", "miniscope-nwb"]

# dandi and its telemetry ask the net for newer versions unless told not to, NWB Inspector's
# through a variable of its own; the cache would answer for a file that has changed.
_OFFLINE = {"DANDI_NO_ET": "1", "NO_ET": "1", "DANDI_CACHE": "ignore"}
_READS_MASKS = "check_col_not_nan"
_N_ROWS = 200  # that it reads of a column
_LARGE_BYTES = 32 << 20
_LOGGERS = ("dandi", "hdmf", "pynwb", "nwbinspector", "fscacher", "etelemetry")
_INSPECTOR: dict[str, Severity] = {
    "ERROR": "error",
    "PYNWB_VALIDATION": "error",
    "CRITICAL": "critical",
    "BEST_PRACTICE_VIOLATION": "violation",
    "BEST_PRACTICE_SUGGESTION": "suggestion",
}
_DANDI: dict[str, Severity] = {
    "CRITICAL": "error",
    "ERROR": "error",
    "WARNING": "violation",
    "HINT": "suggestion",
    "INFO": "note",
}


@dataclass(frozen=True, slots=True)
class RawFinding:
    """What one validator said, before findings of several are merged."""

    source: Source
    severity: Severity
    check: str
    location: str
    message: str


@contextmanager
def quiet_and_offline() -> Iterator[None]:
    """Silence warnings and loggers of the validators and keep them from the network."""
    before = {name: os.environ.get(name) for name in _OFFLINE}
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    os.environ.update(_OFFLINE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import dandi  # noqa: F401  (sets its logger's level when it is imported)

            for name in _LOGGERS:
                logging.getLogger(name).setLevel(logging.CRITICAL + 1)
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_inspector(path: Path, *, with_suggestions: bool = True) -> list[RawFinding]:
    """Run NWB Inspector with the DANDI configuration.

    It turns whatever goes wrong while it reads the file into a finding. It would run pynwb's
    validation too, which takes most of the time; that is part of `run_dandi`, and once is enough.

    Parameters
    ----------
    path
        The NWB file.
    with_suggestions
        Whether its lowest level is run too. One check of that level, for columns of NaN, reads
        200 whole masks at once; it is left out where these are large.
    """
    from nwbinspector import Importance, inspect_nwbfile, load_config

    least = Importance.BEST_PRACTICE_SUGGESTION
    if not with_suggestions:
        least = Importance.BEST_PRACTICE_VIOLATION
    messages = inspect_nwbfile(
        nwbfile_path=path,
        skip_validate=True,
        config=load_config("dandi"),
        ignore=[_READS_MASKS] if with_suggestions and _has_large_columns(path) else [],
        importance_threshold=least,
    )
    return [_from_inspector(message) for message in messages if message is not None]


def _has_large_columns(path: Path) -> bool:
    """Whether 200 rows of a table's column, such as masks, would fill the memory."""
    import h5py

    found = False

    def look(_: str, node: Any) -> bool | None:
        nonlocal found
        if isinstance(node, h5py.Dataset) and node.ndim > 1 and "neurodata_type" in node.attrs:
            rows = min(len(node), _N_ROWS)
            found = found or rows * node.nbytes // max(len(node), 1) > _LARGE_BYTES
        return True if found else None  # None: go on looking

    with h5py.File(path, "r") as file:
        if "processing" in file:
            file["processing"].visititems(look)
    return found


def _from_inspector(message: Any) -> RawFinding:
    level = message.importance.name
    check = message.check_function_name or ""
    text = " ".join(message.message.split())
    if level == "ERROR":  # an exception: its traceback is of no use to the person at the desk
        check = "unreadable"
        text = "pynwb cannot read the file: " + message.message.strip().splitlines()[-1]
    return RawFinding(
        source="pynwb" if level in {"PYNWB_VALIDATION", "ERROR"} else "NWB Inspector",
        severity=_INSPECTOR[level],
        check=check,
        location=message.location or "",
        message=text,
    )


def run_dandi(path: Path, *, root: Path | None) -> list[RawFinding]:
    """Run dandi's validation, which begins with that of pynwb.

    Parameters
    ----------
    path
        The NWB file.
    root
        The dandiset's folder, if the file lies in it as ``sub-X/sub-X_....nwb``; None leaves out
        the rules for names and folders.
    """
    from dandi.files import dandi_file

    asset = dandi_file(path, dandiset_path=root)
    return [_from_dandi(result) for result in asset.get_validation_errors()]


def _from_dandi(result: Any) -> RawFinding:
    """Map dandi's record; what it passes on from the others keeps their words, to be merged."""
    original = result.origin_result
    if hasattr(original, "importance"):
        return _from_inspector(original)
    if hasattr(original, "reason") and hasattr(original, "location"):
        return RawFinding(
            source="pynwb",
            severity="error",
            check=str(original.name),
            location=original.location or "",
            message=" ".join(original.reason.split()),
        )
    paths = result.within_asset_paths or {}
    return RawFinding(
        source="dandi",
        severity=_DANDI[result.severity.name] if result.severity is not None else "note",
        check=str(result.id),
        location=", ".join(str(place) for place in paths.values()),
        message=" ".join((result.message or str(result.id)).split()),
    )
