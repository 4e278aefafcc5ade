"""One request: when it is repeated, how long it waits, what it never does."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from share_bench import QUICK

from miniscope_nwb.errors import AccessError, ShareError, UnreachableError
from miniscope_nwb.share import transport as module
from miniscope_nwb.share.archive import Archive
from miniscope_nwb.share.instances import find_instance
from miniscope_nwb.share.redact import Secret
from miniscope_nwb.share.transport import Reply, Stopped, Transport


@pytest.fixture
def transport():
    made = Transport(QUICK, say=lambda _: None, patience_s=0.3)
    yield made
    made.close()


def info(archive) -> str:
    return f"{archive.url}/info/"


def test_waits_grow_and_end(archive):
    said = []
    transport = Transport(QUICK, say=said.append, patience_s=0.4)
    archive.add_fault(server="api", status=503, times=1000)
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="503"):
        transport.send("GET", info(archive))
    assert time.monotonic() - started < 5
    assert 3 < len(said) < 40
    assert len(archive.requests) == len(said) + 1


def test_retry_after_is_kept(archive, transport):
    transport.patience_s = 10
    archive.add_fault(server="api", status=429, headers={"Retry-After": "0.5"})
    started = time.monotonic()
    assert transport.send("GET", info(archive)).status == 200
    assert time.monotonic() - started >= 0.5


def test_retry_after_may_be_a_date():
    date = formatdate(time.time() + 100, usegmt=True)
    assert 50 < module._retry_after(Reply(429, {"retry-after": date}, b"")) <= 100


def test_retry_after_that_is_longer_than_patience_ends_at_once(archive, transport):
    archive.add_fault(server="api", status=429, headers={"Retry-After": "3600"})
    started = time.monotonic()
    with pytest.raises(UnreachableError):
        transport.send("GET", info(archive))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("text", ["", "soon", "-5"])
def test_senseless_retry_after_is_left(text):
    assert module._retry_after(Reply(429, {"retry-after": text}, b"")) == 0.0


def test_a_refusal_is_no_reason_to_wait(archive, transport):
    assert transport.send("GET", f"{archive.url}/dandisets/000999/").status == 404
    assert len(archive.requests) == 1


def test_nobody_there_is_told_in_one_sentence(transport):
    with pytest.raises(UnreachableError, match="same command again") as caught:
        transport.send("GET", "http://127.0.0.1:9/api/info/?X-Amz-Signature=123")
    assert caught.value.__context__ is None
    said = str(caught.value)
    assert "X-Amz" not in said
    assert said.startswith("127.0.0.1:9 does not answer")
    assert "check connection and --instance" in said
    assert "was sent" not in said


def test_only_what_was_sent_is_called_safe(archive, transport):
    transport.send("GET", info(archive))
    archive.add_fault(server="api", status=503, times=1000)
    with pytest.raises(UnreachableError, match=r"check the connection, .* again\.$"):
        transport.send("GET", info(archive))
    transport.has_sent = True
    with pytest.raises(UnreachableError, match=r"nothing that was sent is lost\.$"):
        transport.send("GET", info(archive))


@pytest.mark.parametrize("url", ["http://:80/x", "ftp://h.example/x", "http://"])
def test_what_is_no_address_is_told_at_once(url, transport):
    with pytest.raises(AccessError):
        transport.send("GET", url)


def test_netrc_is_not_asked(archive, transport, tmp_path, monkeypatch):
    """A line for the host in ~/.netrc would take the place of the key, or spoil a signature."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert (
        transport.send("GET", f"{archive.url}/users/me/").status == 401
    )  # no key, not a wrong one
    assert transport.send("GET", f"{archive.url}/users/me/", key=Secret(archive.key)).status == 200


def test_redirections_are_not_followed_with_the_key(archive, transport):
    archive.add_fault(server="api", status=301, headers={"Location": "http://127.0.0.1:9/"})
    instance = find_instance(archive.url)
    with pytest.raises(AccessError, match="has moved"):
        Archive(instance, Secret(archive.key), transport).ask("GET", "users/me/", doing="asking")


def test_the_archives_own_words_are_passed_on(archive, transport):
    instance = find_instance(archive.url)
    asked = Archive(instance, Secret(archive.key), transport)
    with pytest.raises(ShareError, match="Path improperly formatted"):
        asked.put_asset("000001", metadata={"path": "../x"}, blob_id="b", replacing=None)
    archive.add_fault(server="api", status=400, body=f'["no {archive.key} here"]')
    with pytest.raises(ShareError) as caught:
        asked.ask("GET", "info/", doing="asking")
    assert archive.key not in str(caught.value)


def test_work_that_is_given_up_stops_waiting(archive, transport):
    transport.stop.set()
    with pytest.raises(Stopped):
        transport.send("GET", info(archive))
    assert archive.requests == []


def test_lists_of_several_pages_are_read_to_the_end(archive, transport, monkeypatch):
    from miniscope_nwb.share import archive as client
    from miniscope_nwb.testing.archive.state import Asset, Blob

    archive.state.blobs["b"] = Blob("b", "0-1", 3, is_embargoed=False, sha256="0")
    for number in range(25):
        path = f"sub-m{number:02d}/x.nwb"
        archive.assets()[path] = Asset(f"a{number}", path, "b", {})
    monkeypatch.setattr(client, "PAGE", 10)
    asked = Archive(find_instance(archive.url), None, transport)
    assert len(list(asked.assets("000001", prefix="sub-"))) == 25
    assert asked.asset_at("000001", "sub-m24/x.nwb").asset_id == "a24"
    assert asked.asset_at("000001", "sub-m2") is None


def test_archive_behind_an_address_without_api_is_found(archive, transport):
    from miniscope_nwb.share.access import enter

    found, _ = enter(find_instance(archive.url.removesuffix("/api")), None, transport)
    assert found.instance.api == archive.url
    with pytest.raises(AccessError, match="no archive at"):
        enter(find_instance(f"{archive.url}/elsewhere"), None, transport)
