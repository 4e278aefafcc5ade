"""Rows of the table are kept, known again and never made twice."""

from dataclasses import replace

from benchmarks.rows import DONE, Row, Rows, machine_of, our_version, row_key, timed_on

ROW = Row("moderate-101", "builtin", "1", {"p": 1}, DONE, figures={"f1": 0.9}, wall_s=3.0)


def test_rows_are_read_back(tmp_path):
    path = tmp_path / "rows.jsonl"
    Rows(path).add(ROW)
    again = Rows(path)
    assert list(again) == [ROW]
    assert again.find(row_key("moderate-101", "builtin", "1", {"p": 1})) == ROW
    assert again.find(row_key("moderate-101", "builtin", "2", {"p": 1})) is None


def test_what_is_recommended_is_part_of_what_identifies_a_row():
    old = replace(ROW, settings={"p": 1, "min_corr": 0.8})
    assert old.key != replace(ROW, settings={"p": 1, "min_corr": 0.7}).key
    assert old.key == row_key("moderate-101", "builtin", "1", {"p": 1, "min_corr": 0.8})


def test_a_row_made_again_takes_the_place_of_the_old_one(tmp_path):
    rows = Rows(tmp_path / "rows.jsonl")
    rows.add(ROW)
    rows.add(replace(ROW, parameters={"p": 2}))
    rows.add(replace(ROW, outcome="killed: took 21 GiB of 20", wall_s=5.0))
    assert [(row.parameters["p"], row.wall_s) for row in Rows(tmp_path / "rows.jsonl")].count(
        (1, 5.0)
    ) == 1
    assert len(list(rows)) == 2


def test_the_file_does_not_depend_on_the_order_of_making(tmp_path):
    others = [ROW, replace(ROW, movie="easy-101"), replace(ROW, engine="minian")]
    for name, order in (("a", others), ("b", others[::-1])):
        rows = Rows(tmp_path / name)
        for row in order:
            rows.add(row)
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()


def test_another_machine_makes_a_row_beside(tmp_path):
    rows = Rows(tmp_path / "rows.jsonl")
    rows.add(replace(ROW, machine="slow", made_at="2026-01-01"))
    rows.add(replace(ROW, machine="fast", made_at="2026-01-02", wall_s=1.0))
    again = Rows(tmp_path / "rows.jsonl")
    assert len(list(again)) == 2
    assert again.find(ROW.key).machine == "fast"
    assert again.find(ROW.key, machine="slow").wall_s == 3.0
    assert again.find(ROW.key, machine="other") is None


def test_seconds_are_of_one_machine_and_figures_of_the_newest_code():
    old = replace(
        ROW, machine="a", made_at="2026-01-01", seconds={"extract": 2.0}, cpu_s=5.0,
        others_cores=0.1,
    )  # fmt: skip
    new = replace(
        old, machine="b", made_at="2026-02-01", version="2", figures={"f1": 1.0}, wall_s=9
    )
    theirs = replace(old, engine="caiman")
    never = replace(new, movie="easy-101")
    rows = [new, old, theirs, never]
    assert machine_of(rows, ours="builtin") == "b"
    assert machine_of([old, theirs], ours="builtin") == "a"
    found = {(row.movie, row.engine): row for row in timed_on(rows, "a")}
    mine = found["moderate-101", "builtin"]
    assert (mine.version, mine.figures["f1"]) == ("2", 1.0)
    assert (mine.wall_s, mine.cpu_s, mine.seconds) == (3.0, 5.0, {"extract": 2.0})
    assert found["easy-101", "builtin"].wall_s is None
    assert found["easy-101", "builtin"].seconds == {}
    assert found["moderate-101", "caiman"] == theirs


def test_wall_seconds_are_told_only_of_quiet_runs():
    made = replace(ROW, machine="a", cpu_s=5.0, seconds={"extract": 2.0})
    rows = [
        replace(made, movie="noisy-101", others_cores=0.9),
        replace(made, movie="quiet-101", others_cores=0.1),
        replace(made, movie="unknown-101"),
    ]
    noisy, quiet, unknown = timed_on(rows, "a")
    failed = replace(made, made_at="2026-03-01", outcome="killed", others_cores=0.0, wall_s=99.0)
    assert timed_on([replace(made, others_cores=0.1), failed], "a")[0].wall_s == 3.0
    assert (noisy.wall_s, noisy.cpu_s, noisy.seconds) == (None, 5.0, {})
    assert (quiet.wall_s, quiet.seconds) == (3.0, {"extract": 2.0})
    assert (unknown.wall_s, unknown.cpu_s) == (None, 5.0)


def test_our_version_names_the_code():
    version, digest = our_version().split("+")
    assert version
    assert len(digest) == 8
