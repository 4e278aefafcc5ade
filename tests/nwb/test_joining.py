"""Both parts as one file again: as it was, or with a newer curation; never of two recordings."""

from __future__ import annotations

import h5py
import parted_files as parted
import pytest

import miniscope_nwb
from miniscope_nwb.cli.main import run as run_command
from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.parting.join import join_files
from miniscope_nwb.nwb.parting.split import split_file
from miniscope_nwb.nwb.recording_file import input_hash


def test_joined_parts_equal_the_file_that_was_split(whole, parts, tmp_path):
    done = join_files(*parts, tmp_path / "again.nwb")
    assert done.runs == ("first", "shared", "other", "empty")
    assert parted.difference(whole, done.path) == ""
    with h5py.File(whole) as one, h5py.File(done.path) as two:
        assert one["identifier"][()] != two["identifier"][()]
        link = two["processing/ophys/Fluorescence/Denoised"].get("timestamps", getlink=True)
        assert link.path == f"/acquisition/{parted.SCOPES[0]}/timestamps"
        names = two["acquisition/BehaviorVideoBehavCam_2/external_file"].asstr()[:]
    assert {name.partition("/")[0] for name in names} == {"again"}
    for name in names:
        before = (whole.with_suffix("") / name.partition("/")[2]).read_bytes()
        assert (tmp_path / name).read_bytes() == before
    assert parted.files_below(tmp_path) == {"again.nwb", *names}


@pytest.mark.usefixtures("unread")
def test_a_part_that_was_curated_brings_the_round_back(small, small_parts, tmp_path):
    raw, processed = (parted.copy_of(part, tmp_path / "sub-m07") for part in small_parts)
    parted.curate_by_hand(processed, accepted=False)
    joined = join_files(raw, processed, tmp_path / "j" / small.name).path
    direct = parted.copy_of(small, tmp_path / "direct")
    parted.curate_by_hand(direct, accepted=False)
    assert parted.difference(direct, joined) == made_at(), "only the moment differs"
    with miniscope_nwb.open(joined) as session:
        run = session.run("first")
        assert run.round == 2
        assert not run.cells.accepted[0]


def made_at() -> str:
    return "processing/ophys/CurationRounds/made_at"


@pytest.mark.usefixtures("unread")
def test_a_joined_file_splits_into_the_same_parts(small_parts, tmp_path):
    raw, processed = (parted.copy_of(part, tmp_path / "sub-m07") for part in small_parts)
    joined = join_files(raw, processed, tmp_path / "whole.nwb").path
    done = split_file(joined, raw, tmp_path / "new" / parted.PROCESSED)
    assert done.raw.state == "unchanged"
    assert parted.difference(processed, done.processed.path) == ""


def test_parts_of_two_recordings_are_refused(whole, parts, tmp_path):
    raw, processed = parts
    cases = []
    for name, value in {
        "general/session_id": "another",
        "session_start_time": "2026-03-03T14:05:07+01:00",
        "general/subject/subject_id": "m08",
    }.items():
        changed = parted.copy_of(raw, tmp_path / name.replace("/", "-"))
        with h5py.File(changed, "r+") as file:
            file[name][()] = value
        cases.append((changed, processed, "are not of one recording: the .* is"))
    for name in ("data", "timestamps"):
        changed = parted.copy_of(raw, tmp_path / f"changed-{name}")
        with h5py.File(changed, "r+") as file:
            file[f"acquisition/{parted.SCOPES[1]}/{name}"][7] += 1
        cases.append((changed, processed, "mPFC in .* is not the movie .* another checksum"))
    without = parted.copy_of(raw, tmp_path / "without")
    with h5py.File(without, "r+") as file:
        del file[f"acquisition/{parted.SCOPES[1]}"]
    cases += [
        (without, processed, "holds no movie OnePhotonSeriesmPFC"),
        (processed, raw, "is not the processed part"),
        (raw, raw, "is not the processed part"),
        (whole, processed, "holds runs of the processing, so it is no raw part"),
    ]
    for one, two, sentence in cases:
        with pytest.raises(NwbContentError, match=sentence):
            join_files(one, two, tmp_path / "j.nwb")
        assert not (tmp_path / "j.nwb").exists()
    assert input_hash(raw, parted.SCOPES[1])  # the part itself was not touched


@pytest.mark.usefixtures("unread")
def test_join_replaces_nothing_unasked(parts, tmp_path, capsys):
    there = tmp_path / "there.nwb"
    there.write_bytes(b"mine")
    command = ["join", *map(str, parts), "-o", str(there)]
    assert run_command(command) == 1
    assert "exists: give --overwrite" in capsys.readouterr().err
    assert there.read_bytes() == b"mine"
    assert run_command([*command, "--overwrite"]) == 0
    assert "runs first, shared, other, empty" in capsys.readouterr().out
    assert run_command(["join", *map(str, parts), "-o", str(parts[0])]) == 1
    assert "is one of the two parts" in capsys.readouterr().err
    assert run_command(["join", *map(str, parts), "-o", str(tmp_path / "x")]) == 1
    assert "does not end in .nwb" in capsys.readouterr().err
