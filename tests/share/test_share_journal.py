"""The journal: whatever a killed process leaves, the next one reads what is whole."""

from __future__ import annotations

import errno
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniscope_nwb.errors import OutputError, UnreachableError
from miniscope_nwb.share import journal
from miniscope_nwb.share.journal import Journal, Upload, UploadPart
from miniscope_nwb.share.redact import Secret

URL = "https://s3.example/b/k?X-Amz-Signature=0123456789"
UPLOAD = Upload("up-1", tuple(UploadPart(n, 10, Secret(f"{URL}{n}")) for n in (1, 2, 3)))
WHICH = {"api": "https://h.example/api", "dandiset": "000001", "etag": "0" * 32 + "-3"}


def test_parts_that_arrived_are_remembered(tmp_path):
    kept = Journal(tmp_path / "state", **WHICH)
    assert kept.load() is None
    kept.start(UPLOAD)
    kept.add(2, "bb")
    kept.add(1, "aa")
    upload, arrived = Journal(tmp_path / "state", **WHICH).load()
    assert arrived == {1: "aa", 2: "bb"}
    assert upload.upload_id == "up-1"
    assert [part.url.reveal() for part in upload.parts] == [f"{URL}{n}" for n in (1, 2, 3)]
    kept.forget()
    assert kept.load() is None


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_nobody_else_reads_it_and_its_name_tells_nothing(tmp_path):
    folder = tmp_path / "state"
    kept = Journal(folder, **WHICH)
    kept.start(UPLOAD)
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not {"000001", "h.example", WHICH["etag"], "Signature"} & set(path.name.split("-"))
    for part in ("000001", "example", "0" * 8, "up-1"):
        assert part not in path.name


@given(data=st.data())
def test_any_cut_leaves_the_lines_before_it(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("journal")
    kept = Journal(folder, **WHICH)
    kept.start(UPLOAD)
    head = next(folder.glob("*.jsonl")).stat().st_size
    for number in (1, 2, 3):
        kept.add(number, f"{number:032d}")
    (path,) = folder.glob("*.jsonl")
    content = path.read_bytes()
    length = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:length])
    known = kept.load()
    if length < head - 1:  # the line end alone may be missing
        assert known is None
        return
    n_whole = content[head:length].count(b"\n") if length > head else 0
    assert known[1] == {number: f"{number:032d}" for number in range(1, n_whole + 1)}
    kept.add(3, "c")  # a new line is not swallowed by half a line before it
    assert kept.load()[1][3] == "c"


@pytest.mark.parametrize("content", [b"", b"[]\n", b"{}\n", b'{"format": 99}\n', b"\xff\xfe\n"])
def test_what_is_no_journal_is_none(tmp_path, content):
    kept = Journal(tmp_path, **WHICH)
    kept.start(UPLOAD)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(content)
    assert kept.load() is None


def test_two_processes_do_not_send_one_file(tmp_path):
    first, second = Journal(tmp_path, **WHICH), Journal(tmp_path, **WHICH)
    with first.locked():
        with pytest.raises(UnreachableError, match="same command again"), second.locked():
            pass
        other = Journal(tmp_path, **{**WHICH, "dandiset": "000002"})
        with other.locked():
            pass
    with second.locked():
        pass


def test_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="MINISCOPE_NWB_STATE"):
        journal.check_state_folder(tmp_path / "file" / "state")
    with pytest.raises(OutputError, match="MINISCOPE_NWB_STATE"):
        Journal(tmp_path / "file" / "state", **WHICH).start(UPLOAD)


def test_full_disk_leaves_no_pieces_in_the_state_folder(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal.os, "fsync", full)
    monkeypatch.setattr(journal.Path, "write_text", lambda self, *a, **k: full(self.touch()))
    for work in (
        lambda: journal.check_state_folder(tmp_path),
        lambda: Journal(tmp_path, **WHICH).start(UPLOAD),
    ):
        with pytest.raises(OutputError, match="No space left on device"):
            work()
    journal.write_rate(tmp_path, "dandi", 1.0)  # only a help: silent
    assert list(tmp_path.iterdir()) == []


def test_journals_whose_addresses_have_expired_are_removed(tmp_path):
    for dandiset in ("000001", "000002"):
        Journal(tmp_path, **{**WHICH, "dandiset": dandiset}).start(UPLOAD)
    old, _ = tmp_path.glob("*.jsonl")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    journal.check_state_folder(tmp_path)
    assert not old.exists()
    assert len(list(tmp_path.iterdir())) == 1


def test_rates_and_named_archives_are_remembered(tmp_path):
    assert journal.read_rates(tmp_path) == {}
    journal.write_rate(tmp_path / "new", "dandi", 1234.6)
    journal.write_rate(tmp_path / "new", "ember-dandi", 1.0)
    assert journal.read_rates(tmp_path / "new") == {"dandi": 1235.0, "ember-dandi": 1.0}
    journal.trust(tmp_path / "new", "https://h.example/api")
    assert journal.read_trusted(tmp_path / "new") == {"https://h.example/api"}
    assert journal.read_trusted(tmp_path) == frozenset()


def test_state_folder_follows_the_variable(state_folder, monkeypatch):
    assert journal.state_folder() == state_folder
    monkeypatch.delenv("MINISCOPE_NWB_STATE")
    assert "miniscope-nwb" in str(journal.state_folder())
