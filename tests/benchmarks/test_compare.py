"""Opponents are compared with ours on the movies that both ran."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.compare import as_markdown
from benchmarks.rows import DONE, NOTHING, Row

OURS = Row(
    "hard-101", "builtin", "1", {}, DONE, figures={"f1": 0.9, "shift_px": 0.05}, wall_s=10.0,
    cpu_s=18.0, peak_memory_bytes=300_000_000, n_frames=3000, seconds={"images": 1, "extract": 4},
)  # fmt: skip
THEIRS = replace(
    OURS, engine="caiman", figures={"f1": 0.8, "shift_px": 0.07}, wall_s=100.0, cpu_s=180.0,
    peak_memory_bytes=2_400_000_000, seconds={"motion": 10, "extract": 60},
)  # fmt: skip


def told(*rows):
    text = as_markdown(rows, ours="builtin", engines=("builtin", "caiman"))
    titles, _, *lines = [line.strip("| ").split(" | ") for line in text.splitlines()]
    return [dict(zip(titles, line, strict=True)) for line in lines]


def test_figures_stand_side_by_side_and_what_it_takes_as_ratios():
    (line,) = told(OURS, THEIRS)
    assert (line["movies"], line["opponent"], line["seeds"]) == ("hard", "caiman", "1")
    assert (line["F1"], line["shift px"]) == ("0.900 / 0.800", "0.050 / 0.070")
    assert (line["wall x"], line["CPU x"], line["memory x"]) == ("10.0", "10.0", "8.0")
    assert line["CNMF-E wall x"] == "12.0"
    assert line["scratch x"] == line["block px"].split(" / ")[0] == "–"


def test_a_seed_that_the_opponent_did_not_run_is_left_out():
    (line,) = told(OURS, replace(OURS, movie="hard-102", figures={"f1": 0.1}), THEIRS)
    assert (line["seeds"], line["F1"]) == ("1", "0.900 / 0.800")


def test_ratios_are_of_the_movies_on_which_both_were_timed():
    other = [
        replace(row, movie="hard-102", wall_s=wall) for row, wall in ((OURS, None), (THEIRS, 7))
    ]
    (line,) = told(OURS, THEIRS, *other)
    assert (line["seeds"], line["wall x"]) == ("2", "10.0")


def test_an_opponent_that_failed_is_not_compared():
    assert told(OURS, replace(THEIRS, outcome="killed: 60 minutes")) == []


def test_nothing_found_counts_as_such_but_what_it_took_does_not():
    (line,) = told(OURS, replace(THEIRS, outcome=NOTHING, figures={"f1": 0.0}))
    assert (line["F1"], line["wall x"]) == ("0.900 / 0.000", "–")


def test_a_movie_without_truth_is_not_compared():
    rows = [replace(row, movie="clip-1", figures={}) for row in (OURS, THEIRS)]
    assert told(*rows) == []
