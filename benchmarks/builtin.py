"""Our built-in engine on a movie of the table: `process` as a user runs it, no parameter given."""

from __future__ import annotations

import datetime
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.movie_files import as_nwb
from benchmarks.movies import BenchMovie
from benchmarks.opponents.run import costs
from benchmarks.opponents.saved import save_result
from benchmarks.opponents.watch import Limits, watch
from benchmarks.rows import DONE, NOTHING, Row, machine, our_version
from benchmarks.scoring import Blocks, Result, figures

NAME = "builtin"
_TRACES = {"raw": "fluorescence", "denoised": "denoised", "deconvolved": "deconvolved"}


def run_builtin(
    movie: BenchMovie,
    parameters: dict[str, Any],
    limits: Limits,
    *,
    work: Path | None = None,
    keep: Path | None = None,
) -> Row:
    """Run `process` on an NWB file of the movie and judge what stands in the file afterwards.

    Parameters
    ----------
    movie
        Wrapped into an NWB file that knows its rate, size of pixels and indicator.
    parameters
        What differs from the defaults, ``stage.key`` to value.
    limits
        Seconds and bytes beyond which it is stopped; its threads.
    work
        Folder for the run's own folder, which is removed.
    keep
        File into which the result is saved, for `load_result`.
    """
    row = Row(
        movie.name, NAME, our_version(), parameters, "", n_frames=movie.n_frames,
        machine=machine(), made_at=datetime.datetime.now(datetime.UTC).isoformat("T", "minutes"),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(dir=work, prefix=f"{NAME}-") as made:
        folder = Path(made)
        path, scratch = folder / "movie.nwb", folder / "scratch"
        scratch.mkdir()
        as_nwb(movie, path)
        given = [
            text
            for name, value in parameters.items()
            for text in ("-p", f"{name}={json.dumps(value)}")
        ]
        command = [
            sys.executable, "-m", "miniscope_nwb", "process", str(path), "--engine", NAME,
            "--scratch", str(scratch), "--threads", str(limits.n_processes), "--quiet", *given,
        ]  # fmt: skip
        took = watch(
            command, folder=folder, scratch=scratch, limits=limits, environment=_with_this_package()
        )
        row = replace(row, outcome=took.outcome, **costs(took))
        if took.outcome != DONE:
            return row
        found, seconds = read_result(path)
        if keep is not None:
            save_result(
                keep, found.footprints, found.accepted, found.traces, found.shifts,
                blocks=found.blocks and (found.blocks.centres, found.blocks.shifts),
                seconds=seconds, version=row.version,
            )  # fmt: skip
        return _judged(replace(row, seconds=seconds), found, movie)


def _with_this_package() -> dict[str, str]:
    """Return variables by which the command imports the package whose version the row names.

    A checkout beside the installed one would be asked for its version, and the other one run.
    """
    import miniscope_nwb

    root = str(Path(miniscope_nwb.__file__).resolve().parents[1])
    known = os.environ.get("PYTHONPATH", "")
    return os.environ | {"PYTHONPATH": os.pathsep.join([root, known] if known else [root])}


def read_result(path: Path) -> tuple[Result, dict[str, float]]:
    """Read the last run of a processed file, and the seconds of its stages."""
    import miniscope_nwb

    with miniscope_nwb.open(path) as session:
        run = session.run()
        blocks = None
        if run.blocks is not None and run.block_shifts_px is not None:
            where = run.blocks
            centres = np.stack(
                [(where.x_start + where.x_stop - 1) / 2, (where.y_start + where.y_stop - 1) / 2],
                axis=1,
            )
            blocks = Blocks(centres, np.array(run.block_shifts_px, float))
        found = Result(
            footprints=run.footprints,
            accepted=run.cells["accepted"].to_numpy(bool),
            traces={name: np.array(run.trace(stored)) for name, stored in _TRACES.items()},
            shifts=np.array(run.shifts_px),
            blocks=blocks,
        )
        timings = run.timings
        seconds = dict(zip(timings["stage"], timings["seconds"].astype(float), strict=True))
    return found, seconds


def _judged(row: Row, found: Result, movie: BenchMovie) -> Row:
    truth = movie.truth()
    if truth is None:
        return row if found.footprints.shape[1] else replace(row, outcome=NOTHING)
    judged = figures(found, truth.cells, true_shifts=truth.shifts, true_blocks=truth.blocks)
    row = replace(row, figures=judged.as_json())
    if not judged.n_found and truth.cells.footprints.shape[1]:
        row = replace(row, outcome=NOTHING)
    return row
