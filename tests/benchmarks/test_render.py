"""The table says what the rows hold: means over seeds, failures in their own words."""

from dataclasses import replace

import pytest

from benchmarks.render import BEGIN, END, as_markdown, draw, put_between, stages
from benchmarks.rows import DONE, Row

ROW = Row(
    "hard-101", "builtin", "1", {}, DONE, figures={"f1": 0.9, "block_px": None}, wall_s=10.0,
    cpu_s=18.0, peak_memory_bytes=300_000_000, n_frames=3000, made_at="2026-01-01T00:00:00",
)  # fmt: skip
ENGINES = ("builtin", "minian")


def test_seeds_are_averaged():
    rows = [ROW, replace(ROW, movie="hard-102", figures={"f1": 1.0}, wall_s=20.0)]
    text = as_markdown(rows, engines=ENGINES, groups=["easy", "hard"])
    assert "### easy" not in text
    title, row = text.splitlines()[2], text.splitlines()[4]
    told = dict(zip(title.split(" | "), row.split(" | "), strict=True))
    assert told["| engine"] == "| builtin"
    assert (told["seeds"], told["F1"], told["wall s"], told["memory MB"]) == (
        "2", "0.950", "15", "300",
    )  # fmt: skip
    assert told["frames/s |"] == "225.0 |"
    assert told["scratch MB"] == "–"
    assert "block px" not in told


def test_a_failure_is_told_and_not_averaged():
    died = replace(
        ROW, engine="minian", outcome="killed: it held 21.0 GB of 20.0", figures={}, wall_s=None
    )
    text = as_markdown([ROW, died], engines=ENGINES, groups=["hard"])
    assert "| minian | 0 of 1 | – |" in text
    assert "- minian on hard-101: killed: it held 21.0 GB of 20.0" in text


def test_the_newest_version_counts():
    newer = replace(ROW, version="2", figures={"f1": 0.5}, made_at="2026-02-01T00:00:00")
    text = as_markdown([newer, ROW], engines=ENGINES, groups=["hard"])
    assert "| builtin | 1 | 0.500 |" in text


def test_stages_are_told_and_what_lies_beside_them():
    timed = replace(ROW, seconds={"extract": 5.0, "motion": 3.0})  # rows may know another order
    other = replace(timed, movie="hard-102", seconds={"motion": 4.0, "extract": 6.0}, wall_s=12.0)
    lines = stages([timed, other, replace(timed, engine="minian")], engine="builtin").splitlines()
    assert lines[0] == "| movies | seeds | motion | extract | start, writing | all |"
    assert lines[2:] == ["| hard | 2 | 3.5 | 5.5 | 2.0 | 11.0 |"]


def test_only_what_stands_between_the_marks_is_replaced(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"# Head\n{BEGIN}\nold\n{END}\ntail\n")
    put_between(page, "new")
    assert page.read_text() == f"# Head\n{BEGIN}\n\nnew\n\n{END}\ntail\n"
    page.write_text("# Head\n")
    with pytest.raises(ValueError, match=r"README\.md has no"):
        put_between(page, "new")


def test_the_figure_is_the_same_for_the_same_rows(tmp_path):
    for name in ("a", "b"):
        draw([ROW], tmp_path / name, engines=ENGINES)
    assert (tmp_path / "a/f1.svg").read_bytes() == (tmp_path / "b/f1.svg").read_bytes()
