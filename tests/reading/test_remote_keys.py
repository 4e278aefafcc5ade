"""Private files of an archive: the key goes to that archive alone, and stands in no message."""

from __future__ import annotations

import traceback

import numpy as np
import pytest
from range_server import answer
from remote_bench import ASSET, KEY, MOST_REQUESTS, SIGNED, look

import miniscope_nwb
from miniscope_nwb.errors import AccessError, NwbContentError, UnreachableError


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_private_file_is_opened_with_the_key(private, long_file, monkeypatch, status):
    private.refuses_with = status
    monkeypatch.setenv("MINISCOPE_NWB_API_KEY", KEY)
    monkeypatch.setenv("DANDI_API_KEY", "of-another-archive")
    found = look(f"{private.archive.url}{ASSET}", instance=f"{private.archive.url}/api")
    np.testing.assert_array_equal(found[1], look(long_file)[1])
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
