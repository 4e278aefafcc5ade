"""The dandiset's own metadata: what they lack, the change that is shown, and when it is made."""

from __future__ import annotations

import json

import pytest
from share_bench import QUICK

from miniscope_nwb.cli.main import run
from miniscope_nwb.errors import ShareError
from miniscope_nwb.share.dandiset import apply, changes, lacks, read_draft
from miniscope_nwb.share.dandiset_file import changed_metadata, read_wishes

WISHES = """
name: Place cells
description: Mice in an open field.
license: CC0-1.0
keywords: [miniscope, calcium imaging]
contact: {name: "Doe, Jane", email: jane@example.org, affiliation: A university}
authors: ["Doe, Jane", {name: "Golgi, Camillo", orcid: 0000-0002-1825-0097}]
authors_from: [mouse.nwb]
funders: [{name: A funder, award: X1}]
ethics: [{protocol: Animal protocol 12, contact_email: board@example.org}]
related: [{url: "https://doi.org/10.1000/x", relation: IsDescribedBy, name: The paper}]
"""


@pytest.fixture
def wishes(tmp_path, blank_nwb):
    import shutil

    shutil.copyfile(blank_nwb, tmp_path / "mouse.nwb")
    path = tmp_path / "dandiset.yaml"
    path.write_text(WISHES)
    return path


@pytest.fixture
def where(bench, monkeypatch):
    monkeypatch.setattr("miniscope_nwb.share.settings.DEFAULT", QUICK)
    monkeypatch.setenv("MINISCOPE_NWB_API_KEY", bench.stand_in.key)
    return [bench.stand_in.dandiset, "--instance", bench.stand_in.url]


def test_change_is_shown_and_made_only_on_request(where, wishes, bench, capsys):
    before = dict(bench.stand_in.state.dandisets["000001"].metadata)
    assert run(["share", "dandiset", *where, "--set", str(wishes)]) == 0
    said = capsys.readouterr().out
    assert "- name: Open test dandiset" in said
    assert "+ name: Place cells" in said
    assert "+ license: spdx:CC0-1.0" in said
    assert "Nothing was written" in said
    assert bench.stand_in.state.dandisets["000001"].metadata == before
    assert bench.n_requests("PUT") == 0
    assert run(["share", "dandiset", *where, "--set", str(wishes), "--apply"]) == 0
    assert "Written and read back" in capsys.readouterr().out
    after = bench.stand_in.state.dandisets["000001"].metadata
    assert after["license"] == ["spdx:CC0-1.0"]
    people = {person["name"]: person for person in after["contributor"]}
    assert list(people) == [
        "Owner, Local", "Doe, Jane", "Golgi, Camillo", "Cajal, Santiago", "A funder",
    ]  # fmt: skip
    assert people["Doe, Jane"]["roleName"] == ["dcite:ContactPerson", "dcite:Author"]
    assert people["Owner, Local"]["roleName"] == []
    assert people["Cajal, Santiago"]["roleName"] == ["dcite:Author"]
    assert people["A funder"]["includeInCitation"] is False
    assert after["ethicsApproval"][0]["contactPoint"]["email"] == "board@example.org"
    assert after["relatedResource"][0]["relation"] == "dcite:IsDescribedBy"
    assert run(["share", "dandiset", *where, "--set", str(wishes), "--apply"]) == 0
    said = capsys.readouterr().out
    assert "Nothing to change" in said
    assert "Nothing is missing" in said
    assert bench.n_requests("PUT") == 1


def test_what_is_lacking_is_told(where, bench, capsys):
    bench.stand_in.state.dandisets["000001"].metadata["license"] = []
    bench.stand_in.state.dandisets["000001"].metadata["contributor"][0].pop("email")
    assert run(["share", "dandiset", *where]) == 1
    said = capsys.readouterr().out
    assert "NEEDED  license" in said
    assert "spdx:CC-BY-4.0" in said
    assert "NEEDED  contact" in said
    assert "advised authors" in said
    assert run(["share", "dandiset", *where, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert [lack["field"] for lack in answer["lacks"] if lack["is_needed"]] == [
        "license", "contact",
    ]  # fmt: skip


def test_change_by_another_meanwhile_is_not_overwritten(bench):
    archive, dandiset = bench.enter()
    draft = read_draft(archive, dandiset.identifier)
    wished = changed_metadata(draft.metadata, {"name": "Mine"})
    other = read_draft(archive, dandiset.identifier)
    apply(archive, other, changed_metadata(other.metadata, {"name": "Theirs"}))
    with pytest.raises(ShareError, match="somebody else"):
        apply(archive, draft, wished)
    assert bench.stand_in.state.dandisets["000001"].metadata["name"] == "Theirs"


def test_lost_answer_to_the_change(where, wishes, bench, capsys):
    bench.stand_in.add_fault(server="api", method="PUT", loses_answer=True)
    assert run(["share", "dandiset", *where, "--set", str(wishes), "--apply"]) == 0
    assert bench.stand_in.state.dandisets["000001"].metadata["name"] == "Place cells"


def test_stranger_may_not(where, wishes, bench, monkeypatch):
    monkeypatch.setenv("MINISCOPE_NWB_API_KEY", bench.stand_in.stranger_key)
    assert run(["share", "dandiset", *where, "--set", str(wishes)]) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must hold fields"),
        ("- a", "must hold fields"),
        ("citation: mine", "not known: citation"),
        ("name: [", "no YAML"),
        ("name:\nkeywords: null", "All fields of .* are empty"),
    ],
)
def test_file_that_makes_no_sense_is_told(text, words, tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ShareError, match=words):
        read_wishes(path)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"contact": {"name": "Jane Doe", "email": "j@example.org"}}, "Last, First"),
        ({"contact": {"name": "Doe, Jane", "email": "no address"}}, "email"),
        ({"contact": {"name": "Doe, Jane", "mail": "j@example.org"}}, "mail"),
        ({"authors": [{"orcid": "1"}]}, "authors"),
        ({"related": [{"url": "https://x.example", "relation": "Likes"}]}, "relation"),
        ({"ethics": ["x"]}, r"ethics: .*; write it like `ethics: \[{protocol"),
        ({"ethics": "IACUC 123"}, r"ethics: 'IACUC 123' .*; write it like `ethics: \[{protocol"),
        ({"related": ["doi:10.1000/x"]}, r"related: .*; write it like `related: \[{url"),
        ({"related": [{"url": "doi:10.1000/x", "relation": "IsDescribedBy"}]}, "https://doi.org/"),
        ({"authors": [["Doe, Jane"]]}, r"authors: .*; write it like `authors: \[{name"),
        ({"contact": {"name": "Doe, Jane"}}, r"schema \(Value error, Contact .* address\.\)\.$"),
    ],
)
def test_value_that_does_not_fit_is_told(wish, words):
    with pytest.raises(ShareError, match=words):
        changed_metadata({"contributor": []}, wish)


def test_fields_that_are_left_empty_change_nothing(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("name:\ndescription: New.\nlicense:\n")
    assert read_wishes(path) == {"description": "New."}


def test_change_leaves_what_it_is_made_of():
    before = {"contributor": [], "name": "x", "citation": "a"}
    after = changed_metadata(before, {"authors": "Doe, Jane", "keywords": "mouse"})
    assert before == {"contributor": [], "name": "x", "citation": "a"}
    assert [change.field for change in changes(before, {**after, "citation": "b"})] == [
        "contributor",
        "keywords",
    ]
    assert [lack.field for lack in lacks(after, licenses=[]) if lack.is_needed] == [
        "description",
        "license",
        "contact",
    ]
