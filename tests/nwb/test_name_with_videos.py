"""A file of a name of its own names its videos by it: how it comes to the name of an archive."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import parted_files as parted
import pytest

from miniscope_nwb.check.validate import validate
from miniscope_nwb.cli.main import run
from miniscope_nwb.nwb.video_names import named_videos
from miniscope_nwb.share.check import check_file
from miniscope_nwb.share.names import place
from miniscope_nwb.share.videos import find_videos
from miniscope_nwb.simulate.folder import simulate
from miniscope_nwb.simulate.options import SimulateOptions


def as_plain(path: Path, folder: Path) -> Path:
    """As `convert -o plain.nwb` would have made a file: its videos lie in ``plain``."""
    copy = parted.copy_of(path, folder)
    copy.with_suffix("").rename(folder / "plain")
    with h5py.File(copy, "r+") as file:
        for series, _ in set(named_videos(path)):
            data = file[f"{series}/external_file"]
            names = [name.replace(parted.ENTRY, "plain", 1) for name in data.asstr()[:]]
            data[:] = np.array(names, h5py.string_dtype())
    return copy.rename(folder / "plain.nwb")


def name_note(path: Path):
    (note,) = [f for f in validate(path).findings if f.sources == ("miniscope-nwb",)]
    return note


def test_with_cells_it_is_split_not_converted_again(small, tmp_path):
    path = as_plain(small, tmp_path / "a")
    videos, findings = find_videos(path, place(path))
    assert not videos
    assert all(f"miniscope-nwb split {path}" in finding.fix for finding in findings)
    assert not any("onvert again" in finding.fix for finding in findings)
    note = name_note(path)
    assert note.check == "video_folder"
    assert note.fix == findings[0].fix
    assert run(["split", str(path), "-o", str(tmp_path / "b"), "--quiet"]) == 0
    check = check_file(tmp_path / "b" / "sub-m07" / parted.RAW)
    assert check.is_fit, "what is advised must help"
    assert len(check.videos) == 2


def test_without_cells_it_is_converted_again(converted, tmp_path):
    path = as_plain(converted, tmp_path / "a")
    _, findings = find_videos(path, place(path))
    assert all("Convert again with -o naming a folder" in finding.fix for finding in findings)
    assert name_note(path).fix == findings[0].fix


def test_the_planned_name_keeps_what_the_present_one_tells(small_parts, tmp_path):
    """The raw part in a folder of another name is not told that its videos are wrong."""
    raw = small_parts[0]
    note = name_note(raw)
    assert note.check == "dandi_name"
    assert f"sub-m07/{raw.name}" in note.fix


@pytest.mark.parametrize(
    ("options", "is_said"),
    [(["-o", "plain.nwb"], True), (["-o", "plain.nwb", "--embed-video"], False), ([], False)],
)
def test_convert_says_what_such_a_name_costs(
    options, is_said, recorded, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert run(["convert", str(recorded), "--json", *options]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["files"]
    said = [p for p in answer["problems"] if p["code"] == "name_not_for_dandi"]
    assert len(said) == is_said
    for problem in said:
        assert "sub-m06_ses-20260302T140507_behavior+ophys.nwb" in problem["message"]
        assert "miniscope-nwb split" in problem["message"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    simulate(folder, format="v4", options=SimulateOptions(width=64, height=48, frames=20))
    return folder
