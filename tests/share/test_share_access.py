"""Rights, versions and schema of the archive: told before anything is read or sent."""

from __future__ import annotations

import pytest

from miniscope_nwb.errors import AccessError


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": "f" * 40}, "does not know the key"),
        ({"key": "stranger"}, "not an owner"),
        ({"key": "pending"}, "not approved"),
        ({"dandiset": "000999"}, "no dandiset 000999"),
        ({"dandiset": "12"}, "no number of a dandiset"),
        ({"dandiset": "000002", "key": "stranger"}, "embargoed"),
    ],
)
def test_rights_are_told_before_anything_is_read(changes, words, bench):
    keys = {"stranger": bench.stand_in.stranger_key, "pending": bench.stand_in.pending_key}
    if "key" in changes:
        changes = {**changes, "key": keys.get(changes["key"], changes["key"])}
    with pytest.raises(AccessError, match=words) as caught:
        bench.enter(**changes)
    assert caught.value.exit_code == 2
    assert bench.n_parts_put == 0


@pytest.mark.parametrize(
    ("field", "value"), [("cli_minimal_version", "999.0"), ("cli_bad_versions", None)]
)
def test_dandi_that_the_archive_does_not_take_is_told(field, value, bench):
    from importlib.metadata import version

    setattr(bench.stand_in.state, field, value or [version("dandi")])
    with pytest.raises(AccessError, match="upgrade dandi"):
        bench.enter()


@pytest.mark.parametrize(
    ("theirs", "allowed", "fits"),
    [
        ("ours", [], True),
        ("0.6.10", [], True),
        ("99.0.0", ["ours"], True),
        ("99.0.0", ["98.0.0"], False),
        ("0.1.0", [], False),
    ],
)
def test_schema_of_the_archive(theirs, allowed, fits):
    from dandischema.models import get_schema_version

    from miniscope_nwb.share.access import check_schema
    from miniscope_nwb.share.instances import find_instance

    ours = get_schema_version()
    theirs = theirs.replace("ours", ours)
    allowed = [version.replace("ours", ours) for version in allowed]
    info = {"schema_version": theirs, "allowed_schema_versions": allowed}
    if fits:
        assert check_schema(find_instance("dandi"), info) == theirs
    else:
        with pytest.raises(AccessError, match="schema"):
            check_schema(find_instance("dandi"), info)


def test_metadata_are_lowered_to_an_older_schema(nwb_file):
    from miniscope_nwb.share.metadata import describe

    metadata = describe(nwb_file, "sub-m06/x.nwb", etag="0" * 32 + "-1", schema_version="0.6.10")
    assert metadata["schemaVersion"] == "0.6.10"
