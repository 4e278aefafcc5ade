"""What each default of the processing is worth: one parameter changed at a time, on tuning seeds.

    python -m benchmarks.ablation [--work DIR] [--only extract|motion|preprocess|images]
                                  [--seed 7|8] [--render]

Each row is `process` on a simulated movie with one parameter changed. Rows stand in
``benchmarks/ablation.jsonl`` and are made only once; the page between the marks of
``benchmarks/README.md`` is made of them. The rules of acceptance have an ablation of their own
(`benchmarks/acceptance.py`), which needs no new extraction.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import movies
from benchmarks.builtin import NAME, run_builtin
from benchmarks.opponents.watch import Limits
from benchmarks.render import mean_of, put_between
from benchmarks.rows import DONE, Row, Rows, our_version, row_key

HERE = Path(__file__).parent
BEGIN, END = (
    "<!-- ablation: made by `python -m benchmarks.ablation` -->",
    "<!-- end of ablation -->",
)
LEVELS = ("moderate", "hard", "sparse", "nonrigid")
SEEDS = (7, 8)  # for tuning; nothing of the table is made on them
SIZE = {"width": 240, "height": 200, "frames": 1000}
CELL_PX = 8.0  # somata of these movies; lengths below are told in them
VARIANTS: dict[str, tuple[Any, ...]] = {
    "extract.n_false_seeds": (0.1, 0.3, 3.0, 10.0),
    "extract.second_seeding": (False,),
    "extract.n_rounds": (1, 3, 4),
    "extract.background_factor": (1, 4),
    "extract.n_background": (1, 2),
    "extract.ring_radius_px": (1.1 * CELL_PX, 2 * CELL_PX, 3 * CELL_PX),
    "extract.merge_threshold": (0.5, 0.6, 0.8, 0.9),
    "extract.ar_order": (1, 2),
    "preprocess.spatial_factor": (1, 2),
    "preprocess.temporal_factor": (1, 2, 4),
    "preprocess.remove_glow": (True,),
    "motion.method": ("rigid", "piecewise", "none"),
    "motion.piecewise_threshold_px": (0.1, 1.0),
    "motion.highpass_px": (0.25 * CELL_PX, CELL_PX, 2 * CELL_PX),
    "motion.block_px": (32, 64),
    "motion.n_template_frames": (50, 100, 200, 800),
    "motion.n_template_rounds": (1, 2, 5),
    "images.n_sample_frames": (100, 300, 600),
}
SHOWN = {  # means over all movies; F1 of each level stands before them
    "recall_all": 3, "footprint_cosine": 3, "denoised_r": 3, "deconvolved_r": 3,
    "event_auc": 3, "shift_px": 3, "block_px": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Ablation:
    """The rows, and where movies and runs are made."""

    work: Path
    rows: Rows

    def fill(self, sections: list[str], seeds: Sequence[int] = SEEDS) -> None:
        """Make the rows that are missing, movie after movie."""
        for seed in seeds:
            for level in LEVELS:
                movie = movies.simulated(self.work / "movies", level=level, seed=seed, **SIZE)
                for change in ({}, *changes(sections)):
                    self._row(movie, change)

    def _row(self, movie: movies.BenchMovie, change: dict[str, Any]) -> None:
        if self.rows.find(row_key(movie.name, NAME, our_version(), change)) is not None:
            return
        made = run_builtin(movie, change, Limits(), work=self.work)
        self.rows.add(made)
        print(f"{movie.name} {change or 'defaults'}: F1 {made.figures.get('f1')}", flush=True)


def changes(sections: list[str]) -> list[dict[str, Any]]:
    """Return one changed parameter at a time, of some stages or of all."""
    return [
        {name: value}
        for name, values in VARIANTS.items()
        if not sections or name.split(".")[0] in sections
        for value in values
    ]


def page(rows: Rows) -> str:
    """Return the table: F1 of each level, then means over the movies, the defaults first.

    Movies on which fewer changes ran than on others would make a line of it another mean than the
    next one: they wait until they are whole.
    """
    newest = whole_movies(newest_version(rows))
    base = [row for row in newest if not row.parameters]
    levels = [level for level in LEVELS if any(_level(row) == level for row in base)]
    titles = [
        "changed",
        *(f"F1 {level}" for level in levels),
        *(name.replace("_", " ") for name in SHOWN),
        "CPU, in the defaults'",
    ]
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for change in ({}, *changes([])):
        made = [row for row in newest if row.parameters == change]
        if made:
            lines.append(_line(_words(change), made, base, levels))
    names = sorted({row.movie for row in base})
    return f"Means over {len(names)} movies ({', '.join(names)}).\n\n" + "\n".join(lines)


def newest_version(rows: Rows) -> list[Row]:
    """Return the rows of the code that was run last: older ones are history."""
    newest = max(rows, key=lambda row: row.made_at, default=None)
    return [] if newest is None else [row for row in rows if row.version == newest.version]


def whole_movies(rows: list[Row]) -> list[Row]:
    """Return the rows of the movies on which the most changes ran."""
    ran = Counter(row.movie for row in rows)
    most = max(ran.values(), default=0)
    return [row for row in rows if ran[row.movie] == most]


def _level(row: Row) -> str:
    return row.movie.split("-")[0]


def _words(change: dict[str, Any]) -> str:
    return ", ".join(f"`{name}` {value}" for name, value in change.items()) or "nothing"


def _line(words: str, made: list[Row], base: list[Row], levels: Sequence[str]) -> str:
    """Return a row: only movies that the defaults ran on too, on that machine, are compared."""
    cost = {(row.movie, row.machine): row.cpu_s for row in base if row.cpu_s}
    ratios = [
        row.cpu_s / cost[row.movie, row.machine]
        for row in made
        if row.cpu_s and (row.movie, row.machine) in cost
    ]
    of_levels = ([row for row in made if _level(row) == level] for level in levels)
    values = [(mean_of(rows, "f1"), 3) for rows in of_levels]
    values += [(mean_of(made, name), decimals) for name, decimals in SHOWN.items()]
    cells = [words, *("–" if value is None else f"{value:.{n}f}" for value, n in values)]
    cells.append(f"{sum(ratios) / len(ratios):.2f}" if ratios else "–")
    failed = [row for row in made if row.outcome != DONE]
    if failed:
        cells[0] += f" ({len(failed)} failed: {failed[0].outcome})"
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, help="folder for movies and runs; kept")
    parser.add_argument("--only", action="append", default=[], help="parameters of this stage")
    parser.add_argument("--seed", type=int, action="append", choices=SEEDS, help="only this seed")
    parser.add_argument("--render", action="store_true", help="only make the page of the rows")
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp(prefix="miniscope-nwb-bench-"))
    (work / "movies").mkdir(parents=True, exist_ok=True)
    ablation = Ablation(work, Rows(HERE / "ablation.jsonl"))
    if not given.render:
        ablation.fill(given.only, given.seed or SEEDS)
    put_between(HERE / "README.md", page(ablation.rows), begin=BEGIN, end=END)


if __name__ == "__main__":
    sys.exit(main())
