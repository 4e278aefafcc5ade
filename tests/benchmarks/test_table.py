"""The command of the table goes on where it stopped, and makes again what it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

import benchmarks.__main__ as table
from benchmarks import movies
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
