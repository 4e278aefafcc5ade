"""The command of the table goes on where it stopped, and makes again what it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

import benchmarks.__main__ as table
from benchmarks import movies
from benchmarks.opponents.settings import caiman_grid
from benchmarks.rows import DONE, Row, Rows

MOVIE = movies.BenchMovie(
    "hard-1", Path(), 300, 40, 48, rate_hz=20.0, cell_diameter_px=8.0, pixel_size_um=1.0,
    decay_s=0.5, is_bending=True,
)  # fmt: skip


@pytest.fixture
def outcomes(monkeypatch):
    """What the opponent will say, run after run."""
    said = []

    def run(name, movie, parameters, limits, python, *, work):
        settings = table.settings_of(name, movie, parameters)
        return Row(movie.name, name, "1", parameters, said.pop(0), settings=settings, wall_s=1.0)

    monkeypatch.setattr(table, "version_of", lambda *_: "1")
    monkeypatch.setattr(table, "run_opponent", run)
    return said


def test_kinds_of_movies_stand_in_the_order_of_the_table(tmp_path):
    rows = Rows(tmp_path / "rows")
    movies_run = ("clip-2", "minisim-v4-9x9x9-seed201", "noise-9x9x9-seed201", "easy-9x9x9-seed202")
    for day, movie in enumerate(movies_run):
        for engine in ("builtin", "caiman"):
            made_at = f"2026-01-0{day + 1}"
            row = Row(movie, engine, "1", {}, DONE, figures={"f1": 1.0}, made_at=made_at)
            rows.add(row)
    text = table.page(rows, engines=table.ENGINES)
    found = [line for line in text.splitlines() if line.startswith("### ")][1:-1]
    assert found == ["### easy-9x9x9", "### noise-9x9x9", "### minisim-v4-9x9x9", "### clip"]
    against = [
        line.split(" | ")[0] for line in text.splitlines() if "| caiman | 1 | 1.000 /" in line
    ]
    assert against == ["| easy-9x9x9", "| noise-9x9x9", "| minisim-v4-9x9x9", "| clip"]


def test_a_failed_run_is_made_again_only_if_asked(outcomes, tmp_path):
    outcomes += ["out of time: more than 60 minutes", DONE]

    def row(**choices):
        bench = table.Bench(tmp_path, Rows(tmp_path / "rows"), {"caiman": "python"}, **choices)
        return bench.row("caiman", MOVIE, {}).outcome

    assert row().startswith("out of time")
    assert row().startswith("out of time")
    assert row(retry=True) == DONE
    assert row(retry=True) == DONE  # no more to say: it is not run again
    assert outcomes == []


class Tried:
    """A bench on which the points of the grid score as told."""

    def __init__(self, *scores: float | None):
        self.scores = list(scores)

    def row(self, name, movie, parameters):
        return Row(movie.name, name, "1", parameters, DONE, figures={"f1": self.scores.pop(0)})


def test_the_best_point_of_the_grid_is_the_first_of_equals():
    points = [point["changes"] for point in caiman_grid(MOVIE)]
    scores = (0.5, None, 0.8, 0.8, 0.7, 0.2)
    assert len(points) == len(scores)
    assert table.best_point(Tried(*scores), MOVIE) == points[2]


def test_no_point_is_tried_after_one_that_finds_all():
    bench = Tried(0.5, 1.0, 0.9)
    points = [point["changes"] for point in caiman_grid(MOVIE)]
    assert table.best_point(bench, MOVIE) == points[1]
    assert bench.scores == [0.9]


def test_the_quick_table_leaves_out_what_takes_long():
    kept = {
        group: [name for name in table.ENGINES if table.is_quick(name, group)]
        for group in ("easy", "hard", "clip")
    }
    everywhere = ["builtin", "caiman", "caiman-mended"]
    assert kept == {"easy": [*everywhere, "minian"], "hard": everywhere, "clip": everywhere}
