"""The stand-in archive answers as a real one did: status, keys and types of recorded exchanges."""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path

import pytest
import requests

from miniscope_nwb.testing.archive import StandIn

RECORDED = [
    json.loads(line)
    for line in Path(__file__).with_name("dandi_exchanges.jsonl").read_text().splitlines()
]
PATH = "sub-m02/sub-m02_ses-20260302T140507_ophys.nwb"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Keys of answers that the stand-in leaves out: it writes no summaries of its own.
LEFT_OUT = {"assetsSummary", "publishedBy", "datePublished", "dateModified", "keywords"}


def etag_of(content: bytes) -> str:
    inner = hashlib.md5(content).digest()
    return f"{hashlib.md5(inner).hexdigest()}-1"


class World:
    """A stand-in with an asset in each dandiset and uploads in every state."""

    def __init__(self, archive: StandIn) -> None:
        self.archive = archive
        self.assets = {
            "000001": self.add("000001", b"open bytes" * 50),
            "000002": self.add("000002", b"embargoed bytes" * 50),
        }
        self.duplicate = self.send("000001", b"twice" * 50)
        self.blob = self.validate(self.send("000001", b"twice" * 50)).json()["blob_id"]
        self.begun = self.initialize("000001", b"begun")["upload_id"]
        self.ready = self.send("000001", b"ready" * 50)

    def call(self, method, path, *, key=None, sent=None):
        headers = {} if key is None else {"Authorization": f"token {key}"}
        where = f"{self.archive.url.removesuffix('/api')}{path}"
        return requests.request(
            method, where, json=sent, headers=headers, allow_redirects=False, timeout=20
        )

    def initialize(self, dandiset, content):
        sent = {
            "contentSize": len(content),
            "digest": {"algorithm": "dandi:dandi-etag", "value": etag_of(content)},
            "dandiset": dandiset,
        }
        return self.call("POST", "/api/uploads/initialize/", key=self.archive.key, sent=sent).json()

    def send(self, dandiset, content):
        """Send bytes up to, and without, the validation; return the upload's id."""
        begun = self.initialize(dandiset, content)
        part = begun["parts"][0]
        etag = requests.put(part["upload_url"], data=content, timeout=20).headers["ETag"]
        parts = [{"part_number": 1, "size": len(content), "etag": etag.strip('"')}]
        joined = self.call(
            "POST",
            f"/api/uploads/{begun['upload_id']}/complete/",
            key=self.archive.key,
            sent={"parts": parts},
        ).json()
        assert requests.post(joined["complete_url"], data=joined["body"], timeout=20).ok
        return begun["upload_id"]

    def validate(self, upload_id):
        return self.call("POST", f"/api/uploads/{upload_id}/validate/", key=self.archive.key)

    def add(self, dandiset, content):
        blob_id = self.validate(self.send(dandiset, content)).json()["blob_id"]
        sent = {"metadata": metadata(PATH), "blob_id": blob_id}
        where = f"/api/dandisets/{dandiset}/versions/draft/assets/"
        return self.call("POST", where, key=self.archive.key, sent=sent).json()["asset_id"]


def metadata(path):
    """What the client sent for an asset, by the shape of a recorded request."""
    sent = next(item for item in RECORDED if item["path"].endswith("draft/assets/"))
    return {**filled(sent["request"]["metadata"]), "path": path}


def filled(shape):
    if isinstance(shape, dict):
        return {key: filled(value) for key, value in shape.items()}
    if isinstance(shape, list):
        return [filled(value) for value in shape]
    return {"text": "x", "number": 1, "bool": True, "null": None}[shape]


def shape_of(value):
    if isinstance(value, dict):
        return {key: shape_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape_of(value[0])] if value else []
    return {type(None): "null", bool: "bool", int: "number", float: "number", str: "text"}[
        type(value)
    ]


def differences(recorded, given, where=""):
    """List what is missing or of another type; a null may stand for what is not there yet."""
    if isinstance(recorded, dict) and isinstance(given, dict):
        missing = [f"{where}/{key}" for key in recorded.keys() - given.keys() - LEFT_OUT]
        both = recorded.keys() & given.keys() - LEFT_OUT
        inner = [differences(recorded[key], given[key], f"{where}/{key}") for key in sorted(both)]
        return missing + [found for each in inner for found in each]
    if isinstance(recorded, list) and isinstance(given, list):
        return differences(recorded[0], given[0], f"{where}[]") if recorded and given else []
    if "null" in (recorded, given) or recorded == given:
        return []
    return [f"{where}: {given} instead of {recorded}"]


@pytest.fixture
def world():
    with StandIn() as archive:
        yield World(archive)


@pytest.fixture(scope="module")
def unchanged_world():
    """A world for the exchanges that change nothing in it."""
    with StandIn() as archive:
        yield World(archive)


def changes_nothing(exchange):
    is_read = exchange["method"] in ("GET", "HEAD") and "/versions/0." not in exchange["path"]
    return is_read or (exchange["status"] >= 400 and "publish" not in exchange["path"])


def sender(exchange, world):
    """Return the key that gave the recorded status."""
    if not exchange["authorized"]:
        return None
    archive, path = world.archive, exchange["path"]
    if exchange["status"] == 401:
        return "0" * 40
    if exchange["status"] == 403:
        return archive.pending_key if "auth/token" in path else archive.stranger_key
    return archive.key


def with_own_ids(exchange, world):
    """Return path and body of the recorded request, about things that this archive has."""
    path, sent = exchange["path"], exchange["request"]
    dandiset = "000002" if exchange["status"] in (401, 403) and "/download/" in path else "000001"
    upload = {200: world.ready, 409: world.duplicate, 400: world.begun, 404: "0" * 8 + "-0000" * 3
              + "-" + "0" * 12}  # fmt: skip
    own = upload.get(exchange["status"]) if "/uploads/" in path else world.assets[dandiset]
    path = UUID.sub(own or "", path)
    if isinstance(sent, dict) and "blob_id" in sent:
        wanted = sent["metadata"]
        named = wanted["path"] if wanted.keys() == {"path"} else "sub-new/sub-new_ophys.nwb"
        sent = {"metadata": {**metadata(""), "path": named}, "blob_id": world.blob}
        if exchange["status"] == 409:
            sent["metadata"]["path"] = PATH + ("/x.nwb" if named.endswith("/x.nwb") else "")
    elif path.endswith("/versions/draft/") and exchange["method"] == "PUT":
        sent = {"name": "A name", "metadata": filled(sent["metadata"])}
    elif path.endswith("/initialize/") and exchange["status"] == 409:
        sent = {**sent, "digest": {**sent["digest"], "value": etag_of(b"open bytes" * 50)}}
    elif path.endswith("/digest/") and exchange["status"] == 200:
        sent = {**sent, "value": etag_of(b"open bytes" * 50)}
    return path, sent


def prepare(exchange, world):
    """Bring the archive where the real one stood."""
    if "publish" in exchange["path"] and exchange["status"] == 400:
        if "no changes" in str(exchange["answer"]):
            where = "/api/dandisets/000001/versions/draft/publish/"
            assert world.call("POST", where, key=world.archive.key, sent={}).status_code == 202
        else:
            world.archive.state.validation_after_s = None


@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_answers_as_recorded(request, number):
    exchange = RECORDED[number]
    world = request.getfixturevalue("unchanged_world" if changes_nothing(exchange) else "world")
    prepare(exchange, world)
    path, sent = with_own_ids(exchange, world)
    if "/versions/0." in path and exchange["method"] == "GET":
        where = "/api/dandisets/000001/versions/draft/publish/"
        assert world.call("POST", where, key=world.archive.key, sent={}).status_code == 202
        (published,) = world.archive.state.dandisets["000001"].published
        path = f"/api/dandisets/000001/versions/{published}/"

    answer = world.call(exchange["method"], path, key=sender(exchange, world), sent=sent)

    assert answer.status_code == exchange["status"]
    assert {name for name in ("Location", "Www-Authenticate") if name in answer.headers} == set(
        exchange["headers"]
    )
    if exchange["method"] == "HEAD" or exchange["status"] in (202, 204):
        assert answer.content == b""
        return
    assert answer.headers["Content-Type"].split(";")[0] == exchange["type"]
    if exchange["type"] != "application/json":
        return
    if exchange["detail"]:
        assert answer.json() == exchange["detail"]
    elif exchange["status"] >= 400 and isinstance(exchange["answer"], str):
        told = re.sub(r"sub-\w+/\S+nwb", "P", answer.json())
        assert told == re.sub(r"sub-\w+/\S+nwb", "P", exchange["answer"])
    else:
        assert differences(exchange["answer"], shape_of(answer.json())) == []


def test_serves_embargoed_bytes_to_signed_addresses_alone(world):
    archive, asset = world.archive, world.assets["000002"]
    shown = world.call("GET", f"/api/assets/{asset}/", key=archive.key).json()
    assert requests.get(shown["contentUrl"][1], timeout=20).status_code == 403
    led = world.call("GET", f"/api/assets/{asset}/download/", key=archive.key)
    assert requests.get(led.headers["Location"], timeout=20).content == b"embargoed bytes" * 50


def test_serves_open_bytes_and_pieces_of_them_to_everybody(world):
    shown = world.call("GET", f"/api/assets/{world.assets['000001']}/").json()
    blob = shown["contentUrl"][1]
    assert requests.get(blob, timeout=20).content == b"open bytes" * 50
    piece = requests.get(blob, headers={"Range": "bytes=5-9"}, timeout=20)
    assert (piece.status_code, piece.content) == (206, b"bytes")
    assert piece.headers["Content-Range"] == "bytes 5-9/500"


def test_faults_hit_the_requests_that_they_name(world):
    archive = world.archive
    archive.add_fault(
        server="api", path="users/me", status=429, headers={"Retry-After": "1"}, skip=1, times=2
    )
    archive.add_fault(server="api", path="auth/token", loses_answer=True)
    archive.add_fault(server="s3", method="PUT", cut_after=10)
    asked = [world.call("GET", "/api/users/me/", key=archive.key) for _ in range(4)]
    assert [answer.status_code for answer in asked] == [200, 429, 429, 200]
    assert asked[1].headers["Retry-After"] == "1"
    with pytest.raises(requests.ConnectionError):
        world.call("GET", "/api/auth/token/", key=archive.key)
    url = world.initialize("000001", b"cut" * 5000)["parts"][0]["upload_url"]
    with pytest.raises(requests.ConnectionError):
        requests.put(url, data=b"cut" * 5000, timeout=20)
    assert requests.put(url, data=b"cut" * 5000, timeout=20).ok


def test_silent_storage_stores_nothing_for_who_has_hung_up(world, monkeypatch):
    archive = world.archive
    archive.add_fault(server="s3", method="PUT", stall_s=0.5)
    url = world.initialize("000001", b"late" * 900)["parts"][0]["upload_url"]
    with pytest.raises(requests.Timeout), requests.Session() as session:
        session.put(url, data=b"late" * 900, timeout=0.1)
    stored: list[object] = []
    monkeypatch.setattr(archive._s3._app, "app", lambda *_: stored.append(1) or [])
    time.sleep(0.7)
    assert stored == []
    assert archive.requests[-1].method == "PUT"


def test_flips_a_byte_on_its_way_and_in_the_storage(world):
    archive = world.archive
    archive.add_fault(server="s3", method="PUT", flip_byte=3)
    url = world.initialize("000001", b"whole")["parts"][0]["upload_url"]
    etag = requests.put(url, data=b"whole", timeout=20).headers["ETag"].strip('"')
    assert etag == hashlib.md5(b"whome").hexdigest()  # l and m differ in one bit
    before = archive.content(PATH)
    archive.tamper(PATH, byte=2)
    after = archive.content(PATH)
    assert [place for place in range(len(before)) if before[place] != after[place]] == [2]
    shown = world.call("GET", f"/api/assets/{world.assets['000001']}/").json()
    assert shown["digest"]["dandi:dandi-etag"] == etag_of(after)


def test_uploads_outlive_a_restart_and_a_storage_that_was_away(world):
    archive = world.archive
    part = world.initialize("000001", b"patience")["parts"][0]
    archive.restart()
    archive.take_storage_away()
    with pytest.raises(requests.ConnectionError):
        requests.put(part["upload_url"], data=b"patience", timeout=20)
    asked = world.call("POST", f"/api/uploads/{world.ready}/validate/", key=archive.key)
    assert asked.status_code == 503
    archive.bring_storage_back()
    assert requests.put(part["upload_url"], data=b"patience", timeout=20).ok
    assert world.validate(world.ready).ok
