"""The template of `init`: it loads as it is, quotes what was found, and marks every gap."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from metadata_recordings import CAMERA, NOBODY_SAID, SCOPE, make_device

from miniscope_nwb.convert.metadata import resolve
from miniscope_nwb.convert.metadata_fields import DEVICE, SECTIONS
from miniscope_nwb.convert.template import write_template
from miniscope_nwb.convert.template_hints import HINTS, REQUIRED
from miniscope_nwb.convert.user_metadata import UserMetadata, load_yaml_text
from miniscope_nwb.recording import Setting, StartTime
from miniscope_nwb.session import ConvertOptions

ANSWERS = {
    "session_start_time": "2026-03-02T14:05:07",
    "subject_id": "m06",
    "species": "Mus musculus",
    "sex": "F",
    "age": "P90D",
    "indicator": "GCaMP6f",
    "excitation_wavelength_nm": "470",
    "emission_wavelength_nm": "525",
    "location": "CA1",
    "pixel_size_um": "1.5",
}


def fill(template):
    """Answer what is marked, as a person would: behind the colon."""
    marked = re.compile(rf"^( *)(\w+):( *# {REQUIRED}.*)$", re.MULTILINE)
    return marked.sub(lambda m: f"{m[1]}{m[2]}: {ANSWERS[m[2]]}{m[3]}", template)


def missing(recording, text):
    return resolve([recording], load_yaml_text(text), ConvertOptions(timezone="UTC")).missing


class TestTheTemplate:
    def test_says_nothing_as_it_is(self, make_recording):
        assert load_yaml_text(write_template(make_recording())) == UserMetadata(
            devices={"Miniscope": {}, "BehavCam 2": {}}
        )

    @pytest.mark.parametrize("device_type", ["Miniscope_V4_BNO", "Miniscope_V3", ""])
    def test_is_complete_when_the_marked_fields_are_filled(self, make_recording, device_type):
        recording = make_recording(devices=(make_device(device_type=device_type), CAMERA))
        template = write_template(recording)
        assert missing(recording, template)
        assert missing(recording, fill(template)) == ()

    def test_marks_every_key_that_is_missing(self, make_recording):
        recording = make_recording(devices=(make_device(device_type="Miniscope_V3"),))
        template = write_template(recording)
        marked = re.findall(rf"^  (\w+):  # {REQUIRED}", template, re.MULTILINE)
        assert marked == [key.partition(".")[2] for key in missing(recording, template)]

    def test_offers_every_key_of_the_schema(self, make_recording):
        scopes = (make_device("Scope 1"), make_device("Scope 2"))
        found = yaml.safe_load(write_template(make_recording(start=NOBODY_SAID, devices=scopes)))
        for section, known in SECTIONS.items():
            assert set(found[section]) == set(known)
        assert set(found["devices"]["Scope 1"]) < set(DEVICE)
        assert "location" in found["devices"]["Scope 2"]

    @pytest.mark.parametrize("text", ["007", "no", "1:30", "2026-03-02", "~", '"', "a: b", "x #y"])
    def test_quotes_what_was_found(self, make_recording, text):
        recording = make_recording(subject_id=text, experimenter=text, experiment_description=text)
        template = write_template(recording)
        user = load_yaml_text(template)
        assert user.subject["subject_id"].value == text
        assert user.session["experimenter"].value == (text,)
        assert yaml.safe_load(template)["session"]["experiment_description"] == text

    def test_tells_where_it_was_found(self, make_recording):
        template = write_template(make_recording(subject_id="007"))
        assert 'subject_id: "007"  # found: animalName in metaData.json' in template
        assert (
            '# session_start_time: "2026-03-02T14:05:07+01:00"  # found: metaData.json' in template
        )
        assert "# ewl: -12  (Miniscope/metaData.json)" in template
        assert "found: camera (deviceType WebCam-640x480)" in template
        assert "left empty, Miniscope gets 1.64 um: nominal" in template

    def test_asks_for_what_a_v3_does_not_record(self, make_recording):
        start = StartTime(datetime(2019, 6, 9, 9, 5, 44), "folder name", is_assumed=True)
        template = write_template(make_recording(start=start))
        assert "found: folder name, assumed" in template
        assert "timezone:  # RECOMMENDED\n" in template
        assert "# the recording tells none; Europe/Berlin" in template

    def test_does_not_mend_a_slash_silently(self, make_recording):
        template = write_template(make_recording(subject_id="m1/left"))
        assert load_yaml_text(template).subject["subject_id"].value == "m1-left"

    def test_fits_a_screen(self, make_recording):
        recording = make_recording(start=NOBODY_SAID, devices=(make_device(device_type="x"),))
        assert max(map(len, write_template(recording).splitlines())) <= 120


class TestSeveralRecordings:
    def test_what_they_share_is_filled_in(self, make_recording):
        several = [make_recording(subject_id="m1", experimenter=name) for name in ("A", "B")]
        template = write_template(several)
        assert load_yaml_text(template).subject["subject_id"].value == "m1"
        assert "experimenter" not in load_yaml_text(template).session
        assert 'found: "A", "B"' in " ".join(template.split()).replace("# ", "")

    def test_one_slot_is_not_for_two_animals(self, make_recording):
        template = write_template([make_recording(subject_id=name) for name in ("m06", "m07")])
        assert "subject_id" not in load_yaml_text(template).subject
        text = " ".join(template.split()).replace("# ", "")
        assert "leave empty, so that each file takes its own" in text
        assert 'found: "m06", "m07"' in text

    def test_starts_are_not_offered_as_a_key(self, make_recording):
        template = write_template([make_recording(), make_recording()])
        assert "session_start_time" not in template
        assert "14_05_07 started 2026-03-02T14:05:07+01:00 (metaData.json" in template

    def test_every_device_stands_once(self, make_recording):
        several = [make_recording(), make_recording(devices=(make_device("Other"), SCOPE))]
        assert list(yaml.safe_load(write_template(several))["devices"]) == [
            "Miniscope",
            "Other",
            "BehavCam 2",
        ]


class TestWhateverWasRecorded:
    @settings(max_examples=150, deadline=None)
    @given(texts=st.lists(st.text(max_size=20), min_size=8, max_size=8))
    def test_it_loads(self, texts):
        from pathlib import Path

        from miniscope_nwb.recording import Recording

        subject, experimenter, purpose, name, key, value, source, evidence = texts
        device = replace(
            make_device(name or "Miniscope", device_type=value), role_evidence=evidence
        )
        recording = Recording(
            format="v4",
            root=Path("x") / source.replace("\0", ""),
            label="",
            software="",
            start=replace(NOBODY_SAID, source=source),
            devices=(device,),
            subject_id=subject,
            experimenter=experimenter,
            experiment_description=purpose,
            settings=(Setting(device.name, key, value, source),),
        )
        user = load_yaml_text(write_template(recording))
        if experimenter.strip() and experimenter.isprintable():
            assert user.session["experimenter"].value == (experimenter.strip(),)

    def test_many_settings_are_cut(self, make_recording):
        many = tuple(Setting("Miniscope", f"key{n}", "x" * 500, "m.json") for n in range(100))
        template = write_template(make_recording(settings=many))
        assert "... and 40 settings more" in template
        assert max(map(len, template.splitlines())) < 160


class TestAgainstTheRulesOfOthers:
    """What the hints claim of NWB Inspector and DANDI, asked of them."""

    def test_locations(self):
        from nwbinspector._internal_configs._allen_ccf import get_allen_ccf_location_terms

        terms = get_allen_ccf_location_terms()
        said_to_pass, said_to_fail = HINTS["location"].split(" passes, ")
        passing = re.findall('"(.*?)"', said_to_pass)
        failing = re.findall('"(.*?)"', said_to_fail.partition("(")[0])
        assert passing == ["CA1", "Field CA1"]
        assert failing == ["CA1, hippocampus", "ca1", "dorsal CA1"]
        assert set(passing) <= terms
        assert not set(failing) & terms
        assert {"VISp", "PL"} <= terms
        assert not {"V1", "prelimbic"} & terms

    def test_experimenters(self):
        from dandischema.models import NAME_PATTERN

        assert re.match(NAME_PATTERN, "Doe, Jane")
        assert not re.match(NAME_PATTERN, "Jane Doe")

    @pytest.mark.parametrize("age", ["P90D", "P12W", "P3M", "P80D/P90D", "P1DT12H"])
    def test_ages(self, age):
        from dandi.metadata.util import parse_age

        assert parse_age(age)[0]

    def test_species(self):
        from dandi.metadata.util import extract_species

        for species in ("Mus musculus", "Rattus norvegicus"):
            assert extract_species({"species": species})

    def test_a_filled_subject_passes_the_inspector(self, make_recording):
        from nwbinspector.checks import _nwbfile_metadata as checks
        from pynwb.file import Subject

        recording = make_recording()
        text = fill(write_template(recording)).replace("  weight:", '  weight: "23 g"')
        info = resolve([recording], load_yaml_text(text), ConvertOptions()).subject
        subject = Subject(
            subject_id=info.subject_id, species=info.species, sex=info.sex, age=info.age,
            weight=info.weight,
        )  # fmt: skip
        for check in (
            checks.check_subject_age, checks.check_subject_sex, checks.check_subject_species_form,
            checks.check_subject_weight, checks.check_subject_id_no_slashes,
        ):  # fmt: skip
            assert check(subject) is None


class TestRealRecordings:
    def test_the_template_of_a_real_recording(self, real_data):
        from miniscope_nwb.convert.readers.miniscope_v4 import MiniscopeV4Reader
        from miniscope_nwb.recording import ReadOptions

        reader = MiniscopeV4Reader()
        source = reader.sniff(real_data / "qt" / "C6-J588_Disc5" / "15_03_28").sources[0]
        recording = reader.read(source, ReadOptions())
        template = write_template(recording)
        assert '# deviceType: "Miniscope_V3"' in template
        assert "2021-10-07T15:03:28" in template
        filled = fill(template)
        session = resolve([recording], load_yaml_text(filled), ConvertOptions())
        assert session.missing == ()
        assert session.start == recording.start.value
        assert [device.nwb_name for device in session.devices] == ["Miniscope", "BehavCam_2"]
