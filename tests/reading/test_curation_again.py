"""An exported round that was edited and is given again: what the rules said in it is no news."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "nwb"))
import made_runs as made

import miniscope_nwb
from miniscope_nwb.cli.main import run as command
from miniscope_nwb.nwb.processed.write import write_run


@pytest.fixture
def path(tmp_path):
    found = made.raw_file(tmp_path / "x.nwb")
    with made.unchecked():
        write_run(found, made.make_run(found, n_cells=4), movie=made.corrected_movie())
    return found


def test_an_edited_export_given_twice_is_one_round(path, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert command(["curate", str(path), "--export", str(out), "--quiet"]) == 0
    text = out.read_text(encoding="utf-8")
    edited = text.replace("0,true,", "0,false,").replace("2,true,soma,", "2,true,axon,")
    assert edited.count("reason 0") == 1, "the rule's reason stands in the row that was edited"
    out.write_text(edited, encoding="utf-8")
    words = ["curate", str(path), "--from", str(out)]
    capsys.readouterr()
    assert command(words) == 0
    assert "Round 2 of run first: 1 of 4 components accepted" in capsys.readouterr().out
    before = path.read_bytes()
    assert command(words) == 0
    assert capsys.readouterr().out == (
        f"{out} says what round 2 of run first says already (1 of 4 components accepted): no round "
        "was added.\n"
    )
    assert path.read_bytes() == before
    with miniscope_nwb.open(path) as session:
        expected = ["decided by hand", "reason 1", "decided by hand", "reason 3"]
        assert session.run("first").cells.reason.tolist() == expected


def test_a_person_s_own_reason_outlives_the_rule_s(path, tmp_path):
    out = tmp_path / "out.csv"
    assert command(["curate", str(path), "--export", str(out), "--quiet"]) == 0
    mine = tmp_path / "mine.csv"
    mine.write_text("roi,accepted,reason\n0,false,blood vessel\n", encoding="utf-8")
    words = ["curate", str(path), "--quiet", "--from"]
    assert command([*words, str(mine)]) == 0
    text = out.read_text(encoding="utf-8").replace("0,true,", "0,false,")
    out.write_text(text.replace("1,false,", "1,true,"), encoding="utf-8")
    assert command([*words, str(out)]) == 0
    with miniscope_nwb.open(path) as session:
        cells = session.run("first").cells
        assert cells.reason.tolist()[:2] == ["blood vessel", "decided by hand"]
        assert cells.accepted.tolist()[:2] == [False, True]
        assert len(session.run("first").rounds) == 3
    mine.write_text("roi,accepted,reason\n0,false,a shadow\n", encoding="utf-8")
    assert command([*words, str(mine)]) == 0, "another reason of a person's own is a new round"
    with miniscope_nwb.open(path) as session:
        assert session.run("first").cells.reason[0] == "a shadow"
        assert len(session.run("first").rounds) == 4
