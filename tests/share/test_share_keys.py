"""Which archive, with which key: never another's, never shown."""

from __future__ import annotations

import pickle

import pytest

from miniscope_nwb.errors import AccessError
from miniscope_nwb.share.instances import find_instance
from miniscope_nwb.share.keys import find_key, require_key
from miniscope_nwb.share.redact import Secret, redact

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("named", "variable"),
    [
        ("dandi", "DANDI_API_KEY"),
        ("dandi-sandbox", "DANDI_SANDBOX_API_KEY"),
        ("ember-dandi", "EMBER_DANDI_API_KEY"),
        ("https://api.dandiarchive.org/api", "DANDI_API_KEY"),
        ("https://dandiarchive.org/", "DANDI_API_KEY"),
        ("http://127.0.0.1:8123/api", "MINISCOPE_NWB_API_KEY"),
        ("https://api.dandiarchive.org.evil.example/api", "MINISCOPE_NWB_API_KEY"),
    ],
)
def test_every_archive_has_a_variable_of_its_own(named, variable):
    instance = find_instance(named)
    assert instance.key_variable == variable
    found = find_key(instance, environment={variable: KEY + "\n"}, is_terminal=False)
    assert found.reveal() == KEY
    others = {"DANDI_API_KEY", "DANDI_SANDBOX_API_KEY", "MINISCOPE_NWB_API_KEY"} - {variable}
    assert find_key(instance, environment=dict.fromkeys(others, KEY), is_terminal=False) is None


def test_variables_are_those_of_dandi():
    from dandi.consts import known_instances
    from dandi.dandiapi import DandiAPIClient

    for name, instance in known_instances.items():
        client = DandiAPIClient.__new__(DandiAPIClient)
        client.dandi_instance = instance
        assert find_instance(name).key_variable == client.api_key_env_var


def test_address_is_completed():
    assert find_instance("http://localhost:8000").api == "http://localhost:8000/api"
    assert find_instance("https://h.example/archive/api/").api == "https://h.example/archive/api"


@pytest.mark.parametrize(
    "named",
    ["dandy", "", "https://", "https://user:secret@h.example/api", "https://h.example/api?key=x"],
)
def test_what_is_no_archive_is_told_without_repeating_secrets(named):
    with pytest.raises(AccessError) as caught:
        find_instance(named)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_file_comes_before_variable(tmp_path):
    path = tmp_path / "key"
    path.write_text(f"  {KEY}\n")
    instance = find_instance("dandi")
    found = find_key(instance, key_file=path, environment={"DANDI_API_KEY": "other"})
    assert found.reveal() == KEY


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe", "schlüssel".encode()])
def test_file_without_a_key_is_told_without_repeating_it(tmp_path, content):
    path = tmp_path / "key.txt"
    path.write_bytes(content)
    with pytest.raises(AccessError, match="key") as caught:
        find_key(find_instance("dandi"), key_file=path)
    assert "words" not in str(caught.value)


def test_error_names_every_place(state_folder):
    with pytest.raises(AccessError) as caught:
        require_key(find_instance("dandi"))
    for place in ("--api-key-file", "DANDI_API_KEY", "keyring", "dandi-api-dandi"):
        assert place in str(caught.value)
    with pytest.raises(AccessError, match="MINISCOPE_NWB_API_KEY"):
        require_key(find_instance("http://127.0.0.1:1/api"))


def test_keyring_is_asked_on_a_terminal_only(monkeypatch):
    import dandi.keyring_utils

    asked = []
    monkeypatch.setattr(
        dandi.keyring_utils, "keyring_lookup", lambda *a: (asked.append(a), (None, KEY))[1]
    )
    instance = find_instance("dandi-sandbox")
    assert find_key(instance, environment={}, is_terminal=False) is None
    assert asked == []
    assert find_key(instance, environment={}, is_terminal=True).reveal() == KEY
    assert asked == [("dandi-api-dandi-sandbox", "key")]


def test_broken_keyring_holds_no_key_and_says_why_where_one_is_needed(monkeypatch):
    import dandi.keyring_utils

    def broken(*_):
        raise RuntimeError("no backend")

    monkeypatch.setattr(dandi.keyring_utils, "keyring_lookup", broken)
    instance = find_instance("dandi")
    assert find_key(instance, environment={}, is_terminal=True) is None
    monkeypatch.delenv(instance.key_variable, raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with pytest.raises(
        AccessError, match=r"dandi-api-dandi; it cannot be read: RuntimeError: no b"
    ):
        require_key(instance)


def test_secret_is_not_printed_nor_stored():
    secret = Secret(KEY)
    assert KEY not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    "text",
    [
        "GET https://s3.example/b/k?X-Amz-Signature=abcdef012345&X-Amz-Date=1 failed",
        "Max retries exceeded with url: /b/k?uploadId=U&X-Amz-Signature=abcdef012345 (Caused by)",
        '{"url": "https://s3.example/b/k?uploadId=U&X-Amz-Signature=abcdef012345"}',
        "<Error><StringToSign>AWS4 abcdef012345</StringToSign></Error>",
        "X-Amz-Signature=abcdef012345",
        "Authorization: token abcdef012345",
        "header was 'token abcdef012345'",
    ],
)
def test_signatures_are_taken_out_of_any_text(text):
    assert "abcdef012345" not in redact(text)


def test_what_is_no_secret_stays():
    for text in ("sub-m06/sub-m06_ses-1_ophys.nwb: is it fit? yes", "a token of thanks"):
        assert redact(text) == text
