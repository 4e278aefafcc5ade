"""The ablation changes parameters that there are, and its page compares like with like."""

import pytest

from benchmarks.ablation import VARIANTS, changes, page
from benchmarks.rows import DONE, Row, Rows
from miniscope_nwb.params.models import Parameters


def row(movie, parameters, f1, *, cpu=10.0, version="2", at="2026-01-02"):
    return Row(
        movie, "builtin", version, parameters, DONE, figures={"f1": f1}, cpu_s=cpu, made_at=at
    )


@pytest.mark.parametrize("change", changes([]), ids=str)
def test_every_change_is_taken_and_is_none(change):
    ((name, value),) = change.items()
    section, key = name.split(".")
    known = Parameters().model_dump()
    assert known[section][key] != value
    assert Parameters.model_validate({section: {key: value}})


def test_a_stage_alone():
    assert {next(iter(change)) for change in changes(["images"])} == {"images.n_sample_frames"}
    assert len(changes([])) == sum(map(len, VARIANTS.values()))


def test_each_level_has_its_f1(tmp_path):
    rows = Rows(tmp_path / "rows.jsonl")
    rows.add(row("moderate-7", {}, 1.0))
    rows.add(row("hard-7", {}, 0.8))
    rows.add(row("hard-8", {}, 0.9))
    titles, _, defaults = page(rows).splitlines()[2:]
    cells = [[cell.strip() for cell in line.split("|")] for line in (titles, defaults)]
    assert cells[0][1:4] == ["changed", "F1 moderate", "F1 hard"]
    assert cells[1][1:4] == ["nothing", "1.000", "0.850"]


def test_the_page_holds_means_and_cost_in_the_defaults(tmp_path):
    rows = Rows(tmp_path / "rows.jsonl")
    fewer = {"extract.n_rounds": 1}
    for made in (
        row("moderate-7", {}, 0.9),
        row("moderate-8", {}, 0.8),
        row("moderate-7", fewer, 0.6, cpu=5.0),
        row("moderate-8", fewer, 0.5, cpu=5.0),
        row("moderate-7", fewer, 0.1, version="1", at="2026-01-01"),
        row("hard-7", {}, 0.4),  # unfinished
    ):
        rows.add(made)
    lines = page(rows).splitlines()
    assert "2 movies" in lines[0]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines[4:]]
    assert [(each[1], each[2], each[-2]) for each in cells] == [
        ("nothing", "0.850", "1.00"),
        ("`extract.n_rounds` 1", "0.550", "0.50"),
    ]
