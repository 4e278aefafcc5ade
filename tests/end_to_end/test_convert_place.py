"""Nothing is written into the folder that is converted, nor beside its recordings in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniscope_nwb.simulate.folder import simulate
from miniscope_nwb.simulate.options import SimulateOptions

SMALL = SimulateOptions(level="easy", width=64, height=48, frames=20, cells=2, cameras=1)


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    """A folder named as those of an archive are, three levels above the recording."""
    folder = tmp_path_factory.mktemp("data") / "sub-m06"
    simulate(folder, format="v4", options=SMALL)
    return folder


def listing(folder: Path) -> set[str]:
    return {path.as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("output", ["x.nwb", "out", "Jane_Doe/x.nwb", "../sub-m06/x.nwb"])
def test_output_inside_the_raw_folder_is_refused_before_work(shell, raw, output, monkeypatch):
    def no_work(*_, **__):
        raise AssertionError("the recording is read")

    monkeypatch.setattr("miniscope_nwb.convert.folder.read_recordings", no_work)
    before = listing(raw)
    done = shell("convert", raw, "-o", raw / output)
    assert done.code == 1
    assert "inside the raw folder" in done.err
    assert "-o" in done.err
    assert listing(raw) == before


def test_default_place_inside_the_raw_folder_is_refused(shell, raw, tmp_path, monkeypatch):
    before = listing(raw)
    monkeypatch.chdir(raw)
    done = shell("convert", ".")
    assert (done.code, done.out) == (1, "")
    assert "the working folder lies inside the raw folder" in done.err
    monkeypatch.chdir(raw.parent)  # the default name then leads into it
    done = shell("convert", raw.name)
    assert done.code == 1
    assert "sub-m06_ses-20260302T140507_behavior+ophys.nwb lies inside the raw folder" in done.err
    assert listing(raw) == before
    assert shell("convert", raw.name, "-o", tmp_path).code == 0
    assert listing(raw) == before


def test_raw_folder_that_is_reached_by_a_link(shell, raw, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(raw, target_is_directory=True)
    assert "inside the raw folder" in shell("convert", raw, "-o", link / "x.nwb").err
    assert "inside the raw folder" in shell("convert", link, "-o", raw / "x.nwb").err
