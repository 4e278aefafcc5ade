"""What the session YAML may hold, and how every mistake is answered."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniscope_nwb.convert.metadata_fields import DEVICE, SECTIONS
from miniscope_nwb.convert.user_metadata import UserMetadata, load_yaml_files, load_yaml_text
from miniscope_nwb.errors import MetadataError


def failure(text):
    with pytest.raises(MetadataError) as caught:
        load_yaml_text(text)
    message = str(caught.value)
    assert message.startswith("session.yaml")
    assert "\n" not in message
    return message


def values(group):
    return {key: item.value for key, item in group.items()}


FULL = """\
session:
  session_start_time: 2026-03-02T14:05:07+01:00
  timezone: Europe/Berlin
  experimenter: ["Doe, Jane", "Roe, Rick"]
  lab: Lab of Things
  keywords: [hippocampus, calcium imaging]
  notes: |
    first line
    second line
subject:
  subject_id: "007"
  species: Mus musculus
  sex: F
  age: P90D
  date_of_birth: 2025-12-01
  weight: 0.023 kg
imaging:
  indicator: GCaMP6f
  excitation_wavelength_nm: 470
  emission_wavelength_nm: 525.5
  location: CA1
  pixel_size_um: [1.5, 2]
  origin_coords_mm: [-2.1, 1e-1, .5]
  binning: 2
devices:
  BehavCam 2: {role: scope, serial_number: "12"}
  Miniscope:
"""


class TestWhatIsRead:
    def test_a_full_file(self):
        user = load_yaml_text(FULL)
        assert values(user.session) == {
            "session_start_time": "2026-03-02T14:05:07+01:00",
            "timezone": "Europe/Berlin",
            "experimenter": ("Doe, Jane", "Roe, Rick"),
            "lab": "Lab of Things",
            "keywords": ("hippocampus", "calcium imaging"),
            "notes": "first line\nsecond line",
        }
        assert values(user.subject) == {
            "subject_id": "007",
            "species": "Mus musculus",
            "sex": "F",
            "age": "P90D",
            "date_of_birth": date(2025, 12, 1),
            "weight": "0.023 kg",
        }
        assert values(user.imaging) == {
            "indicator": "GCaMP6f",
            "excitation_wavelength_nm": 470.0,
            "emission_wavelength_nm": 525.5,
            "location": "CA1",
            "pixel_size_um": (1.5, 2.0),
            "origin_coords_mm": (-2.1, 0.1, 0.5),
            "binning": 2,
        }
        assert {name: values(group) for name, group in user.devices.items()} == {
            "BehavCam 2": {"role": "scope", "serial_number": "12"},
            "Miniscope": {},
        }
        assert user.subject["subject_id"].where == "session.yaml, line 11"

    def test_one_number_is_a_square_pixel(self):
        user = load_yaml_text("imaging: {pixel_size_um: 1.64}")
        assert user.imaging["pixel_size_um"].value == (1.64, 1.64)

    def test_one_text_serves_where_a_list_may_stand(self):
        user = load_yaml_text("session: {experimenter: 'Doe, Jane'}")
        assert user.session["experimenter"].value == ("Doe, Jane",)

    @pytest.mark.parametrize("nothing", ["", "~", "null", '""', "'  '"])
    def test_what_is_empty_is_absent(self, nothing):
        assert load_yaml_text(f"subject:\n  subject_id: {nothing}\n") == UserMetadata()

    @pytest.mark.parametrize(
        "text", ["", "# only a comment\n", "---\n", "session:\n", "devices:\n", "subject: {}"]
    )
    def test_a_file_that_says_nothing(self, text):
        assert load_yaml_text(text) == UserMetadata()

    def test_an_empty_list_is_absent(self):
        assert load_yaml_text("session: {keywords: [], experimenter: [null]}") == UserMetadata()

    def test_an_alias_is_followed(self):
        text = "imaging: &plane {location: CA1}\ndevices: {Miniscope: *plane}"
        assert load_yaml_text(text).devices["Miniscope"]["location"].value == "CA1"

    def test_roles_are_known_in_both_spellings(self):
        user = load_yaml_text("devices: {BehavCam_2: {role: scope}, Miniscope: {model: x}}")
        assert user.roles == {"BehavCam_2": "scope", "BehavCam 2": "scope"}


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
    @pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
    def test_of_other_systems(self, write_yaml, encoding, line_end):
        text = "# µ\nsubject:\n  description: Mäuschen\n".replace("\n", line_end)
        user = load_yaml_files([write_yaml(text, encoding=encoding)])
        assert user.subject["description"].value == "Mäuschen"
        assert user.subject["description"].line == 3

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    def test_utf_16_without_its_mark(self, write_yaml, encoding):
        user = load_yaml_files([write_yaml("session: {lab: x}", encoding=encoding)])
        assert user.session["lab"].value == "x"

    def test_another_code_page_is_refused_with_its_line(self, write_yaml):
        path = write_yaml("session:\n  lab: Müller\n", encoding="cp1252")
        with pytest.raises(MetadataError, match=r"line 2: is not UTF-8 text; save"):
            load_yaml_files([path])


class TestFiles:
    def test_a_missing_file(self, tmp_path):
        with pytest.raises(MetadataError, match=r"no\.yaml: there is no such file; .*init"):
            load_yaml_files([tmp_path / "no.yaml"])

    def test_a_folder(self, tmp_path):
        with pytest.raises(MetadataError, match=r"is a folder"):
            load_yaml_files([tmp_path])

    def test_a_movie_given_by_mistake(self, tmp_path):
        path = tmp_path / "0.avi"
        path.write_bytes(bytes(1_000_001))
        with pytest.raises(MetadataError, match=r"larger than"):
            load_yaml_files([path])

    def test_a_name_that_no_system_has(self):
        with pytest.raises(MetadataError, match=r"cannot be read"):
            load_yaml_files(["a\0b.yaml"])

    def test_later_files_win_key_by_key(self, write_yaml):
        lab = write_yaml(
            "session: {lab: Lab, notes: old}\ndevices: {Miniscope: {model: A, serial_number: '1'}}",
            "lab.yaml",
        )
        day = write_yaml(
            "session: {notes: new, lab: }\ndevices: {Miniscope: {model: B}}", "day.yaml"
        )
        user = load_yaml_files([lab, day])
        assert values(user.session) == {"lab": "Lab", "notes": "new"}
        assert user.session["lab"].file == "lab.yaml"
        assert user.session["notes"].file == "day.yaml"
        assert values(user.devices["Miniscope"]) == {"model": "B", "serial_number": "1"}
        assert values(load_yaml_files([day, lab]).session) == {"lab": "Lab", "notes": "old"}

    def test_files_of_one_name_are_told_apart(self, tmp_path):
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "s.yaml").write_text(
                f"session: {{{'lab' if folder == 'a' else 'notes'}: x}}"
            )
        user = load_yaml_files([tmp_path / "a" / "s.yaml", tmp_path / "b" / "s.yaml"])
        assert user.session["lab"].file == str(tmp_path / "a" / "s.yaml")
        assert user.session["notes"].file == str(tmp_path / "b" / "s.yaml")

    def test_the_spelling_met_last_wins(self, write_yaml):
        first = write_yaml("devices: {BehavCam_2: {model: A}}", "1.yaml")
        second = write_yaml("devices: {BehavCam 2: {model: B}}", "2.yaml")
        names = ["BehavCam 2"]
        for order, model in (([first, second], "B"), ([second, first], "A")):
            assert load_yaml_files(order).device("BehavCam 2", names)["model"].value == model
        assert (
            load_yaml_files([first, second, first]).device("BehavCam 2", names)["model"].value
            == "A"
        )


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
