"""How mistakes in the session YAML are answered: keys, texts and values."""

from __future__ import annotations

import pytest
from refused_yaml import failure

from miniscope_nwb.convert.metadata_fields import DEVICE, SECTIONS
from miniscope_nwb.convert.user_metadata import load_yaml_text


class TestUnknownKeys:
    @pytest.mark.parametrize(
        ("text", "line", "hint"),
        [
            ("subject:\n  speces: Mus musculus", 2, "key speces in subject; did you mean species?"),
            ("subject:\n  Species: Mus musculus", 2, "did you mean species?"),
            ("imaging:\n  pixel size um: 1", 2, "did you mean pixel_size_um?"),
            ("sesion:\n  lab: x", 1, "unknown section sesion; did you mean session?"),
            ("species: Mus musculus", 1, "species belongs to the section subject"),
            ("session:\n  species: Mus musculus", 2, "species belongs to the section subject"),
            ("session:\n  subject:\n    sex: F", 2, "subject is a section of its own"),
            ("devices:\n  Cam:\n    serial: x", 3, "serial in devices.Cam; did you mean serial"),
            ("imaging:\n  qqq: x", 2, "known here: indicator,"),
            ("subject:\n  1: x", 2, "unknown key 1 in subject"),
        ],
    )  # fmt: skip
    def test_name_the_nearest(self, text, line, hint):
        message = failure(text)
        assert f"line {line}: " in message
        assert hint in message

    @pytest.mark.parametrize("section", [*SECTIONS, "devices.Cam"])
    def test_every_key_is_found_by_its_first_letters(self, section):
        fields = DEVICE if section == "devices.Cam" else SECTIONS[section]
        for key in fields:
            typo = key[:-2] + "zz" if len(key) > 6 else key + "z"
            inner = f"{{{typo}: x}}"
            text = f"devices: {{Cam: {inner}}}" if "." in section else f"{section}: {inner}"
            assert f"unknown key {typo} in {section}; " in failure(text)


class TestTextsThatYamlMisreads:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("007", "a number"), ("7", "a number"), ("1:30", "a number"), ("1_000", "a number"),
            ("0x1F", "a number"), ("1.5", "a number"), (".inf", "a number"), (".nan", "a number"),
            ("no", "true or false"), ("Yes", "true or false"), ("off", "true or false"),
            ("true", "true or false"), ("2026-03-02", "a date"),
        ],
    )  # fmt: skip
    def test_must_be_quoted(self, text, kind):
        for head in ("subject:\n  subject_id: ", "session:\n  lab: ", "imaging:\n  location: "):
            message = failure(head + text)
            assert f'YAML reads {text} as {kind}; quote it: "{text}"' in message
            assert "line 2" in message
        quoted = load_yaml_text(f'subject:\n  subject_id: "{text}"')
        assert quoted.subject["subject_id"].value == text

    def test_also_in_a_list(self):
        message = failure("session:\n  keywords:\n    - CA1\n    - 007\n")
        assert (
            'line 4: session.keywords is a text, but YAML reads 007 as a number; quote it: "007"'
            in message
        )

    def test_also_as_a_name_of_a_device(self):
        assert 'quote it: "1"' in failure("devices:\n  1: {model: x}")

    def test_a_mapping_is_no_text(self):
        assert "session.lab must be a text, not a group of keys" in failure(
            "session: {lab: {a: b}}"
        )
        assert "session.lab must be a text, not a list" in failure("session: {lab: [a]}")


class TestValues:
    @pytest.mark.parametrize(
        ("entry", "words"),
        [
            ("sex: male", "for male write M"),
            ("sex: f", "for f write F"),
            ("sex: no", "must be one of M (male)"),
            ("sex: x", "must be one of M"),
            ("sex: [F]", "not a list"),
            ("species: mouse", "Latin binomial such as Mus musculus"),
            ("species: Rat", "such as Rattus norvegicus"),
            ("species: mus musculus", "Latin binomial"),
            ("species: Mus musculus domesticus", "Latin binomial"),
            ("age: 90", "such as P90D"),
            ("age: 90 days", "such as P90D"),
            ("age: P", "such as P90D"),
            ("age: P1.5M2D", "only the last of its numbers may have a fraction"),
            ("age: P1D/P2D/P3D", "such as P90D"),
            ("age: /", "such as P90D"),
            ("age: P90D/P80D", "does not increase"),
            ("date_of_birth: yesterday", "a date such as 2025-12-01"),
            ("date_of_birth: 2025-13-01", "a date such as 2025-12-01"),
            ("date_of_birth: 0099-01-01", "the year cannot be right"),
            ("weight: 23", "must be a number, a space and a unit"),
            ("weight: 23g", "must be a number, a space and a unit"),
            ("subject_id: a/b", "one line without a slash"),
            ('subject_id: "a\\0b"', "control character"),
            ('description: "\\ud800"', "control character"),
        ],
    )  # fmt: skip
    def test_of_subjects_are_checked(self, entry, words):
        message = failure(f"subject:\n  {entry}\n")
        assert "line 2: subject." in message
        assert words in message

    @pytest.mark.parametrize("age", ["P90D", "P2Y", "P23W", "P1.5M", "P1D/P3D", "P90Y/", "P1DT12H"])
    def test_ages(self, age):
        assert load_yaml_text(f"subject: {{age: {age}}}").subject["age"].value == age

    @pytest.mark.parametrize(
        ("entry", "words"),
        [
            ("excitation_wavelength_nm: 0.47", "in nanometers, 100 to 2000"),
            ("emission_wavelength_nm: 5250", "in nanometers, 100 to 2000"),
            ('emission_wavelength_nm: "525"', "remove the quotes"),
            ("emission_wavelength_nm: 525 nm", "plain decimal number"),
            ("emission_wavelength_nm: [525]", "must be a number, not a list"),
            ("pixel_size_um: 1,64", "plain decimal number such as 1.64"),
            ("pixel_size_um: 0", "above 0"),
            ("pixel_size_um: -1", "above 0"),
            ("pixel_size_um: [1, 2, 3]", "one number such as 1.64 or two"),
            ("pixel_size_um: []x", "not valid YAML"),
            ("pixel_size_um: .inf", "plain decimal number"),
            ("pixel_size_um: 1e999", "plain decimal number"),
            ("pixel_size_um: 1:30", "plain decimal number"),
            ("pixel_size_um: 010", "plain decimal number"),
            ("pixel_size_um: '.'", "remove the quotes"),
            ("power_w: e5", "plain decimal number"),
            ("origin_coords_mm: [1, 2]", "three numbers in mm"),
            ("origin_coords_mm: 1", "three numbers in mm"),
            ("binning: 1.5", "whole number from 1 to 255"),
            ("binning: 0", "whole number from 1 to 255"),
            ("exposure_time_s: 0", "above 0"),
        ],
    )  # fmt: skip
    def test_of_imaging_are_checked(self, entry, words):
        message = failure(f"imaging:\n  {entry}\n")
        assert "line 2" in message
        assert words in message

    @pytest.mark.parametrize(
        ("entry", "words"),
        [
            ("timezone: Europe/Berlim", "no time zone Europe/Berlim; did you mean Europe/Berlin"),
            ("timezone: Berlin", "did you mean Europe/Berlin"),
            ("timezone: '+25:00'", "no offset from UTC"),
            ("timezone: '+01:75'", "no offset from UTC"),
            ("timezone: qqqqqq", "write it like Europe/Berlin, UTC or +02:00"),
            ("session_start_time: 2026-03-02", "date and time such as"),
            ("session_start_time: soon", "date and time such as"),
            ("session_id: a/b", "without a slash"),
        ],
    )  # fmt: skip
    def test_of_the_session_are_checked(self, entry, words):
        assert words in failure(f"session:\n  {entry}\n")

    def test_a_role(self):
        assert "must be scope (a miniscope) or camera" in failure("devices: {A: {role: miniscope}}")
