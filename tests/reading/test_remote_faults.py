"""Servers and lines that fail while a file is read: asked again, or told in one sentence."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from range_server import answer
from remote_bench import look

import miniscope_nwb
from miniscope_nwb.errors import NwbContentError, UnreachableError
from miniscope_nwb.remote import http


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
def test_a_server_that_fails_is_asked_again(server, long_file, fault):
    expected = look(long_file)
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
