"""Files on a server: the same numbers, few requests, and keys that go nowhere else."""

from __future__ import annotations

import itertools
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "nwb"))

from long_recording import CHUNK, write_long
from range_server import answer, serving

import miniscope_nwb
from miniscope_nwb.errors import AccessError, NwbContentError, UnreachableError
from miniscope_nwb.reading.session import Session
from miniscope_nwb.remote import http
from miniscope_nwb.remote.address import is_download, is_remote, shown, web_address
from miniscope_nwb.remote.file import RemoteFile
from miniscope_nwb.remote.http import Waits

KEY = "0123456789abcdef0123456789abcdef01234567"
SIGNED = "X-Amz-Signature=5eC7e7&X-Amz-Expires=21600"
ASSET = "/api/assets/0b1c2d3e-0b1c-2d3e-4f50-0b1c2d3e4f50/download/"
QUICK = Waits(connect_s=2.0, read_s=2.0, first_s=0.01, n_repeats=3)
MOST_REQUESTS, MOST_BYTES = 40, 10_000_000


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "x.nwb"
    write_long(path, n_frames=600, height=120, width=152, n_cells=40)
    return path


@pytest.fixture
def server(recording):
    with serving({"/x.nwb": recording}) as running:
        yield running


@pytest.fixture(autouse=True)
def without_keys(monkeypatch):
    monkeypatch.setattr(http, "Waits", lambda: QUICK)
    for name in ("MINISCOPE_NWB_API_KEY", "DANDI_API_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)


def look(path: str | Path, frame: int = 300, **options: object):
    """Open a file, read one trace and one frame."""
    with miniscope_nwb.open(path, **options) as session:
        trace = session.run().trace("noise_normalized", [3])
        return trace, session.frames[frame]


def test_an_address_gives_the_same_numbers_with_few_requests(server, recording):
    expected = look(recording)
    found = look(f"{server.url}/x.nwb")
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, two)
    assert server.n_requests <= MOST_REQUESTS // 2
    assert server.n_bytes <= recording.stat().st_size / 2
    assert server.n_bytes <= MOST_BYTES
    assert all(headers["Range"].startswith("bytes=") for _, headers in server.asked)


def test_what_was_read_is_not_asked_for_again(server, recording):
    with miniscope_nwb.open(f"{server.url}/x.nwb") as session, Session(recording) as local:
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


@pytest.mark.parametrize(
    "at", ["miniscope_nwb.reading.Session", "miniscope_nwb.remote.http._Server.first"]
)
@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError])
def test_an_interrupted_opening_closes_its_connection(server, monkeypatch, at, fault):
    closed = []
    close = http._Server.close
    monkeypatch.setattr(http._Server, "close", lambda self: (closed.append(1), close(self)))

    def stop(*_):
        raise fault

    monkeypatch.setattr(at, stop)
    with pytest.raises(fault):
        miniscope_nwb.open(f"{server.url}/x.nwb")
    assert closed == [1]


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


class PrivateArchive:
    """Gives the file to whoever brings the key, by a signed address of its storage."""

    def __init__(self, archive, storage) -> None:
        self.archive, self.storage = archive, storage
        self.refuses_with = 404
        self.signatures = itertools.count()
        self.valid = ""
        archive.rules.append(self.download)
        storage.rules.append(self.check)

    def download(self, request) -> bool:
        if request.path != ASSET:
            return False
        if request.headers.get("Authorization") != f"token {KEY}":
            return answer(request, self.refuses_with)
        self.valid = f"{SIGNED}&n={next(self.signatures)}"
        return answer(request, 302, headers={"Location": f"{self.storage.url}/x.nwb?{self.valid}"})

    def check(self, request) -> bool:
        return request.path.partition("?")[2] != self.valid and answer(request, 403)


@pytest.fixture
def private(server):
    with serving({}) as archive:
        yield PrivateArchive(archive, server)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_private_file_is_opened_with_the_key(private, recording, monkeypatch, status):
    private.refuses_with = status
    monkeypatch.setenv("MINISCOPE_NWB_API_KEY", KEY)
    monkeypatch.setenv("DANDI_API_KEY", "of-another-archive")
    found = look(f"{private.archive.url}{ASSET}", instance=f"{private.archive.url}/api")
    np.testing.assert_array_equal(found[1], look(recording)[1])
    asked = [headers.get("Authorization") for _, headers in private.archive.asked]
    assert asked == [None, f"token {KEY}"], "asked without the key first, then with it, once"
    assert all("Authorization" not in headers for _, headers in private.storage.asked)
    assert len(private.storage.asked) + len(asked) <= MOST_REQUESTS // 2


def test_the_key_may_lie_in_a_file(private, tmp_path):
    key_file = tmp_path / "key"
    key_file.write_text(f"{KEY}\n")
    url = f"{private.archive.url}{ASSET}"
    with miniscope_nwb.open(url, api_key_file=key_file) as session:
        assert session.run_names == ["first"]
        assert repr(session).startswith(f"Session('{url}'")


def test_a_signed_address_that_is_too_old_is_renewed(private, tmp_path):
    key_file = tmp_path / "key"
    key_file.write_text(KEY)
    with miniscope_nwb.open(f"{private.archive.url}{ASSET}", api_key_file=key_file) as session:
        private.valid = "too old"
        assert session.run().n_cells == 40
        assert session.frames[500].shape == (120, 152)
    assert next(private.signatures) == 2


def test_the_key_goes_to_its_archive_alone(private, monkeypatch):
    """Nobody said that this host is an archive: the variables of others are not for it."""
    for name in ("MINISCOPE_NWB_API_KEY", "DANDI_API_KEY", "DANDI_SANDBOX_API_KEY"):
        monkeypatch.setenv(name, KEY)
    url = f"{private.archive.url}{ASSET}"
    for options in ({}, {"instance": "dandi"}, {"instance": "https://other.example.org/api"}):
        with pytest.raises(AccessError, match="is not there, or is private"):
            miniscope_nwb.open(url, **options)
    with pytest.raises(NwbContentError, match="is not there or not public"):
        miniscope_nwb.open(f"{private.archive.url}/private/x.nwb", instance=private.archive.url)
    sent = [headers for s in (private.archive, private.storage) for _, headers in s.asked]
    assert len(sent) == 4
    assert all("Authorization" not in headers for headers in sent)


def test_where_a_key_was_looked_for_is_told(private):
    with pytest.raises(AccessError, match=r"Looked at: .* MINISCOPE_NWB_API_KEY \(not set\)"):
        miniscope_nwb.open(f"{private.archive.url}{ASSET}", instance=f"{private.archive.url}/api")


def test_no_error_holds_a_key_or_a_signature(private, server, tmp_path, caplog):
    caplog.set_level("DEBUG")
    key_file = tmp_path / "key"
    key_file.write_text(KEY)
    private.storage.rules.insert(0, lambda request: answer(request, 403))
    errors = []
    for url in (f"{private.archive.url}{ASSET}", f"{server.url}/x.nwb?{SIGNED}"):
        with pytest.raises((AccessError, NwbContentError)) as caught:
            miniscope_nwb.open(url, api_key_file=key_file)
        errors.append(caught.value)
    private.storage.rules.insert(0, lambda request: answer(request, 503))
    for url in (f"{private.archive.url}{ASSET}", f"http://127.0.0.1:9/x.nwb?{SIGNED}"):
        with pytest.raises(UnreachableError) as caught:
            miniscope_nwb.open(url, api_key_file=key_file)
        errors.append(caught.value)
    for error in errors:
        text = "".join(traceback.format_exception(error)) + caplog.text
        assert KEY not in text
        assert "X-Amz" not in text
        assert "5eC7e7" not in text


def failing(n: int, answer_with):
    """Rule that fails n times."""
    count = itertools.count()
    return lambda request: next(count) < n and answer_with(request)


def cut(request) -> bool:
    """Promise more bytes than come."""
    request.send_response(206)
    request.send_header("Content-Range", "bytes 0-99999/200000")
    request.send_header("Content-Length", "100000")
    request.end_headers()
    request.wfile.write(b"half")
    request.close_connection = True
    return True


@pytest.mark.parametrize(
    "fault",
    [
        lambda request: answer(request, 503),
        lambda request: answer(request, 429),
        cut,
        lambda request: answer(request, 206, b"short", {"Content-Range": "bytes 0-99/200000"}),
        lambda request: answer(request, 206, b"other", {"Content-Range": "bytes 7-11/12"}),
    ],
    ids=["in trouble", "too many", "line cut", "short answer", "another piece"],
)
def test_a_server_that_fails_is_asked_again(server, recording, fault):
    expected = look(recording)
    server.rules.append(failing(2, fault))
    with miniscope_nwb.open(f"{server.url}/x.nwb") as session:
        server.rules[:] = [failing(2, fault)]
        np.testing.assert_array_equal(session.frames[300], expected[1])
    server.rules[:] = [failing(1000, fault)]
    with pytest.raises(UnreachableError, match=r"/x\.nwb cannot be read \(.*\): check the conn"):
        miniscope_nwb.open(f"{server.url}/x.nwb")


def test_a_line_that_is_lost_later_is_told_as_such(server):
    """HDF5 sees a read that failed; the user is told that the server did not answer."""
    with miniscope_nwb.open(f"{server.url}/x.nwb") as session:
        run = session.run()
        assert session.frames[0].shape == (120, 152)
        server.rules.append(lambda request: answer(request, 503))
        with pytest.raises(UnreachableError, match="the server answered 503"):
            session.frames[590]
        session.path._blocks.clear()
        with pytest.raises(UnreachableError, match="the server answered 503"):
            run.trace("denoised")
        server.rules.clear()
        assert session.frames[590].shape == (120, 152), "and it goes on when it answers again"
        assert run.trace("denoised").shape == (40, 600)


def test_a_line_that_is_lost_does_not_crash_the_end_of_the_process(server):
    """HDF5 crashes where its own objects live on in the traceback of an error that is kept."""
    code = (
        "import sys, miniscope_nwb\n"
        "from miniscope_nwb.remote import http\n"
        "quick = http.Waits(connect_s=2.0, read_s=2.0, first_s=0.01, n_repeats=1)\n"
        "http.Waits = lambda: quick\n"
        "session = miniscope_nwb.open(sys.argv[1])\n"
        "session.path._blocks.clear()\n"
        "print('open', flush=True)\n"
        "sys.stdin.readline()\n"
        "try:\n"
        "    session.run()\n"
        "except Exception as error:\n"
        "    kept = error\n"
        "    print(error)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, f"{server.url}/x.nwb"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "open\n"
    server.rules.append(lambda request: answer(request, 503))
    said, _ = process.communicate("\n", timeout=60)
    assert "the server answered 503" in said
    assert process.returncode == 0


def test_what_cannot_be_read_in_pieces_is_one_sentence(server, tmp_path):
    text = tmp_path / "page.html"
    text.write_text("<html>" * 100)
    server.files["/page.nwb"] = text
    cases = {
        "/no.nwb": "is not there or not public \\(404\\)",
        "/page.nwb": "is no whole NWB file .*: check the address",
    }
    for path, sentence in cases.items():
        with pytest.raises(NwbContentError, match=sentence):
            miniscope_nwb.open(f"{server.url}{path}")
    server.has_ranges = False
    with pytest.raises(NwbContentError, match="sends whole files only"):
        miniscope_nwb.open(f"{server.url}/x.nwb")
    server.rules.append(lambda r: answer(r, 302, headers={"Location": "/x.nwb"}))
    with pytest.raises(NwbContentError, match="leads round in a circle"):
        miniscope_nwb.open(f"{server.url}/x.nwb")


def test_a_file_that_changes_is_not_mixed(server):
    with miniscope_nwb.open(f"{server.url}/x.nwb") as session:
        data = b"\0" * 1000
        headers = {"ETag": '"2"', "Content-Range": "bytes 0-999/1000"}
        server.rules.append(lambda request: answer(request, 206, data, headers))
        with pytest.raises((NwbContentError, UnreachableError), match=r"changed meanwhile|cut"):
            session.frames[590]


def test_redirections_are_followed(server, recording):
    def lead(request) -> bool:
        return request.path.startswith("/short") and answer(
            request, 302, headers={"Location": "/x.nwb"}
        )

    server.rules.append(lead)
    found = look(f"{server.url}/short")
    np.testing.assert_array_equal(found[1], look(recording)[1])
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


def test_files_here_are_opened_as_before(recording, tmp_path, monkeypatch):
    monkeypatch.chdir(recording.parent)
    with miniscope_nwb.open("x.nwb") as session:
        assert session.path == Path("x.nwb")
    with pytest.raises(NwbContentError, match="does not exist"):
        miniscope_nwb.open(tmp_path / "no.nwb")
