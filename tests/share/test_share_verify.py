"""One changed byte, here or there, is found, and its part is named."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from share_bench import PART_BYTES

from miniscope_nwb.errors import AccessError, NwbContentError, ShareError
from miniscope_nwb.share.opened import open_archive
from miniscope_nwb.share.record import record_path
from miniscope_nwb.share.targets import find_targets, verify_targets

PATH = "sub-m06/sub-m06_ses-20260302T140507_ophys.nwb"


def verify(bench, path, **named):
    def enter(instance):
        return open_archive(
            instance,
            key_file=bench.state.parent / "key.txt",
            needs_key=False,
            settings=bench.settings,
            say=bench.said.append,
        )

    targets = find_targets(path, number=named.get("number"), instance=named.get("instance"))
    return list(verify_targets(targets, enter=enter, progress=lambda *_: None))


@pytest.mark.parametrize("byte", [0, 65_535, 65_536, 300_000, -1])
def test_byte_changed_here_names_its_part(byte, bench, nwb_file):
    bench.upload(nwb_file)
    content = bytearray(nwb_file.read_bytes())
    content[byte] ^= 128
    nwb_file.write_bytes(content)
    os.utime(nwb_file, (1_000_000_000, 1_000_000_000))
    (found,) = verify(bench, nwb_file)
    assert found.verdict == "changed here"
    number = (byte % len(content)) // PART_BYTES + 1
    assert found.parts == (number,)
    assert f"part {number} (bytes {(number - 1) * PART_BYTES} to" in found.message


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("byte", [0, 70_000])
def test_byte_changed_there_names_its_part(byte, private, bench, nwb_file):
    dandiset = bench.stand_in.embargoed if private else bench.stand_in.dandiset
    bench.upload(nwb_file, dandiset=dandiset)
    bench.stand_in.tamper(PATH, byte=byte, dandiset=dandiset)
    (found,) = verify(bench, nwb_file)
    assert found.verdict == "changed there"
    assert found.parts == (byte // PART_BYTES + 1,)


def test_storage_alone_changed_is_found(bench, nwb_file):
    """The archive's list may still tell of the right bytes: its storage is asked too."""
    bench.upload(nwb_file)
    blob = bench.stand_in.state.blobs[bench.stand_in.assets()[PATH].blob_id]
    etag, sha256 = blob.etag, blob.sha256
    bench.stand_in.tamper(PATH, byte=131_072)
    blob.etag, blob.sha256 = etag, sha256
    (found,) = verify(bench, nwb_file)
    assert (found.verdict, found.parts) == ("changed there", (3,))


def test_everything_is_the_same(bench, nwb_file):
    bench.upload(nwb_file)
    (found,) = verify(bench, nwb_file)
    assert found.is_same
    assert found.is_sha256_compared


def test_archive_alone_is_enough(bench, nwb_file):
    bench.upload(nwb_file)
    record_path(nwb_file).unlink()
    with pytest.raises(AccessError, match="--dandiset"):
        verify(bench, nwb_file)
    (found,) = verify(bench, nwb_file, number="000001", instance=bench.stand_in.url)
    assert found.is_same
    assert not found.has_record
    bench.stand_in.tamper(PATH, byte=100)
    (found,) = verify(bench, nwb_file, number="000001", instance=bench.stand_in.url)
    assert (found.verdict, found.parts) == ("different", (1,))


def test_both_changed(bench, nwb_file):
    bench.upload(nwb_file)
    bench.stand_in.tamper(PATH, byte=0)
    content = bytearray(nwb_file.read_bytes())
    content[70_000] ^= 1
    nwb_file.write_bytes(content)
    (found,) = verify(bench, nwb_file)
    assert (found.verdict, found.parts) == ("different", (2,))


def test_cut_file_is_told(bench, nwb_file):
    bench.upload(nwb_file)
    os.truncate(nwb_file, 3 * PART_BYTES)
    (found,) = verify(bench, nwb_file)
    assert found.verdict == "changed here"
    assert found.parts == (4, 5, 6, 7)


def test_asset_that_is_gone_is_told(bench, nwb_file):
    bench.upload(nwb_file)
    bench.stand_in.assets().clear()
    (found,) = verify(bench, nwb_file)
    assert found.verdict == "missing"


def test_sha256_is_compared_where_there_is_one(bench, nwb_file):
    bench.upload(nwb_file)
    blob = bench.stand_in.state.blobs[bench.stand_in.assets()[PATH].blob_id]
    blob.sha256 = "1" * 64
    (found,) = verify(bench, nwb_file)
    assert not found.is_same
    assert "SHA-256" in found.message


def test_old_record_is_told(bench, nwb_file, tmp_path):
    bench.upload(nwb_file)
    old = tmp_path / "old.json"
    shutil.copyfile(record_path(nwb_file), old)
    content = bytearray(nwb_file.read_bytes())
    content[200_000] ^= 1
    nwb_file.write_bytes(content)
    bench.upload(nwb_file, may_replace=True)
    shutil.copyfile(old, record_path(nwb_file))
    (found,) = verify(bench, nwb_file)
    assert found.is_same
    assert "older upload" in found.message


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2, "assets": []}', '{"format": 1}', "\xff"])
def test_record_that_cannot_be_read_is_told(text, bench, nwb_file):
    bench.upload(nwb_file)
    record_path(nwb_file).write_text(text, encoding="latin-1")
    with pytest.raises(ShareError, match="--dandiset"):
        verify(bench, nwb_file)
    (found,) = verify(bench, nwb_file, number="000001", instance=bench.stand_in.url)
    assert found.is_same


def test_no_key_goes_to_an_address_that_only_a_record_names(bench, nwb_file, monkeypatch):
    """Somebody else's record beside a file must not draw out our key."""
    monkeypatch.setenv("MINISCOPE_NWB_API_KEY", bench.stand_in.key)

    def enter(*, is_named: bool):
        archive, _ = open_archive(
            bench.stand_in.url,
            key_file=None,
            needs_key=False,
            settings=bench.settings,
            say=bench.said.append,
            is_named_by_user=is_named,
        )
        return archive

    assert enter(is_named=False).key is None
    assert enter(is_named=True).key is not None
    from miniscope_nwb.share.journal import trust

    trust(bench.state, enter(is_named=True).instance.api)
    assert enter(is_named=False).key is not None


def test_file_that_is_gone_here_is_told_and_the_others_are_compared(bench, nwb_file):
    bench.upload(nwb_file)
    twin = nwb_file.rename(nwb_file.with_name("away.nwb"))
    (found,) = verify(bench, nwb_file)
    assert (found.verdict, found.is_same) == ("gone here", False)
    assert "put it back" in found.message
    twin.rename(nwb_file)
    assert verify(bench, nwb_file)[0].is_same


VIDEO = "sub-m06_ses-20260302T140507_behavior+ophys/0.mp4"


@pytest.fixture
def filmed(tmp_path):
    """A file that names a video, and the video."""
    from small_nwb import write_small_nwb

    path = tmp_path / "sub-m06" / "sub-m06_ses-20260302T140507_behavior+ophys.nwb"
    write_small_nwb(path, external_video=VIDEO)
    (path.parent / VIDEO).parent.mkdir()
    (path.parent / VIDEO).write_bytes(b"a video")
    return path


def cut_record(path, *, to):
    """Leave of a record only the files that an upload had come to."""
    said = json.loads(record_path(path).read_text())
    said["assets"] = [item for item in said["assets"] if item["file"] in to]
    record_path(path).write_text(json.dumps(said))


def test_upload_that_was_killed_after_the_videos_is_told(bench, filmed, monkeypatch, capsys):
    from miniscope_nwb.cli.main import run

    bench.upload(filmed)
    cut_record(filmed, to=[VIDEO])
    del bench.stand_in.assets()[f"sub-m06/{filmed.name}"]
    video, found = verify(bench, filmed)
    assert (video.verdict, found.verdict) == ("same", "missing")
    assert found.file.path == filmed
    monkeypatch.setattr("miniscope_nwb.share.settings.DEFAULT", bench.settings)
    assert run(["share", "verify", str(filmed)]) == 4
    said = capsys.readouterr().out
    assert f"MISSING   {filmed}" in said
    assert "run `share upload` again" in said
    assert run(["share", "verify", str(filmed), "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["same"] is False


@pytest.mark.parametrize("recorded", ["video", "file"])
def test_what_a_record_leaves_out_is_judged_all_the_same(recorded, bench, filmed):
    bench.upload(filmed)
    cut_record(filmed, to=[VIDEO if recorded == "video" else filmed.name])
    found = verify(bench, filmed)
    assert {item.file.asset_path for item in found} == set(bench.stand_in.assets())
    assert all(item.is_same for item in found)
    assert [item.has_record for item in found] == [True, False]


@pytest.mark.parametrize("named", [{}, {"number": "000001"}])
def test_video_that_is_gone_here_is_told_without_a_record_too(named, bench, filmed):
    bench.upload(filmed)
    cut_record(filmed, to=[filmed.name])
    (filmed.parent / VIDEO).unlink()
    if named:
        named = {**named, "instance": bench.stand_in.url}
    found = {item.file.path: item.verdict for item in verify(bench, filmed, **named)}
    assert found == {filmed: "same", filmed.parent / VIDEO: "gone here"}


@pytest.mark.parametrize("named", [{}, {"number": "000001"}])
@pytest.mark.parametrize("recorded", ["all", "video", "nothing"])
def test_file_that_opens_no_more_is_compared_all_the_same(recorded, named, bench, filmed):
    """One changed byte may take its names from a file: the record or its own name tell them."""
    bench.upload(filmed)
    there = {"all": [VIDEO, filmed.name], "video": [VIDEO], "nothing": []}[recorded]
    cut_record(filmed, to=there)
    content = bytearray(filmed.read_bytes())
    content[0] ^= 1
    filmed.write_bytes(content)
    if named:
        named = {**named, "instance": bench.stand_in.url}
    elif not there:  # nobody says where
        with pytest.raises(AccessError, match="--dandiset"):
            verify(bench, filmed)
        return
    found = {item.file.path: item for item in verify(bench, filmed, **named)}
    assert set(found) == {filmed, *(filmed.parent / name for name in there)}
    verdict = "changed here" if recorded == "all" else "different"
    assert (found[filmed].verdict, found[filmed].parts) == (verdict, (1,))


def test_file_that_opens_no_more_and_has_no_name_is_told(bench, filmed):
    bench.upload(filmed)
    named = {"number": "000001", "instance": bench.stand_in.url}
    renamed = filmed.with_name("renamed.nwb")
    renamed.write_bytes(b"no NWB")
    with pytest.raises(NwbContentError):
        verify(bench, renamed, **named)
