"""A long recording, made once, and the servers that give it away."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parents[1] / "nwb"))


@pytest.fixture(scope="session")
def long_file(tmp_path_factory) -> Path:
    from long_recording import write_long

    path = tmp_path_factory.mktemp("long") / "x.nwb"
    write_long(path, n_frames=600, height=120, width=152, n_cells=40)
    return path


@pytest.fixture
def quick_and_without_keys(monkeypatch) -> None:
    """Wait shortly for servers, and leave the user's own keys and endpoints out."""
    from remote_bench import QUICK

    from miniscope_nwb.remote import http

    monkeypatch.setattr(http, "Waits", lambda: QUICK)
    for name in (
        "MINISCOPE_NWB_API_KEY", "DANDI_API_KEY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(long_file, quick_and_without_keys):
    from range_server import serving

    with serving({"/x.nwb": long_file}) as running:
        yield running


@pytest.fixture
def private(server):
    from range_server import serving
    from remote_bench import PrivateArchive

    with serving({}) as archive:
        yield PrivateArchive(archive, server)
