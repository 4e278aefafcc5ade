"""Answers that are no archive's: a hotel's login page, a proxy's JSON; and words that come late."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from share_bench import QUICK, unvalidated

from miniscope_nwb.cli.main import run

PATH = "sub-m06/sub-m06_ses-20260302T140507_ophys.nwb"
PAGES = {
    "login": {"status": 200, "body": "<html>Please log in</html>",
              "headers": {"Content-Type": "text/html"}},
    "proxy": {"status": 200, "body": '{"error": "login"}',
              "headers": {"Content-Type": "application/json"}},
}  # fmt: skip
REQUESTS = (
    ("GET", "dandisets/000001/$"), ("GET", "users/me/$"), ("GET", "000001/users/$"),
    ("GET", "draft/assets/[?]"), ("POST", "blobs/digest/"), ("POST", "initialize/"),
    ("POST", "complete/"), ("POST", "validate/"), ("POST", "draft/assets/$"),
    ("GET", "draft/assets/[0-9a-f-]{36}/$"),
)  # fmt: skip


@pytest.fixture
def upload(bench, nwb_file, monkeypatch, capsys):
    """Run the command with little patience; return its code and all that it printed."""
    monkeypatch.setattr("miniscope_nwb.share.check.check_file", unvalidated)
    monkeypatch.setenv("MINISCOPE_NWB_API_KEY", bench.stand_in.key)

    def command(*more: str, patience_s: float = 0.1) -> tuple[int, str]:
        quick = replace(QUICK, first_patience_s=patience_s, patience_s=10.0 * patience_s)
        monkeypatch.setattr("miniscope_nwb.share.settings.DEFAULT", quick)
        where = ["--dandiset", bench.stand_in.dandiset, "--instance", bench.stand_in.url]
        code = run(["share", "upload", str(nwb_file), *where, "--wait", "0", *more])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return command


@pytest.mark.parametrize("page", PAGES)
def test_page_of_another_server_is_waited_away_and_never_believed(page, upload, bench, nwb_file):
    for method, path in REQUESTS:
        choices = {"server": "api", "method": method, "path": path, **PAGES[page]}
        bench.stand_in.add_fault(**choices, times=10_000)
        code, said = upload(patience_s=0.03)
        assert code == 3, (path, said)
        assert "does the network want a login?" in said
        bench.stand_in.faults.waiting.clear()
    bench.stand_in.add_fault(server="api", method="GET", path="draft/assets/[?]", **PAGES[page])
    assert upload()[0] == 0
    assert bench.stand_in.content(PATH) == nwb_file.read_bytes()
    assert bench.n_parts_put == 7  # all steps before were kept


def test_page_instead_of_the_joined_parts_sends_nothing_again(upload, bench):
    bench.stand_in.add_fault(server="s3", method="POST", times=2, **PAGES["login"])
    code, said = upload()
    assert code == 0, said
    assert bench.n_parts_put == 7


def test_page_at_the_address_of_the_archive_is_no_archive(upload, bench):
    bench.stand_in.add_fault(server="api", path="info/$", times=9, **PAGES["login"])
    code, said = upload()
    assert code == 2
    assert "whether the network wants a login" in said


@pytest.mark.parametrize("status", [404, 502])
def test_archive_that_is_silent_on_its_own_check_takes_nothing_back(status, upload, bench):
    """All is there and verified: neither the exit code nor hours of waiting tell otherwise."""
    for path in ("/validation/", "draft/info/"):
        bench.stand_in.add_fault(server="api", path=path, status=status, times=10_000)
    code, said = upload()
    assert code == 0, said
    assert "stored and verified by etag; the archive has not finished its own check" in said
    assert "left to do: see the web page of the dandiset" in said
    code, said = upload("--json")
    assert (code, json.loads(said[said.index("{") : said.rindex("}") + 1])["exit_code"]) == (0, 0)


def test_other_sha256_that_comes_while_it_is_waited_for_is_told(upload, bench, monkeypatch):
    """The archive computes it later than the upload is read back, so only the wait can see it."""
    from miniscope_nwb.cli.share_text import Progress

    bench.stand_in.state.sha256_after_s = None

    def compute(progress: Progress, n_files: int) -> None:
        assert n_files == 1
        bench.stand_in.state.blobs[bench.stand_in.assets()[PATH].blob_id].sha256 = "0" * 64

    monkeypatch.setattr(Progress, "waiting", compute)
    code, said = upload("--wait", "5")
    assert code == 4, said
    assert "  sent  " in said
    assert "FAILED" in said
    assert "the archive's SHA-256 is 000" in said
    assert "verified by etag and SHA-256" not in said
