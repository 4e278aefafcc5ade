"""A stand-in archive, a small NWB file with content of its own, and quick settings."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "check"))

from share_bench import PART_BYTES, Bench

_NUMBER = itertools.count(os.getpid() * 1000 % 1_000_000)


@pytest.fixture(scope="session")
def blank_nwb(tmp_path_factory) -> Path:
    """One small NWB file, made once."""
    from small_nwb import write_small_nwb

    return write_small_nwb(tmp_path_factory.mktemp("share") / "blank.nwb")


@pytest.fixture
def nwb_file(blank_nwb, tmp_path) -> Path:
    """A copy of it under its DANDI name, with one frame that no other test's file has."""
    import h5py

    path = tmp_path / "sub-m06" / "sub-m06_ses-20260302T140507_ophys.nwb"
    path.parent.mkdir()
    shutil.copyfile(blank_nwb, path)
    with h5py.File(path, "r+") as file:
        number = next(_NUMBER)
        file["acquisition/OnePhotonSeries/data"][0, 0, :8] = list(number.to_bytes(8, "little"))
    return path


@pytest.fixture
def state_folder(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("MINISCOPE_NWB_STATE", str(folder))
    for name in list(os.environ):
        if name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    return folder


@pytest.fixture
def archive():
    from miniscope_nwb.testing.archive import StandIn

    with StandIn(part_bytes=PART_BYTES) as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def metadata(blank_nwb) -> dict:
    """What dandi says of the small file; half of the time of an upload goes into it."""
    from miniscope_nwb.share.metadata import describe

    return describe(blank_nwb, "x.nwb", etag="0" * 32 + "-1")


@pytest.fixture
def real_metadata() -> None:
    """Let dandi describe the file of this very test."""


@pytest.fixture
def bench(archive, state_folder, metadata, monkeypatch, request) -> Bench:
    def describe(path, asset_path, *, etag, schema_version):
        return {**metadata, "path": asset_path, "digest": {"dandi:dandi-etag": etag}}

    if "real_metadata" not in request.fixturenames:
        monkeypatch.setattr("miniscope_nwb.share.upload.describe", describe)
    made = Bench(archive, state_folder)
    yield made
    made.close()
