"""A file that may not be written to: of a drive that is read-only, chmod is no remedy."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.target import check_file_writable
from miniscope_nwb.pipeline.scratch import check_writable

pytestmark = pytest.mark.skipif(not hasattr(os, "statvfs"), reason="only where drives tell it")


@pytest.fixture
def protected(tmp_path, monkeypatch):
    """Say that nothing may be written to, and whether the drive is the reason."""
    path = tmp_path / "x.nwb"
    path.touch()

    def protect(flags: int):
        monkeypatch.setattr(os, "access", lambda *_: False)
        monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flags))
        return path

    return protect


@pytest.mark.parametrize("check", [check_file_writable, check_writable])
def test_a_read_only_drive(protected, check):
    path = protected(os.ST_RDONLY | os.ST_NOSUID)
    with pytest.raises(OutputError) as caught:
        check(path)
    assert str(caught.value) == (
        f"{path} lies on a drive that is read-only: copy it to another one, and work there."
    )


@pytest.mark.parametrize("check", [check_file_writable, check_writable])
def test_a_file_that_its_owner_protected(protected, check):
    with pytest.raises(OutputError, match=r"write-protected: allow writing to it \(chmod u\+w\)"):
        check(protected(os.ST_NOSUID))
