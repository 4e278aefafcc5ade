"""Files on a server: the same numbers as from a file here, with few requests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from long_recording import CHUNK, write_long
from range_server import answer, serving
from remote_bench import ASSET, MOST_BYTES, MOST_REQUESTS, look

import miniscope_nwb
from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.reading.session import Session
from miniscope_nwb.remote.address import is_download, is_remote, shown, web_address
from miniscope_nwb.remote.file import RemoteFile


def test_an_address_gives_the_same_numbers_with_few_requests(server, long_file):
    expected = look(long_file)
    found = look(f"{server.url}/x.nwb")
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, two)
    assert server.n_requests <= MOST_REQUESTS // 2
    assert server.n_bytes <= long_file.stat().st_size / 2
    assert server.n_bytes <= MOST_BYTES
    assert all(headers["Range"].startswith("bytes=") for _, headers in server.asked)


def test_what_was_read_is_not_asked_for_again(server, long_file):
    with miniscope_nwb.open(f"{server.url}/x.nwb") as session, Session(long_file) as local:
        before = session.run().cells, session.frames[7]
        assert before[0].equals(local.run().cells)
        server.forget()
        assert session.run().cells.equals(before[0])
        assert session.run_names == ["first"]
        np.testing.assert_array_equal(session.frames[8], local.frames[8])
        assert server.n_requests == 0
        assert repr(session) == f"Session('{server.url}/x.nwb', runs: first)"
    with pytest.raises(ValueError, match="closed"):
        session.path.read(1)


@pytest.mark.slow
def test_a_gigabyte_is_opened_with_few_requests(tmp_path):
    path = tmp_path / "large.nwb"
    frames = write_long(path, n_frames=3300, height=600, width=608, n_cells=300)
    assert path.stat().st_size > 1_000_000_000
    with serving({"/large.nwb": path}) as server:
        trace, frame = look(f"{server.url}/large.nwb", frame=1655)
        np.testing.assert_array_equal(frame, frames[1655 % CHUNK])
        np.testing.assert_array_equal(trace, look(path)[0])
        assert server.n_requests <= MOST_REQUESTS
        assert server.n_bytes <= MOST_BYTES


def test_a_bucket_is_an_address_too(server, monkeypatch):
    server.files["/bucket/sub%20dir/x.nwb"] = server.files["/x.nwb"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    with miniscope_nwb.open("s3://bucket/sub dir/x.nwb") as session:
        assert session.run_names == ["first"]
    assert server.asked[0][0] == "/bucket/sub%20dir/x.nwb"


def test_addresses():
    assert is_remote("https://h/x.nwb")
    assert is_remote("S3://b/x.nwb")
    assert not is_remote("x.nwb")
    assert not is_remote(Path("https:/h/x.nwb"))
    assert web_address("s3://b/a/x y.nwb", {}) == "https://b.s3.amazonaws.com/a/x%20y.nwb"
    assert web_address("s3://a.b/x.nwb", {}) == "https://s3.amazonaws.com/a.b/x.nwb"
    assert web_address("https://h/x?versionId=1", {}) == "https://h/x?versionId=1"
    assert shown("https://me:secret@h:1/x.nwb?X-Amz-Signature=1#2") == "https://h:1/x.nwb"
    assert is_download(f"https://h{ASSET}")
    assert is_download(f"https://h/api/dandisets/000002/versions/draft{ASSET[4:]}")
    assert not is_download("https://h/api/assets/")
    for url, sentence in {
        "https://h": "names no file",
        "s3://bucket/": "names no file",
        "https://me:secret@h/x.nwb": "holds a user or password",
        "https://h:secret/x.nwb": "host or port",
        "https://[secret/x.nwb": "host or port",
    }.items():
        with pytest.raises(NwbContentError, match=sentence) as caught:
            miniscope_nwb.open(url)
        assert "secret" not in str(caught.value)


def test_redirections_are_followed(server, long_file):
    def lead(request) -> bool:
        return request.path.startswith("/short") and answer(
            request, 302, headers={"Location": "/x.nwb"}
        )

    server.rules.append(lead)
    found = look(f"{server.url}/short")
    np.testing.assert_array_equal(found[1], look(long_file)[1])
    assert sum(path == "/short" for path, _ in server.asked) == 1, "the way is remembered"


def test_blocks_are_fetched_side_by_side_and_the_oldest_go():
    content = bytes(range(256)) * 8
    asked: list[tuple[int, int]] = []

    def fetch(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return content[start:stop]

    file = RemoteFile(
        "x", fetch, len(content), first=content[:150], block_bytes=100, keep_bytes=400
    )
    assert file.read(100) == content[:100]
    assert asked == [], "it came with the opening"
    assert file.read(20) == content[100:120]
    assert asked == [(100, 200)], "a block that came in part is fetched whole"
    file.seek(150)
    assert file.read(400) == content[150:550]
    assert asked[1:] == [(200, 600)], "one request for four blocks"
    file.seek(-48, 2)
    assert file.read(1000) == content[2000:]
    assert asked[2:] == [(2000, 2048)]
    file.seek(0)
    assert file.read(1) == content[:1]
    assert asked[3:] == [(0, 100)], "the oldest had to go"
    assert file.seek(5000) == 5000
    assert file.read(10) == b""


def test_files_here_are_opened_as_before(long_file, tmp_path, monkeypatch):
    monkeypatch.chdir(long_file.parent)
    with miniscope_nwb.open("x.nwb") as session:
        assert session.path == Path("x.nwb")
    with pytest.raises(NwbContentError, match="does not exist"):
        miniscope_nwb.open(tmp_path / "no.nwb")
