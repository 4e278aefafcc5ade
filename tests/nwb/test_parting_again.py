"""Splitting once more, files with others' work in them, and files that cannot be split."""

from __future__ import annotations

import h5py
import parted_files as parted
import pytest
from pynwb import NWBHDF5IO

from miniscope_nwb.check.verify import verify
from miniscope_nwb.cli.main import run as run_command
from miniscope_nwb.errors import NwbContentError, OutputError
from miniscope_nwb.nwb.parting.join import join_files
from miniscope_nwb.nwb.parting.split import split_file
from miniscope_nwb.sizes import size


@pytest.mark.usefixtures("unread")
def test_the_raw_part_is_the_same_bytes_every_time(small, small_parts, tmp_path):
    again = parted.copy_of(small, tmp_path / "sub-m07")
    parted.curate_by_hand(again, accepted=False)
    done = split_file(again, tmp_path / "one" / parted.RAW, tmp_path / "one" / parted.PROCESSED)
    assert done.raw.path.read_bytes() == small_parts[0].read_bytes()
    assert done.processed.path.read_bytes() != small_parts[1].read_bytes()


@pytest.mark.usefixtures("unread")
def test_splitting_again_after_curation_leaves_the_raw_part_alone(
    small, small_parts, tmp_path, capsys
):
    path = parted.copy_of(small, tmp_path / "sub-m07")
    raw, processed = (parted.copy_of(part, path.parent) for part in small_parts)
    before, moment = raw.read_bytes(), raw.stat().st_mtime_ns
    assert run_command(["split", str(path)]) == 0
    assert capsys.readouterr().out.count("unchanged") == 2
    parted.curate_by_hand(path, accepted=False)
    old = processed.read_bytes()
    assert run_command(["split", str(path)]) == 1
    said = capsys.readouterr().err
    assert all(words in said for words in ("give --overwrite", "miniscope-nwb join", "folder"))
    assert "another file" not in said, "-o names a folder here"
    assert processed.read_bytes() == old
    assert run_command(["split", str(path), "--overwrite"]) == 0
    out = capsys.readouterr().out
    assert f"{raw}: {size(len(before))}, unchanged" in out
    assert ", replaced" in out
    assert (raw.read_bytes(), raw.stat().st_mtime_ns) == (before, moment)
    assert processed.read_bytes() != old
    video = next(raw.with_suffix("").iterdir())
    video.unlink()
    assert run_command(["split", str(path), "--overwrite"]) == 0
    assert video.is_file(), "a video that is missing is put back"
    assert "replaced" in capsys.readouterr().out


@pytest.mark.usefixtures("unread")
def test_what_others_added_goes_where_it_belongs_and_comes_back(small, tmp_path):
    path = parted.copy_of(small, tmp_path / "sub-m07")
    parted.add_others_work(path)
    done = split_file(path, tmp_path / "r.nwb", tmp_path / "p.nwb")
    with NWBHDF5IO(done.raw.path, "r") as io:
        nwb = io.read()
        assert list(nwb.processing) == ["recording"]
        (reference,) = nwb.trials["timeseries"][0]
        assert reference.timeseries is nwb.acquisition[parted.SCOPES[0]]
    with NWBHDF5IO(done.processed.path, "r") as io:
        nwb = io.read()
        assert nwb.trials is None
        table = nwb.processing["analysis"]["PlaceCells"]
        assert (
            table["roi"].table is nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
        )
    joined = join_files(done.raw.path, done.processed.path, tmp_path / "j.nwb")
    assert parted.difference(path, joined.path) == ""


def test_what_ties_the_parts_together_is_told(small, tmp_path):
    path = parted.copy_of(small, tmp_path / "sub-m07")
    with h5py.File(path, "r+") as file:
        file["processing/ophys/Fluorescence/movie"] = h5py.SoftLink(
            f"/acquisition/{parted.SCOPES[0]}"
        )
    with pytest.raises(
        NwbContentError, match=r"Fluorescence/movie refers to acquisition/OnePhotonSeriesHPC"
    ):
        split_file(path, tmp_path / "r.nwb", tmp_path / "p.nwb")
    with h5py.File(path, "r+") as file:
        del file["processing/ophys/Fluorescence/movie"]
        file["processing/ophys/elsewhere"] = h5py.ExternalLink("other.nwb", "/x")
    with pytest.raises(NwbContentError, match=r"only as a link to other\.nwb"):
        split_file(path, tmp_path / "r.nwb", tmp_path / "p.nwb")
    assert parted.files_below(tmp_path).isdisjoint({"r.nwb", "p.nwb"})


def test_files_that_cannot_be_split_are_one_sentence(converted, parts, tmp_path, capsys):
    cases = {
        converted: "holds no run of the processing, so there is nothing to split",
        parts[0]: "holds no run of the processing",
        parts[1]: "is the processed part of a recording that was split already",
        tmp_path / "no.nwb": "does not exist",
    }
    for path, sentence in cases.items():
        assert run_command(["split", str(path), "-o", str(tmp_path / "out")]) == 1
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run_command(["split", str(parts[0])]) == 1  # beside itself, where it has its own name
    assert "holds no run of the processing" in capsys.readouterr().err


def test_the_processed_part_is_not_verified_but_the_raw_one(parts, tmp_path):
    with pytest.raises(NwbContentError, match=r"the raw part \(desc-raw\)") as told:
        verify(parts[1], tmp_path)
    assert "convert" not in str(told.value), "nothing is wrong with the file"


def test_a_missing_video_is_told_before_anything_is_written(small, tmp_path):
    path = parted.copy_of(small, tmp_path / "sub-m07")
    next(path.with_suffix("").iterdir()).unlink()
    with pytest.raises(
        OutputError, match=r"BehaviorVideoBehavCam_2 names the video .* put it back"
    ):
        split_file(path, tmp_path / "r.nwb", tmp_path / "p.nwb")
    assert not (tmp_path / "r.nwb").exists()
