"""How far the engines agree on a real movie. Nobody knows its truth: no claim who is right.

    python -m benchmarks.agreement --clip FILE.avi [--work DIR] --caiman-python P
                                   --minian-python P

Every engine runs as in the table; CaImAn also with the point of the grid that looks for more seeds,
because with its demo's thresholds it may find nothing. Results are kept in the work folder and made
only once. The page between the marks of ``benchmarks/README.md`` is made of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import builtin, movies, render
from benchmarks.opponents.run import (
    interpreters,
    load_result,
    run_opponent,
    settings_of,
    version_of,
)
from benchmarks.opponents.settings import caiman_grid
from benchmarks.opponents.watch import Limits
from benchmarks.rows import DONE, Row, Rows, our_version, row_key
from benchmarks.scoring import Result, cosine, shift_error
from miniscope_nwb.testing.score import (
    activity_correlation,
    correlation,
    match_footprints,
    moved_footprints,
)

HERE = Path(__file__).parent
BEGIN, END = (
    "<!-- agreement: made by `python -m benchmarks.agreement` -->",
    "<!-- end of agreement -->",
)
MORE_SEEDS = "more seeds"  # the point of the grid
_TRACES = ("raw", "denoised", "deconvolved")
_TITLES = (
    "one", "other", "accepted by one", "by the other", "by both", "footprint cosine",
    "raw r", "denoised r", "deconvolved r", "shifts apart px",
)  # fmt: skip


@dataclass(frozen=True)
class Agreement:
    """Two results of one movie; medians over what both accept, NaN where that is nothing."""

    n_first: int  # accepted components
    n_second: int
    n_both: int
    footprint_cosine: float
    correlations: dict[str, float]  # of raw, denoised and deconvolved traces
    shift_px: float  # RMS length of the shifts' difference, a constant taken off


def agreement(first: Result, second: Result, movie: movies.BenchMovie) -> Agreement:
    """Compare the accepted components, the traces and the shifts of two results.

    Components are matched as those of the table with planted cells; a constant offset of the two
    fields is taken off before.
    """
    apart, offset = shift_error(second.shifts, first.shifts)
    place = (float(offset[0]), float(offset[1]))
    chosen = [np.flatnonzero(result.accepted) for result in (first, second)]
    masks = [
        moved_footprints(first.footprints[:, chosen[0]], movie.height, movie.width, place),
        second.footprints[:, chosen[1]],
    ]
    pairs = match_footprints(*masks, width=movie.width, cell_diameter_px=movie.cell_diameter_px)
    activity = partial(activity_correlation, rate_hz=movie.rate_hz)
    compared = {"raw": correlation, "denoised": correlation, "deconvolved": activity}
    both = [(chosen[0][a], chosen[1][b]) for a, b in pairs]
    return Agreement(
        n_first=len(chosen[0]),
        n_second=len(chosen[1]),
        n_both=len(pairs),
        footprint_cosine=_median(
            [cosine(_flat(masks[0], a), _flat(masks[1], b)) for a, b in pairs]
        ),
        correlations={
            name: _median([compare(first.traces[name][a], second.traces[name][b]) for a, b in both])
            for name, compare in compared.items()
        },
        shift_px=apart,
    )


@dataclass(frozen=True)
class Run:
    """What an engine did: its row, and what it found if it came to its end."""

    row: Row
    result: Result | None


def runs(movie: movies.BenchMovie, pythons: dict[str, str], work: Path) -> dict[str, Run]:
    """Run every engine, or read what it did before."""
    folder = work / "agreement"
    folder.mkdir(parents=True, exist_ok=True)
    rows = Rows(folder / "rows.jsonl")

    def kept(key: str, make: Callable[[Path], Row]) -> Run:
        path, row = folder / f"{key}.npz", rows.find(key)
        if row is None:  # the row comes last: a result without one is half written
            path.unlink(missing_ok=True)
            row = make(path)
            rows.add(row)
        return Run(row, load_result(path) if path.exists() else None)

    def ours(path: Path) -> Row:
        return builtin.run_builtin(movie, {}, Limits(), work=work, keep=path)

    def theirs(name: str, changes: dict[str, Any]) -> Run:
        python, settings = pythons[name], settings_of(name, movie, changes)

        def make(path: Path) -> Row:
            return run_opponent(name, movie, changes, Limits(), python, work=work, keep=path)

        return kept(row_key(movie.name, name, version_of(name, python), settings), make)

    points = {point["name"]: point["changes"] for point in caiman_grid(movie)}
    return {
        builtin.NAME: kept(row_key(movie.name, builtin.NAME, our_version(), {}), ours),
        "caiman": theirs("caiman", {}),
        f"caiman-mended, {MORE_SEEDS}": theirs("caiman-mended", points[MORE_SEEDS]),
        "minian": theirs("minian", {}),
    }


def page(made: dict[str, Run], movie: movies.BenchMovie) -> str:
    """Return the table: a line for each pair of engines, and who failed in its own words."""
    lines = ["| " + " | ".join(_TITLES) + " |", "|" + "---|" * len(_TITLES)]
    found = {name: run.result for name, run in made.items() if run.result is not None}
    for (one, first), (other, second) in combinations(found.items(), 2):
        same = agreement(first, second, movie)
        cells = [one, other, str(same.n_first), str(same.n_second), str(same.n_both)]
        traces = (same.correlations[name] for name in _TRACES)
        for value in (same.footprint_cosine, *traces, same.shift_px):
            cells.append(render.told(None if np.isnan(value) else value, 2))
        lines.append("| " + " | ".join(cells) + " |")
    size = f"{movie.width}x{movie.height}x{movie.n_frames}"
    versions = ", ".join(sorted({f"{run.row.engine} {run.row.version}" for run in made.values()}))
    failed = [
        f"- {name}: {run.row.outcome}" for name, run in made.items() if run.row.outcome != DONE
    ]
    failures = "\n\n" + "\n".join(failed) if failed else ""
    return f"{movie.name}, {size}. {versions}.\n\n" + "\n".join(lines) + failures


def put(movie: movies.BenchMovie, pythons: dict[str, str], work: Path) -> None:
    """Make the page anew."""
    text = page(runs(movie, pythons, work), movie)
    render.put_between(HERE / "README.md", text, begin=BEGIN, end=END)


def _flat(masks: Any, column: int) -> np.ndarray:
    return np.asarray(masks[:, [column]].todense(), float).ravel()


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, required=True, help="a real AVI")
    parser.add_argument("--work", type=Path, help="folder for movies and runs; kept")
    parser.add_argument("--caiman-python", required=True, help="interpreter that has CaImAn")
    parser.add_argument("--minian-python", required=True, help="interpreter that has minian")
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp(prefix="miniscope-nwb-bench-"))
    pythons = interpreters(given.caiman_python, given.minian_python)
    put(movies.clip(work / "movies", given.clip), pythons, work)


if __name__ == "__main__":
    sys.exit(main())
