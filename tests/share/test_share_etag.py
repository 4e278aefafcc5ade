"""Checksums: the archive's own rule, constant memory, a file that changes under our hands."""

from __future__ import annotations

import hashlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniscope_nwb.errors import ShareError
from miniscope_nwb.share.etag import FileChangedError, cut, hash_file, part_size
from miniscope_nwb.share.settings import MIB, PART_BYTES


def test_small_file_has_the_etag_that_dandi_computes(tmp_path):
    from dandischema.digests.dandietag import DandiETag

    path = tmp_path / "a.nwb"
    path.write_bytes(os.urandom(3_000_001))
    digest = hash_file(path)
    assert digest.etag == DandiETag.from_file(path).as_str()
    assert digest.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest.part_md5s == (hashlib.md5(path.read_bytes()).hexdigest(),)


def test_large_file_has_the_etag_that_dandi_computes(tmp_path):
    from dandischema.digests.dandietag import DandiETag

    path = tmp_path / "a.nwb"
    with path.open("wb") as file:  # two parts and a bit, sparse
        file.truncate(2 * PART_BYTES + 5)
        file.seek(PART_BYTES + 17)
        file.write(b"not all zeros")
    done = []
    digest = hash_file(path, progress=lambda now, total: done.append((now, total)))
    assert digest.etag == DandiETag.from_file(path).as_str()
    assert done[-1] == (digest.size, digest.size)
    assert len(done) == 3


@settings(deadline=None)  # the first one imports
@given(st.integers(1, 5 * 2**40))
def test_parts_are_cut_as_dandi_cuts_them(n_bytes):
    from dandischema.digests.dandietag import PartGenerator

    theirs = PartGenerator.for_file_size(n_bytes)
    size = part_size(n_bytes)
    assert -(-n_bytes // size) == len(theirs)
    assert min(size, n_bytes) == theirs.initial_part_size
    if len(theirs) < 50:
        ours = [(part.number, part.offset, part.size) for part in cut(n_bytes, part_bytes=size)]
        assert ours == [tuple(part) for part in theirs]


def test_ten_thousand_parts_become_larger_ones():
    assert part_size(9_999 * PART_BYTES) == PART_BYTES
    assert part_size(10_000 * PART_BYTES) == PART_BYTES
    assert part_size(20_000 * PART_BYTES) == 2 * PART_BYTES


def test_file_that_changes_while_it_is_read_is_told(tmp_path):
    path = tmp_path / "a.nwb"
    path.write_bytes(bytes(3 * MIB))

    def append(done: int, total: int) -> None:
        with path.open("ab") as file:
            file.write(b"x")

    with pytest.raises(FileChangedError, match="changed while it was read"):
        hash_file(path, part_bytes=MIB, progress=append)


def test_file_that_is_cut_while_it_is_read_is_told(tmp_path):
    path = tmp_path / "a.nwb"
    path.write_bytes(bytes(3 * MIB))
    with pytest.raises(FileChangedError):
        hash_file(path, part_bytes=MIB, progress=lambda *_: os.truncate(path, MIB))


def test_empty_and_missing_files_are_told(tmp_path):
    path = tmp_path / "a.nwb"
    path.touch()
    with pytest.raises(ShareError, match="is empty"):
        hash_file(path)
    path.unlink()
    with pytest.raises(FileChangedError, match="cannot be read any more"):
        hash_file(path)
