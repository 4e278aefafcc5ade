"""What the session YAML may hold, in which encodings, and in several files."""

from __future__ import annotations

from datetime import date

import pytest

from miniscope_nwb.convert.user_metadata import UserMetadata, load_yaml_files, load_yaml_text
from miniscope_nwb.errors import MetadataError


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
