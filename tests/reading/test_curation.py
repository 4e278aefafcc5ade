"""Rounds of curation: what a person decides, beside what the rules decided."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "nwb"))
import made_runs as made
from pynwb import NWBHDF5IO, validate

import miniscope_nwb
from miniscope_nwb.cli import show
from miniscope_nwb.cli.main import run as command
from miniscope_nwb.errors import NwbContentError, OutputError
from miniscope_nwb.nwb import target
from miniscope_nwb.nwb.processed.curation import curate
from miniscope_nwb.nwb.processed.decisions_csv import read_decision_file
from miniscope_nwb.nwb.processed.write import write_run
from miniscope_nwb.nwb.recording_file import input_hash


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    path = made.raw_file(tmp_path_factory.mktemp("curation") / "x.nwb")
    write_run(path, made.make_run(path, n_cells=4), movie=made.corrected_movie())
    write_run(path, made.make_run(path, "second", n_cells=3, seed=7))
    write_run(path, made.make_run(path, "empty", n_cells=0))
    return path.read_bytes()


@pytest.fixture
def path(processed, tmp_path):
    found = tmp_path / "x.nwb"
    found.write_bytes(processed)
    return found


def table(path: Path, text: str) -> Path:
    source = path.with_name("decisions.csv")
    source.write_text(text, encoding="utf-8")
    return source


def test_a_new_round_stands_beside_the_others(path, capsys):
    digest = input_hash(path, "Movie")
    source = table(
        path,
        "roi,accepted,mask_type,confidence,reason\n1,true,axon,0.75,thin\n2,0,,,\n0,true,,,\n",
    )
    words = ["curate", str(path), "--from", str(source), "--run", "first", "--by", "Ada",
             "--note", "second look"]  # fmt: skip
    assert command(words) == 0
    assert capsys.readouterr().out == (
        "Round 2 of run first: 2 of 4 components accepted; 3 named, 2 of them changed.\n"
    )
    with miniscope_nwb.open(path) as session:
        now, before = session.run("first"), session.run("first", round=1)
        assert before.cells.accepted.tolist() == [True, False, True, False]
        assert now.cells.accepted.tolist() == [True, True, False, False]
        assert now.cells.mask_type.tolist() == ["soma", "axon", "soma", "unknown"]
        assert now.cells.reason.tolist() == ["reason 0", "thin", "decided by hand", "reason 3"]
        assert now.cells.mask_type_method.tolist() == [
            "miniscope-nwb rules", "manual", "manual", "miniscope-nwb rules",
        ]  # fmt: skip
        confidence = before.cells.mask_type_confidence
        expected = [confidence[0], 0.75, confidence[2], confidence[3]]
        assert now.cells.mask_type_confidence.tolist() == pytest.approx(expected)
        last = now.rounds.iloc[-1]
        assert (last["round"], last.made_by, last.note, last.is_manual) == (
            2, "Ada", "second look", True,
        )  # fmt: skip
        assert session.runs.n_accepted.tolist() == [2, 2, 0]
        assert session.runs.curation_round.tolist() == [2, 1, 1]
        assert session.run("second").cells.accepted.tolist() == [True, False, True]
    with NWBHDF5IO(path, "r") as io:
        ophys = io.read().processing["ophys"]
        cells = ophys["ImageSegmentation"]["PlaneSegmentation"].to_dataframe()
        assert cells.accepted.tolist() == [True, True, False, False]
        assert cells.mask_type_method[1] == "manual"
        decisions = ophys["CurationDecisions"].to_dataframe()
        assert decisions[decisions.run == "first"]["round"].tolist() == [1] * 4 + [2] * 4
    assert validate(path=str(path)) == []
    assert input_hash(path, "Movie") == digest
    assert sorted(p.name for p in path.parent.iterdir()) == ["decisions.csv", "x.nwb"]


def test_export_and_back_changes_nothing(path, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert command(["curate", str(path), "--export", str(out), "--run", "first"]) == 0
    assert "Round 1 of run first: 4 components, 2 accepted, written to" in capsys.readouterr().out
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "roi,accepted,mask_type,confidence,reason,run"
    assert lines[1] == "0,true,soma,0.5,reason 0,first"
    assert lines[2].startswith("1,false,unknown,0.6333")
    before = path.read_bytes()
    words = ["curate", str(path), "--from", str(out), "--run", "first", "--by", "Ada"]
    assert command(words) == 0
    assert capsys.readouterr().out == (
        f"{out} says what round 1 of run first says already (2 of 4 components accepted): no round "
        "was added.\n"
    )
    assert command([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["round"], answer["is_new"], answer["n_changed"]) == (1, False, 0)
    assert path.read_bytes() == before


def test_an_exported_round_goes_back_to_its_own_run(path, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert command(["curate", str(path), "--export", str(out), "--run", "first", "--quiet"]) == 0
    out.write_text(out.read_text().replace("0,true", "0,false"), encoding="utf-8")
    before = path.read_bytes()
    assert command(["curate", str(path), "--from", str(out), "--run", "second"]) == 1
    said = capsys.readouterr().err
    assert "holds decisions on the components of run first, not of run second: give --run" in said
    assert path.read_bytes() == before
    assert command(["curate", str(path), "--from", str(out)]) == 0  # the last run has no component
    assert "Round 2 of run first: 1 of 4 components accepted" in capsys.readouterr().out


def test_another_reason_alone_is_a_new_round(path):
    rows = read_decision_file(table(path, "roi,accepted,reason\n0,true,checked\n"))
    done = curate(path, rows, run="first")
    assert (done.round, done.is_new, done.n_changed) == (2, True, 0)
    assert not curate(path, rows, run="first").is_new


def test_an_older_round_can_be_exported(path, tmp_path):
    curate(path, read_decision_file(table(path, "roi,accepted\n0,false\n")), run="first")
    out = tmp_path / "out.csv"
    words = ["curate", str(path), "--export", str(out), "--overwrite", "--quiet", "--run", "first"]
    assert command(words) == 0
    assert out.read_text().splitlines()[1] == "0,false,soma,0.5,decided by hand,first"
    assert command([*words, "--round", "1"]) == 0
    assert out.read_text().splitlines()[1] == "0,true,soma,0.5,reason 0,first"
    assert command(["curate", str(path), "--export", str(out), "--overwrite"]) == 0
    assert out.read_text().splitlines() == ["roi,accepted,mask_type,confidence,reason,run"]


def test_an_edited_table_is_not_written_over(path, capsys):
    mine = table(path, "roi,accepted\n0,false\n")
    assert command(["curate", str(path), "--export", str(mine), "--run", "first"]) == 1
    assert f"{mine} exists already; give --overwrite" in capsys.readouterr().err
    assert mine.read_text() == "roi,accepted\n0,false\n"
    before = path.read_bytes()
    assert command(["curate", str(path), "--export", str(path), "--overwrite"]) == 1
    assert "is an NWB or HDF5 file and is not written over" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_rounds_follow_rounds(path):
    for number, accepted in ((2, "0"), (3, "1"), (4, "0")):
        rows = read_decision_file(table(path, f"roi,accepted\n0,{accepted}\n"))
        assert curate(path, rows, run="second").round == number
    with miniscope_nwb.open(path) as session:
        states = [session.run("second", round=n).cells.accepted[0] for n in (1, 2, 3, 4)]
        assert states == [True, False, True, False]


def test_a_component_that_is_not_there(path, capsys):
    before = path.read_bytes()
    source = table(path, "roi,accepted\n0,1\n4,1\n")
    assert command(["curate", str(path), "--from", str(source), "--run", "first"]) == 1
    assert capsys.readouterr().err == (
        f"Error: {source}, line 3: there is no roi 4 in run first, whose components are 0 to 3.\n"
    )
    assert path.read_bytes() == before


def test_nothing_to_decide_on(path):
    rows = read_decision_file(table(path, "roi,accepted\n0,1\n"))
    with pytest.raises(NwbContentError, match=r"run empty in .* found no component"):
        curate(path, rows)
    with pytest.raises(NwbContentError, match="holds no run x"):
        curate(path, rows, run="x")


def test_a_round_is_written_as_safely_as_a_run(path, monkeypatch):
    from miniscope_nwb.nwb.processed import recheck

    before = path.read_bytes()
    rows = read_decision_file(table(path, "roi,accepted\n0,0\n"))
    with target.locked(path), pytest.raises(OutputError, match="being written by another"):
        curate(path, rows, run="first")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recheck, "recheck_round", fail)
    with pytest.raises(OutputError, match="disk is full"):
        curate(path, rows, run="first")
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["decisions.csv", "x.nwb"]


def test_usage(path, capsys):
    assert command(["curate", str(path)]) == 2
    assert command(["curate", str(path), "--from", "a", "--export", "b"]) == 2
    assert command(["curate", str(path), "--from", "a", "--round", "1"]) == 2
    assert "give either --from CSV or --export CSV" in capsys.readouterr().err


def test_show_lists_runs_rounds_and_stages(path, capsys):
    curate(path, read_decision_file(table(path, "roi,accepted\n0,0\n")), run="first", by="Ada")
    capsys.readouterr()
    assert command(["show", str(path)]) == 0
    text = capsys.readouterr().out
    first = next(line for line in text.splitlines() if line.startswith("  first"))
    assert first.split()[:8] == ["first", "builtin", "0.1.0", "2026-03-04T05:06:07", "UTC", "4",
                                 "1", str(made.N)]  # fmt: skip
    assert first.split()[-1] == "Movie", "named where it is not the only miniscope's series"
    assert "\n  second  motion.method=rigid\n" in text
    assert "2 (shown)" in text
    assert "Ada" in text
    words = [line.split() for line in text.splitlines()]
    assert words.count(["extract", "40.0", "2", "GB"]) == 1  # of the last run only
    assert words.count(["all", "42.5", "2", "GB"]) == 1
    assert "Writing into the file comes on top" in text
    assert "empty: stages" in text
    assert "empty: nothing was found: min_pnr 7.5: the highest was 3.1." in text
    assert command(["show", str(path), "--run", "first", "--round", "1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (only,) = answer["runs"]
    assert (only["run"], only["round"], only["n_accepted"]) == ("first", 1, 2)
    assert [item["n_accepted"] for item in only["rounds"]] == [2, 1]
    assert only["timings"][0] == {"stage": "motion", "seconds": 2.5, "peak_memory_bytes": 10**9}
    assert np.isfinite(only["shift_std_x"])
    assert command(["show", str(path), "--run", "nobody"]) == 1
    assert "holds no run nobody: it holds first, second, empty" in capsys.readouterr().err


def test_show_says_which_run_has_a_round(path, capsys):
    curate(path, read_decision_file(table(path, "roi,accepted\n0,0\n")), run="second")
    assert command(["show", str(path), "--round", "2"]) == 1
    assert capsys.readouterr().err == (
        "Error: run first in x.nwb has no round 2 of curation: it has 1. Round 2 is there of run "
        "second: give --run second.\n"
    )
    assert command(["show", str(path), "--round", "7"]) == 1
    assert capsys.readouterr().err.endswith("it has 1.\n")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "nothing: all by default or derived from the movie"),
        ([("run", "preset", "GCaMP6f", "user"), ("events", "tau_s", 0.4, "preset"),
          ("run", "masks", "x.nwb", "user")], "preset GCaMP6f, masks x.nwb"),
        ([("preprocess", "crop", [1, 2, 3, 4], "user"), ("motion", "method", "none", "user")],
         "preprocess.crop=[1, 2, 3, 4], motion.method=none"),
    ],
)  # fmt: skip
def test_show_says_in_what_a_run_differs(rows, said):
    names = ("stage", "parameter", "value_json", "source")
    found = [dict(zip(names, (a, b, json.dumps(c), d), strict=True)) for a, b, c, d in rows]
    assert show._asked_for({"parameters": found}) == said


def test_show_of_another_engine_and_zone():
    run = {"engine": "caiman", "engine_version": "caiman 1.12.0"}
    assert show._version(run) == "1.12.0"
    assert show._when("2026-03-04T05:06:07.5+02:00") == "2026-03-04T03:06:07 UTC"
    assert show._when("2026-03-04T05:06:07") == "2026-03-04T05:06:07"


def test_show_of_a_file_without_a_movie(tmp_path, capsys):
    path = made.raw_file(tmp_path / "x.nwb")
    with h5py.File(path, "r+") as file:
        del file["acquisition/Movie"]
    assert command(["show", str(path)]) == 0
    assert "holds no run, and no movie of a miniscope" in capsys.readouterr().out
    assert command(["show", str(path), "--run", "x"]) == 1
    said = capsys.readouterr().err
    assert "it has no movie of a miniscope either" in said
    assert "process x.nwb" not in said


def test_show_of_an_unprocessed_file(tmp_path, capsys):
    path = made.raw_file(tmp_path / "x.nwb")
    assert command(["show", str(path)]) == 0
    assert "holds no run yet: run `miniscope-nwb process" in capsys.readouterr().out
    assert command(["show", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == []
