"""What is no YAML at all, by mistake or on purpose, ends in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refused_yaml import failure

from miniscope_nwb.convert.metadata_fields import DEVICE, SECTIONS
from miniscope_nwb.convert.user_metadata import load_yaml_files, load_yaml_text
from miniscope_nwb.errors import MetadataError


class TestBrokenYaml:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("session:\n\tlab: x\n", "line 2: holds a tab"),
            ("session:\n  lab: x\n lab2: y\n", "line 3: is not valid YAML"),
            ("session: lab: x\n", "line 1: is not valid YAML; a text that holds a colon"),
            ("session: {lab: x\n", "is not valid YAML"),
            ('session: {lab: "x\n', "is not valid YAML"),
            ("- a\n- b\n", "line 1: holds a list at its top, but must hold the sections session"),
            ("just words", "line 1: holds text at its top"),
            ("42", "holds a number at its top"),
            ("a: 1\n---\nb: 2\n", "is not valid YAML"),
            ("session: x\n", "session must hold keys"),
            ("session: [x]\n", "session must hold keys"),
            ("devices: [Miniscope]\n", "one group of keys for every device"),
            ("session:\n  lab: a\n  lab: b\n", "line 3: the key lab stands here and in line 2"),
            ("session: {}\nsession: {}\n", "line 2: the key session stands here"),
            ("{[1]: 2}", "a key must be a word, not a list"),
            ("session: {<<: {lab: x}}", "<< is not known here"),
            ("session: {lab: *nobody}", "undefined alias"),
            ("session: {lab: \x07}", "line 1: holds a character that no text has (code 7)"),
            ('session: {lab: "\\U99999999"}', "is not valid YAML"),
            ("session: {lab: !!python/object/apply:os.system [ls]}", "must be a text, not a list"),
            ("session: {lab: !!binary aGk=}", "a value of the YAML type"),
            ("session: " + "[" * 500, "nested deeper than 20 levels"),
        ],
    )  # fmt: skip
    def test_is_one_sentence_with_the_line(self, text, words):
        assert words in failure(text)

    def test_nested_aliases_cost_nothing(self):
        """A billion laughs: 2 ** 60 texts, if anybody expanded them."""
        lines = ["session: {keywords: &a0 [x, x]}", "subject:"]
        lines += [f"  a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
        assert "unknown key a1 in subject" in failure("\n".join(lines))
        text = "\n".join([*lines[2:], "session: {keywords: *a59}"]).replace("  a", "a")
        with pytest.raises(MetadataError, match=r"not a list|undefined alias"):
            load_yaml_text(text)

    def test_an_alias_to_itself(self):
        assert "unknown key a in session" in failure("session: &s {a: *s}")
        assert "must be a text, not a list" in failure("session: {keywords: &k [*k]}")


WORDS = [*"{}[]:,-?!&*|>%@#'\"~\n\t <.", "\n  ", ": ", "- ", "--- ", "&a ", "*a", "!!int ", "<<"]
WORDS += ["session", "lab", "subject", "age", "devices", "imaging", "binning", "1", "\\x", "0x"]


def complaint(load, *arguments):
    """Return the message where `load` refuses; anything but a MetadataError fails the test."""
    try:
        load(*arguments)
    except MetadataError as error:
        return str(error)
    return ""


class TestFuzz:
    @settings(max_examples=300, deadline=None)
    @given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
    def test_any_text(self, text):
        assert "\n" not in complaint(load_yaml_text, text)

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.sampled_from(WORDS), max_size=25).map("".join))
    def test_yaml_like_text(self, text):
        assert complaint(load_yaml_text, text)[:12] in ("", "session.yaml")

    @settings(max_examples=300, deadline=None)
    @given(
        section=st.sampled_from(["session", "subject", "imaging", "devices.A"]),
        value=st.one_of(
            st.text(max_size=12),
            st.from_regex(r"[-+0-9eE._:TZP/ ]{0,24}", fullmatch=True),
            st.integers().map(str),
        ),
        data=st.data(),
    )
    def test_any_value_of_any_key(self, section, value, data):
        fields = DEVICE if "." in section else SECTIONS[section]
        key = data.draw(st.sampled_from(sorted(fields)))
        inner = f"{{{key}: {value}}}"
        text = f"devices: {{A: {inner}}}" if "." in section else f"{section}: {inner}"
        assert complaint(load_yaml_text, text)[:12] in ("", "session.yaml")

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=60))
    def test_any_bytes(self, tmp_path_factory, data):
        path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
        path.write_bytes(data)
        assert complaint(load_yaml_files, [path])[:9] in ("", "fuzz.yaml")
