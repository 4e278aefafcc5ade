"""The public table: every engine on every movie, the rows kept, the page made anew.

    python -m benchmarks [--quick] [--work DIR] [--caiman-python P] [--minian-python P]
                         [--minisim-python P] [--clip FILE.avi] [--movie NAME] [--engine NAME]

The interpreters have the opponents and the independent simulator; nothing is installed from here,
and what has no interpreter is left out. Rows stand in ``benchmarks/rows.jsonl``: a run that is
there is not made again, so that the command goes on where it was stopped, on another machine too
(``--here`` makes those again that only another one made). Where the simulator or the judging is
changed, remove the rows that depend on it. At the end the table in ``benchmarks/README.md`` and the
figure are made of all rows; their seconds are those of the machine on which ours ran last.
``--quick`` takes small movies and one seed, the grid not at all and minian on one movie, prints its
table and changes nothing here.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import agreement, builtin, compare, movies, render
from benchmarks.opponents.run import interpreters, run_opponent, settings_of, version_of
from benchmarks.opponents.settings import caiman_grid
from benchmarks.opponents.watch import Limits
from benchmarks.rows import (
    JUDGED,
    Row,
    Rows,
    latest,
    machine,
    machine_of,
    our_version,
    row_key,
    timed_on,
)

HERE = Path(__file__).parent
LEVELS = ("easy", "moderate", "hard", "nonrigid", "sparse", "noise")
MINISIM = ("moderate", "v4")
MOVIES = (*LEVELS, *(f"minisim-{kind}" for kind in MINISIM), "large", "clip")
TUNING_SEED = 7  # of the grid; nothing of the table is made on it
TUNED_ON = {"large": "moderate"}  # movies of another size take the point of their level
SEEDS = (201, 202, 203, 204, 205)  # of the table; tuned on others (what was looked at: README)
OPPONENTS_SEEDS, SLOW_SEEDS = 3, 1  # so many of them; one for what takes many minutes a movie
BEST = "caiman-mended-grid"
ENGINES = (builtin.NAME, "caiman", "caiman-mended", BEST, "minian")
WITHOUT_CELLS = ("noise", "clip")  # nothing planted that is known: no point of a grid is best
QUICK = {"width": 160, "height": 140, "frames": 600}
QUICK_FOR_MINIAN = "easy"  # it and the grid would take half an hour on all of them

Maker = Callable[[], movies.BenchMovie]


@dataclass(frozen=True)
class Movie:
    """A movie of the table; it is made when it is needed."""

    group: str
    place: int  # of its seed
    make: Maker


@dataclass(frozen=True)
class Bench:
    """What a command was given."""

    work: Path
    rows: Rows
    interpreters: dict[str, str]
    limits: Limits = field(default_factory=Limits)
    machine: str | None = None  # rows of other machines are made again
    retry: bool = False  # runs that failed are made again

    def row(self, name: str, movie: movies.BenchMovie, parameters: dict[str, Any]) -> Row:
        """Return the row of an engine on a movie, made only if it is not there."""
        if name == builtin.NAME:
            version, settings = our_version(), parameters
        else:
            version = version_of(name, self.interpreters[name])
            settings = settings_of(name, movie, parameters)
        key = row_key(movie.name, name, version, settings)
        found = self.rows.find(key, machine=self.machine)
        if found is not None and (found.outcome in JUDGED or not self.retry):
            return found
        print(f"{name} on {movie.name} {parameters or ''}", flush=True)
        if name == builtin.NAME:
            made = builtin.run_builtin(movie, parameters, self.limits, work=self.work)
        else:
            python = self.interpreters[name]
            made = run_opponent(name, movie, parameters, self.limits, python, work=self.work)
        self.rows.add(made)
        figure = made.figures.get("f1")
        print(f"    {made.outcome}; F1 {figure}; {made.wall_s:.0f} s", flush=True)
        return made


def movies_of_the_table(folder: Path, given: argparse.Namespace) -> Iterator[Movie]:
    """Name the movies, seed after seed, so that an unfinished table is even."""
    size = QUICK if given.quick else {}
    for place, seed in enumerate(SEEDS[:1] if given.quick else SEEDS):
        for level in LEVELS:
            make = partial(movies.simulated, folder, level=level, seed=seed, **size)
            yield Movie(level, place, make)
        if given.minisim_python:
            for kind in MINISIM:
                make = partial(
                    movies.minisim, folder, kind, python=given.minisim_python, seed=seed, **size
                )
                yield Movie(f"minisim-{kind}", place, make)
    if not given.quick:
        large = partial(movies.simulated, folder, level="moderate", seed=SEEDS[0], **movies.LARGE)
        yield Movie("large", 0, large)
    if given.clip:
        yield Movie("clip", 0, partial(movies.clip, folder, given.clip))


def engines_on(movie: Movie, bench: Bench) -> Iterator[str]:
    """Say who runs on a movie: ours on every seed, the slowest on one."""
    most = {builtin.NAME: len(SEEDS), "caiman": SLOW_SEEDS, "minian": SLOW_SEEDS}
    for name in ENGINES:
        python = "caiman-mended" if name == BEST else name
        has_it = name == builtin.NAME or bool(bench.interpreters.get(python))
        if has_it and movie.place < most.get(name, OPPONENTS_SEEDS):
            yield name


def is_quick(name: str, group: str) -> bool:
    """Say whether an engine runs on a kind of movie where the table is to be quick."""
    return name != BEST and (name != "minian" or group == QUICK_FOR_MINIAN)


def tuning_movie(folder: Path, group: str, given: argparse.Namespace) -> movies.BenchMovie:
    """Return the movie of the tuning seed on which the grid is tried for a kind of movie."""
    size = QUICK if given.quick else {}
    kind = TUNED_ON.get(group, group)
    if kind in LEVELS:
        return movies.simulated(folder, level=kind, seed=TUNING_SEED, **size)
    return movies.minisim(
        folder, kind.removeprefix("minisim-"), python=given.minisim_python, seed=TUNING_SEED, **size
    )


def best_point(bench: Bench, tuned: movies.BenchMovie) -> dict[str, Any]:
    """Return the point of the grid that is best on a movie of the tuning seed, the first of equals.

    Once a point finds every cell and nothing else, no other can be better.
    """
    best: dict[str, Any] = {}
    most = -1.0
    for point in caiman_grid(tuned):
        f1 = bench.row("caiman-mended", tuned, point["changes"]).figures.get("f1") or 0.0
        if f1 > most:
            best, most = dict(point["changes"]), f1
        if most == 1.0:
            break
    return best


def fill(bench: Bench, folder: Path, given: argparse.Namespace) -> None:
    """Make the rows that are missing."""
    for movie in movies_of_the_table(folder, given):
        if given.movie and movie.group not in given.movie:
            continue
        for name in engines_on(movie, bench):
            if (given.engine and name not in given.engine) or (
                given.quick and not is_quick(name, movie.group)
            ):
                continue
            if name != BEST:
                bench.row(name, movie.make(), {})
            elif movie.group not in WITHOUT_CELLS:
                point = best_point(bench, tuning_movie(folder, movie.group, given))
                made = bench.row("caiman-mended", movie.make(), point)
                bench.rows.add(replace(made, engine=BEST))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, help="folder for movies and runs; kept")
    parser.add_argument("--caiman-python", default="", help="interpreter that has CaImAn")
    parser.add_argument("--minian-python", default="", help="interpreter that has minian")
    parser.add_argument("--minisim-python", default="", help="interpreter that has minisim")
    parser.add_argument("--clip", type=Path, help="a real AVI: runs only, no truth")
    parser.add_argument("--movie", action="append", choices=MOVIES, help="only this kind of movie")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="only these engines")
    parser.add_argument("--here", action="store_true", help="make again what other machines made")
    parser.add_argument("--retry", action="store_true", help="make failed runs again")
    parser.add_argument("--quick", action="store_true", help="small movies, one seed, kept nowhere")
    parser.add_argument("--render", action="store_true", help="only make the page of the rows")
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp(prefix="miniscope-nwb-bench-"))
    folder = work / "movies"
    folder.mkdir(parents=True, exist_ok=True)
    kept = work / "quick.jsonl" if given.quick else HERE / "rows.jsonl"
    pythons = interpreters(given.caiman_python, given.minian_python)
    bench = Bench(
        work, Rows(kept), pythons, machine=machine() if given.here else None, retry=given.retry
    )
    if not given.render:
        fill(bench, folder, given)
    text = page(bench.rows, engines=ENGINES)
    if given.quick:
        print(text)
        return
    render.put_between(HERE / "README.md", text)
    shown = of_the_table(bench.rows)
    timed = timed_on(shown, machine_of(shown, ours=builtin.NAME))
    render.draw(timed, HERE / "figures", engines=ENGINES)
    if given.clip and all(pythons.values()) and not given.render:
        agreement.put(movies.clip(folder, given.clip), pythons, work)


def page(rows: Rows, *, engines: tuple[str, ...]) -> str:
    """Return the table of all rows, with what they were measured on."""
    every = sorted(of_the_table(rows), key=_place)
    where = machine_of(every, ours=builtin.NAME)
    shown = timed_on(every, where)
    groups = list(dict.fromkeys(render.group_of(row) for row in every))
    versions, timed = _versions(every), _versions(row for row in every if row.machine == where)
    head = f"Versions: {versions}. Seconds: {where}" + (
        "." if timed == versions else f", where the newest are {timed}."
    )
    against = compare.as_markdown(shown, ours=builtin.NAME, engines=engines)
    ours = [row for row in every if row.engine == builtin.NAME]
    return "\n\n".join(
        [
            head,
            "### Against each opponent, on the movies that both ran",
            "ours / theirs, and how many times ours they take",
            against,
            render.as_markdown(shown, engines=engines, groups=groups),
            "### Where our time goes",
            "Wall seconds of each stage, the newest runs.",
            render.stages(timed_on(ours, where), engine=builtin.NAME),
        ]
    )


def _place(row: Row) -> tuple[int, str]:
    """Return where a row stands on the page: kinds of movies from easy to real."""
    kinds = [kind for kind in MOVIES if row.movie.startswith(kind)]
    return (MOVIES.index(kinds[0]) if kinds else len(MOVIES), row.movie)


def _versions(rows: Iterable[Row]) -> str:
    return ", ".join(sorted({f"{row.engine} {row.version}" for row in latest(rows)}))


def of_the_table(rows: Rows) -> list[Row]:
    """Leave out the runs on the tuning seed, and opponents' other parameters."""
    return [
        row
        for row in rows
        if not row.movie.endswith(f"-seed{TUNING_SEED}")
        and (row.engine == BEST or not row.parameters)
    ]


if __name__ == "__main__":
    sys.exit(main())
