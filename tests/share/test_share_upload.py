"""New, same, changed here, changed there, known bytes, a path in the way; read back."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from pathlib import Path

import pytest

from miniscope_nwb.share.etag import hash_file
from miniscope_nwb.share.online import compare_with_dandiset
from miniscope_nwb.share.record import read_records, record_path

PATH = "sub-m06/sub-m06_ses-20260302T140507_ophys.nwb"


def change_one_byte(path: Path, *, byte: int = 200_000) -> None:
    """Change a byte and make the file look older than before: dates must not decide."""
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(content)
    os.utime(path, (1_000_000_000, 1_000_000_000))


def states(bench, path: Path) -> list[str]:
    from share_bench import unvalidated

    archive, dandiset = bench.enter()
    plans, _ = compare_with_dandiset(archive, dandiset, unvalidated(path), progress=lambda *_: None)
    return [plan.state for plan in plans]


def test_new_then_same_sends_once(real_metadata, bench, nwb_file):
    assert states(bench, nwb_file) == ["new"]
    (first,) = bench.upload(nwb_file, wait_s=2.0)
    n_before = bench.n_parts_put
    assert states(bench, nwb_file) == ["same"]
    (second,) = bench.upload(nwb_file)
    assert (first.state, second.state) == ("sent", "same")
    assert bench.n_parts_put == n_before == 7
    assert first.record.asset_id == second.record.asset_id
    assert first.checked.validation == "Valid"
    assert first.record.is_sha256_confirmed
    metadata = bench.stand_in.assets()[PATH].metadata
    assert metadata["path"] == PATH
    assert metadata["schemaKey"] == "Asset"
    assert metadata["wasAttributedTo"][0]["identifier"] == "m06"


def test_record_tells_where_the_bytes_are(bench, nwb_file):
    (outcome,) = bench.upload(nwb_file)
    (record,) = read_records(nwb_file)
    digest = hash_file(nwb_file, part_bytes=65536)
    asset = bench.stand_in.assets()[PATH]
    assert (record.path, record.asset_id, record.blob_id) == (PATH, asset.asset_id, asset.blob_id)
    assert (record.size, record.etag, record.sha256) == (digest.size, digest.etag, digest.sha256)
    assert record.part_md5s == digest.part_md5s
    assert (record.dandiset, record.version) == ("000001", "draft")
    assert record.stream.startswith("http://127.0.0.1")
    assert "?" not in record.stream
    assert record.web.endswith("/dandiset/000001/draft/files?location=sub-m06")
    assert record_path(nwb_file).name == "sub-m06_ses-20260302T140507_ophys.dandi.json"
    assert outcome.web == record.web


def test_changed_bytes_with_an_older_date_are_refused_then_replaced(bench, nwb_file):
    bench.upload(nwb_file)
    old = bench.stand_in.content(PATH)
    change_one_byte(nwb_file)
    assert states(bench, nwb_file) == ["changed here"]
    (outcome,) = bench.upload(nwb_file)
    assert (outcome.state, outcome.exit_code) == ("refused", 4)
    assert "--replace" in outcome.message
    assert "2001-09-09" in outcome.message  # the file's date, and the archive's
    assert bench.stand_in.content(PATH) == old
    (outcome,) = bench.upload(nwb_file, may_replace=True)
    assert (outcome.state, outcome.exit_code) == ("replaced", 0)
    assert bench.stand_in.content(PATH) == nwb_file.read_bytes()
    assert len(bench.stand_in.assets()) == 1


def test_changed_there_is_refused_then_replaced(bench, nwb_file):
    bench.upload(nwb_file)
    bench.stand_in.tamper(PATH, byte=70_000)
    assert states(bench, nwb_file) == ["changed there"]
    (outcome,) = bench.upload(nwb_file)
    assert (outcome.state, outcome.exit_code) == ("refused", 4)
    assert "changed there" in outcome.message
    (outcome,) = bench.upload(nwb_file, may_replace=True)
    assert outcome.state == "replaced"
    assert bench.stand_in.content(PATH) == nwb_file.read_bytes()


@pytest.mark.parametrize("lost", ["PUT", "POST"])
def test_lost_answer_to_replacing_is_found_out(lost, bench, nwb_file):
    bench.upload(nwb_file)
    change_one_byte(nwb_file)
    bench.stand_in.add_fault(server="api", method=lost, loses_answer=True)
    (outcome,) = bench.upload(nwb_file, may_replace=True)
    assert outcome.state == "replaced", outcome.message
    assert bench.stand_in.content(PATH) == nwb_file.read_bytes()


def test_known_bytes_are_not_sent_again(bench, nwb_file):
    bench.upload(nwb_file)
    assert bench.stand_in.assets().pop(PATH)
    n_before = bench.n_parts_put
    assert states(bench, nwb_file) == ["bytes already in the archive"]
    (outcome,) = bench.upload(nwb_file)
    assert outcome.state == "already there"
    assert bench.n_parts_put == n_before
    assert PATH in bench.stand_in.assets()


def test_paths_that_differ_only_in_case_are_not_taken_for_ours(bench, nwb_file):
    bench.upload(nwb_file)
    asset = bench.stand_in.assets().pop(PATH)
    bench.stand_in.assets()[PATH.upper()] = asset
    asset.path = PATH.upper()
    (outcome,) = bench.upload(nwb_file)
    assert outcome.state == "already there"
    assert set(bench.stand_in.assets()) == {PATH, PATH.upper()}


@pytest.mark.parametrize("in_the_way", [f"{PATH}/x.nwb", "sub-m06"])
def test_path_in_the_way_is_told_before_sending(in_the_way, bench, nwb_file):
    bench.upload(nwb_file)
    asset = bench.stand_in.assets().pop(PATH)
    asset.path = in_the_way
    bench.stand_in.assets()[in_the_way] = asset
    assert states(bench, nwb_file) == ["path in the way"]
    (outcome,) = bench.upload(nwb_file)
    assert (outcome.state, outcome.exit_code) == ("refused", 1)
    assert in_the_way in outcome.message


def test_asset_that_another_puts_there_meanwhile_is_not_overwritten(bench, nwb_file):
    bench.upload(nwb_file)
    other = bench.stand_in.assets().pop(PATH)
    change_one_byte(nwb_file)
    bench.watch.on_sent = lambda n: bench.stand_in.assets().setdefault(PATH, other)
    (outcome,) = bench.upload(nwb_file)
    assert outcome.exit_code == 4
    assert "somebody else" in outcome.message
    assert bench.stand_in.assets()[PATH] is other


def test_storage_that_stored_something_else_is_found_when_reading_back(bench, nwb_file):
    size = nwb_file.stat().st_size
    bench.stand_in.add_fault(
        server="s3", method="HEAD", status=200,
        headers={"Content-Length": str(size), "ETag": '"0123456789abcdef0123456789abcdef-7"'},
    )  # fmt: skip
    (outcome,) = bench.upload(nwb_file)
    assert (outcome.state, outcome.exit_code) == ("failed", 4)
    assert "0123456789abcdef0123456789abcdef-7" in outcome.message


def test_wrong_sha256_of_the_archive_is_a_difference(bench, nwb_file):
    bench.upload(nwb_file)
    blob = bench.stand_in.state.blobs[bench.stand_in.assets()[PATH].blob_id]
    blob.sha256 = "0" * 64
    (outcome,) = bench.upload(nwb_file)
    assert outcome.exit_code == 4
    assert "SHA-256" in outcome.message


def test_archive_that_never_finishes_its_own_check_is_no_failure(bench, nwb_file):
    bench.stand_in.state.sha256_after_s = None
    bench.stand_in.state.validation_after_s = None
    (outcome,) = bench.upload(nwb_file, wait_s=0.1)
    assert outcome.exit_code == 0
    assert not outcome.checked.is_finished
    assert bench.watch.n_waiting == [1]
    assert not read_records(nwb_file)[0].is_sha256_confirmed


def test_archive_that_finishes_later_is_waited_for(bench, nwb_file):
    bench.stand_in.state.sha256_after_s = bench.stand_in.state.validation_after_s = 0.5
    (outcome,) = bench.upload(nwb_file, wait_s=5.0)
    assert outcome.checked.is_finished
    assert read_records(nwb_file)[0].is_sha256_confirmed
    assert read_records(nwb_file)[0].validation == "Valid"


def test_embargoed_file_is_read_back_with_the_key(bench, nwb_file):
    (outcome,) = bench.upload(nwb_file, dandiset=bench.stand_in.embargoed)
    assert outcome.state == "sent", outcome.message
    assert bench.stand_in.content(PATH, bench.stand_in.embargoed) == nwb_file.read_bytes()
    assert "/download/" in outcome.record.stream


def test_embargoed_bytes_go_into_an_open_dandiset_too(bench, nwb_file):
    """The archive opens them, and its storage somewhat later: it is asked with a signed address."""
    bench.upload(nwb_file, dandiset=bench.stand_in.embargoed)
    bench.stand_in.add_fault(server="s3", method="HEAD", status=403)
    (outcome,) = bench.upload(nwb_file)
    assert (outcome.state, outcome.exit_code) == ("already there", 0), outcome.message
    assert bench.n_requests("HEAD", "/download/") == 2  # of the embargoed one, and of this one


def test_record_of_each_dandiset_is_kept(bench, nwb_file):
    bench.upload(nwb_file)
    bench.upload(nwb_file, dandiset=bench.stand_in.embargoed)
    assert [record.dandiset for record in read_records(nwb_file)] == ["000001", "000002"]


@pytest.mark.parametrize("n_written", [0, 1])
def test_record_that_cannot_be_written_ends_with_3_and_the_same_command_goes_on(
    n_written, bench, nwb_file, monkeypatch
):
    """What was sent is there, so it is not what 1 says; the record is written once more at last."""
    from miniscope_nwb.share import record

    inner, count = record.write_text_file, itertools.count()

    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def full(path: Path, text: str) -> None:
        with monkeypatch.context() as disk:
            if next(count) >= n_written:
                disk.setattr(os, "fsync", no_room)
            inner(path, text)

    monkeypatch.setattr(record, "write_text_file", full)
    (outcome,) = bench.upload(nwb_file)
    assert (outcome.state, outcome.exit_code) == ("failed", 3)
    assert "is in the archive: allow writing there" in outcome.message
    assert len(list(nwb_file.parent.glob("*.json*"))) == n_written
    assert list(nwb_file.parent.glob(".*")) == []
    monkeypatch.undo()
    (again,) = bench.upload(nwb_file)
    assert (again.state, again.exit_code) == ("same", 0)


def test_disk_without_room_for_a_record_is_told_before_a_byte_is_sent(bench, nwb_file, monkeypatch):
    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("miniscope_nwb.share.record.os.fsync", no_room)
        (outcome,) = bench.upload(nwb_file)
    assert (outcome.state, outcome.exit_code) == ("failed", 1)
    assert "No space left on device" in outcome.message
    assert "free some room" in outcome.message
    assert bench.n_parts_put == bench.n_requests("POST", "initialize") == 0
    assert list(nwb_file.parent.iterdir()) == [nwb_file]


def test_damaged_record_is_written_anew(bench, nwb_file):
    bench.upload(nwb_file)
    record_path(nwb_file).write_text("{half")
    (outcome,) = bench.upload(nwb_file)
    assert outcome.state == "same"
    assert len(read_records(nwb_file)) == 1


def test_file_without_its_dandi_name_goes_to_its_planned_path(bench, nwb_file, tmp_path):
    plain = tmp_path / "mouse.nwb"
    shutil.copyfile(nwb_file, plain)
    (outcome,) = bench.upload(plain)
    assert outcome.asset_path == PATH
    assert bench.stand_in.assets()[PATH].metadata["path"] == PATH
    assert record_path(plain).exists()


def test_file_that_is_not_fit_stays_and_the_others_go(bench, nwb_file, tmp_path):
    wrong = tmp_path / "sub-other_ses-20260302T140507_ophys.nwb"
    shutil.copyfile(nwb_file, wrong)
    outcomes = bench.upload(wrong, nwb_file)
    assert [(outcome.state, outcome.exit_code) for outcome in outcomes] == [
        ("not fit", 1),
        ("sent", 0),
    ]
    assert set(bench.stand_in.assets()) == {PATH}
