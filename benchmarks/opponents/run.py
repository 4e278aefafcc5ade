"""One opponent on one movie: a worker in the opponent's interpreter, measured and judged here."""

from __future__ import annotations

import datetime
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.movies import BenchMovie
from benchmarks.opponents.saved import TRACES
from benchmarks.opponents.settings import caiman_parameters, minian_parameters
from benchmarks.opponents.watch import Limits, Watched, watch
from benchmarks.rows import DONE, NOTHING, Row, machine
from benchmarks.scoring import Blocks, Result, figures

_HERE = Path(__file__).parent
_ASKS = "import importlib.metadata as m; print(m.version('{}'))"


@dataclass(frozen=True)
class Opponent:
    """How an opponent is run."""

    worker: Path
    package: str  # whose version is the opponent's
    recommended: Callable[[BenchMovie], dict[str, Any]]  # what its documentation says
    job: dict[str, Any]  # besides movie, parameters and folders


OPPONENTS = {
    "caiman": Opponent(
        _HERE / "caiman_worker.py", "caiman", caiman_parameters, {"mended": False}
    ),
    "caiman-mended": Opponent(
        _HERE / "caiman_worker.py", "caiman", caiman_parameters, {"mended": True}
    ),
    "minian": Opponent(_HERE / "minian_worker.py", "minian", minian_parameters, {}),
}  # fmt: skip


def interpreters(caiman: str, minian: str) -> dict[str, str]:
    """Say which Python runs which opponent; an empty name: none."""
    return {name: minian if name == "minian" else caiman for name in OPPONENTS}


def run_opponent(
    name: str,
    movie: BenchMovie,
    parameters: dict[str, Any],
    limits: Limits,
    interpreter: str,
    *,
    work: Path | None = None,
    keep: Path | None = None,
) -> Row:
    """Run an opponent and judge what it found; its failure is a row like every other.

    Parameters
    ----------
    name
        One of `OPPONENTS`.
    movie
        As `benchmarks.movies` makes and finds them; without truth there are no figures.
    parameters
        What differs from the documentation's recommendation, by the opponent's own names.
    limits
        Seconds and bytes beyond which it is stopped, and how many processes it may use.
    interpreter
        The Python that has the opponent.
    work
        Folder for the run's own folder, which is removed; the system's by default.
    keep
        File to which the result is copied, for `load_result`.
    """
    opponent = OPPONENTS[name]
    settings = settings_of(name, movie, parameters)
    row = Row(
        movie.name, name, version_of(name, interpreter), parameters, "", n_frames=movie.n_frames,
        machine=machine(), made_at=datetime.datetime.now(datetime.UTC).isoformat("T", "minutes"),
        settings=settings,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(
        dir=work,
        prefix=f"{name}-",
        ignore_cleanup_errors=True,  # its processes may be writing still
    ) as made:
        folder = Path(made)
        job = {**opponent.job, "parameters": settings}
        watched, result = _run(opponent.worker, job, movie, limits, interpreter, folder)
        row = replace(row, outcome=watched.outcome, **costs(watched))
        if watched.outcome != DONE:
            return row
        if keep is not None:
            keep.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(result, keep)
        try:
            return _judged(row, result, movie)
        except ValueError as error:  # footprints that are not finite, arrays that do not fit
            return replace(row, outcome=f"its result cannot be judged: {error}")


def settings_of(name: str, movie: BenchMovie, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return all that an opponent is given: what is recommended, and what differs from it."""
    return OPPONENTS[name].recommended(movie) | parameters


def _run(
    worker: Path, job: dict[str, Any], movie: BenchMovie, limits: Limits, python: str, folder: Path
) -> tuple[Watched, Path]:
    scratch, result = folder / "scratch", folder / "result.npz"
    scratch.mkdir()
    whole = {
        **job, **movie.as_job(), "scratch": str(scratch), "result": str(result),
        "n_processes": limits.n_processes, "memory_bytes": limits.memory_bytes,
    }  # fmt: skip
    (folder / "job.json").write_text(json.dumps(whole), encoding="utf-8")
    command = [python, str(worker), str(folder / "job.json")]
    watched = watch(command, folder=folder, scratch=scratch, limits=limits)
    if watched.outcome == DONE and not result.is_file():
        watched = replace(watched, outcome="ended without a result")
    return watched, result


def costs(watched: Watched) -> dict[str, Any]:
    """Return what a run took, by the names of a row."""
    return {
        "wall_s": watched.wall_s, "cpu_s": watched.cpu_s,
        "peak_memory_bytes": watched.peak_memory_bytes,
        "peak_scratch_bytes": watched.peak_scratch_bytes,
        "others_cores": watched.others_cores,
    }  # fmt: skip


def _judged(row: Row, path: Path, movie: BenchMovie) -> Row:
    """Add the stages' seconds and, where the truth is known, the figures."""
    found = load_result(path)
    with np.load(path) as saved:
        seconds = {name: float(value) for name, value in json.loads(str(saved["seconds"])).items()}
    row = replace(row, seconds=seconds)
    truth = movie.truth()
    if truth is not None:
        judged = figures(
            found, truth.cells, true_shifts=truth.shifts, true_blocks=truth.blocks
        ).as_json()
        row = replace(row, figures=judged)
    is_right_to_find_none = truth is not None and not truth.cells.footprints.shape[1]
    if not found.footprints.shape[1] and not is_right_to_find_none:
        row = replace(row, outcome=NOTHING)
    return row


def load_result(path: Path) -> Result:
    """Read what a worker saved."""
    from scipy.sparse import csc_array

    with np.load(path) as saved:
        parts = (saved["data"], saved["indices"], saved["indptr"])
        footprints = csc_array(parts, shape=tuple(saved["shape"].tolist()))
        has_blocks = len(saved["centres"]) > 0
        return Result(
            footprints=footprints,
            accepted=saved["accepted"],
            traces={name: saved[name] for name in TRACES},
            shifts=saved["shifts"],
            blocks=Blocks(saved["centres"], saved["block_shifts"]) if has_blocks else None,
        )


def version_of(name: str, interpreter: str) -> str:
    """Return the version of an opponent; one sentence where the interpreter does not have it."""
    package = OPPONENTS[name].package
    asked = subprocess.run(
        [interpreter, "-c", _ASKS.format(package)], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise SystemExit(f"{interpreter} has no {package}: give an interpreter that has it.")
    return asked.stdout.strip()
