"""The YAML over the recording: who wins, what is missing, what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from metadata_recordings import CAMERA, SCOPE, START, make_device

from miniscope_nwb.convert.metadata import UserMetadata, load_yaml_files, resolve
from miniscope_nwb.convert.user_metadata import load_yaml_text
from miniscope_nwb.errors import MetadataError, RecordingError
from miniscope_nwb.recording import StartTime, VideoPart
from miniscope_nwb.session import ConvertOptions

COMPLETE = """\
subject: {subject_id: m06, species: Mus musculus, sex: F, age: P90D}
imaging:
  indicator: GCaMP6f
  excitation_wavelength_nm: 470
  emission_wavelength_nm: 525
  location: CA1
  pixel_size_um: 1.5
"""
OF_IMAGING = (
    "imaging.indicator",
    "imaging.excitation_wavelength_nm",
    "imaging.emission_wavelength_nm",
    "imaging.location",
)


def resolved(recordings, yaml=""):
    recordings = recordings if isinstance(recordings, list) else [recordings]
    return resolve(recordings, load_yaml_text(yaml), ConvertOptions())


def part(width, height):
    return VideoPart(
        path=None, relative_path="0.avi", index=0, n_bytes=1, fourcc="FFV1", width=width,
        height=height, n_frames=1, header_frames=1, pixel_format="gray8", is_lossy=False,
        state="whole",
    )  # fmt: skip


class TestWithoutYaml:
    def test_the_recording_speaks(self, make_recording):
        recording = make_recording(
            subject_id="007", experimenter="Jane Doe", experiment_description="maze"
        )
        session = resolved(recording)
        assert session.subject.subject_id == "007"
        assert session.experimenter == ("Jane Doe",)  # as recorded, not turned round
        assert session.experiment_description == "maze"
        assert session.start == START
        assert session.session_id == "20260302T140507"
        assert "1 miniscope and 1 behaviour camera" in session.session_description
        assert "Miniscope-DAQ-QT-Software" in session.session_description
        assert session.winners["subject.subject_id"] == "animalName in metaData.json"
        assert session.winners["session.session_start_time"] == "metaData.json (msecSinceEpoch)"
        assert session.missing == ("subject.species", "subject.sex", "subject.age", *OF_IMAGING)

    def test_empty_strings_are_absent(self, make_recording):
        session = resolved(
            make_recording(subject_id="", experimenter=" ", experiment_description="")
        )
        assert session.subject.subject_id == ""
        assert session.experimenter == ()
        assert session.experiment_description == ""
        assert session.missing[0] == "subject.subject_id"
        assert "subject.subject_id" not in session.winners

    def test_a_recorded_slash_would_be_a_path(self, make_recording):
        session = resolved(make_recording(subject_id="m1/left\n"))
        assert session.subject.subject_id == "m1-left"
        [problem] = [p for p in session.problems if p.code == "subject_id"]
        assert "m1/left" in problem.message

    def test_control_characters_are_dropped(self, make_recording):
        assert resolved(make_recording(subject_id="m\x001\ud800")).subject.subject_id == "m1"

    def test_devices_are_described(self, make_recording):
        scope, camera = resolved(make_recording()).devices
        assert (scope.name, scope.nwb_name, scope.role) == ("Miniscope", "Miniscope", "scope")
        assert scope.model == "UCLA Miniscope V4"
        assert scope.manufacturer
        assert "Miniscope_V4_BNO" in scope.description
        assert (camera.name, camera.nwb_name, camera.role) == ("BehavCam 2", "BehavCam_2", "camera")
        assert "WebCam-640x480" in camera.description
        assert camera.pixel_size_um is None
        assert camera.indicator == ""

    def test_scopes_come_first(self, make_recording):
        session = resolved(make_recording(devices=(CAMERA, SCOPE)))
        assert [device.role for device in session.devices] == ["scope", "camera"]


class TestPixelSize:
    def test_a_documented_one_is_flagged(self, make_recording):
        session = resolved(make_recording(devices=(SCOPE,)))
        [scope] = session.devices
        assert scope.pixel_size_um == (1.64, 1.64)
        assert scope.pixel_size_source.startswith("nominal")
        [problem] = session.problems
        assert problem.code == "nominal_pixel_size"
        assert problem.severity == "warning"
        assert "1.64" in problem.message

    def test_the_yaml_wins(self, make_recording):
        session = resolved(make_recording(), "imaging: {pixel_size_um: [1.5, 2]}")
        assert session.devices[0].pixel_size_um == (1.5, 2.0)
        assert session.devices[0].pixel_size_source == "given in session.yaml"
        assert session.problems == ()

    def test_where_none_is_documented_it_is_missing(self, make_recording):
        for device_type in ("Miniscope_V3", "Lab_Scope"):
            session = resolved(make_recording(devices=(make_device(device_type=device_type),)))
            assert session.devices[0].pixel_size_um is None
            assert session.devices[0].pixel_size_source == ""
            assert session.missing[-1] == "imaging.pixel_size_um"

    @pytest.mark.parametrize(("width", "height", "fits"), [(304, 200, True), (752, 480, False)])
    def test_frames_larger_than_the_type_are_not_as_documented(
        self, make_recording, width, height, fits
    ):
        scope = make_device(parts=(part(width, height),))
        session = resolved(make_recording(devices=(scope,)))
        assert (session.devices[0].pixel_size_um is not None) is fits


class TestWithYaml:
    def test_the_yaml_wins_over_the_recording(self, make_recording):
        session = resolved(
            make_recording(subject_id="m06", experimenter="jd", experiment_description="x"),
            "session: {experimenter: 'Doe, Jane', session_id: s1, keywords: [a, b]}\n"
            "subject: {subject_id: M-6}",
        )
        assert session.subject.subject_id == "M-6"
        assert session.experimenter == ("Doe, Jane",)
        assert session.experiment_description == "x"
        assert session.session_id == "s1"
        assert session.keywords == ("a", "b")
        assert session.winners["session.experimenter"] == "session.yaml"
        assert session.winners["subject.subject_id"] == "session.yaml"

    def test_a_complete_one_leaves_nothing_missing(self, make_recording):
        session = resolved(make_recording(), COMPLETE)
        assert session.missing == ()
        assert session.devices[0].location == "CA1"
        assert session.devices[0].excitation_wavelength_nm == 470.0
        assert session.devices[1].location == ""
        assert session.winners["imaging.location"] == "session.yaml"

    def test_winners_name_the_file(self, make_recording, write_yaml):
        lab = write_yaml("session: {lab: L, notes: n}\nimaging: {location: CA3}", "lab.yaml")
        day = write_yaml("session: {notes: m}\ndevices: {Miniscope: {location: CA1}}", "day.yaml")
        user = load_yaml_files([lab, day])
        session = resolve([make_recording()], user, ConvertOptions(timezone="UTC"))
        assert session.winners["session.lab"] == "lab.yaml"
        assert session.winners["session.notes"] == "day.yaml"
        assert session.winners["devices.Miniscope.location"] == "day.yaml"
        assert "imaging.location" not in session.winners
        assert session.winners["session.timezone"] == "--timezone"
        assert session.devices[0].location == "CA1"

    def test_a_birth_date_serves_as_age(self, make_recording):
        session = resolved(make_recording(), "subject: {date_of_birth: 2025-12-01}")
        assert "subject.age" not in session.missing
        assert session.subject.date_of_birth == datetime(2025, 12, 1, tzinfo=START.tzinfo)

    def test_birth_after_the_recording(self, make_recording):
        with pytest.raises(
            MetadataError, match=r"line 1: subject.date_of_birth is 2026-03-03, after"
        ):
            resolved(make_recording(), "subject: {date_of_birth: 2026-03-03}")

    def test_scopes_may_differ(self, make_recording):
        scopes = (make_device("Scope 1"), make_device("Scope 2"))
        session = resolved(
            make_recording(devices=scopes),
            "imaging: {indicator: GCaMP6f}\n"
            "devices:\n  Scope_2: {indicator: RCaMP, location: CA3}\n  Scope 1: {model: mine}",
        )
        first, second = session.devices
        assert (first.indicator, second.indicator) == ("GCaMP6f", "RCaMP")
        assert (first.location, second.location) == ("", "CA3")
        assert (first.model, second.model) == ("mine", "UCLA Miniscope V4")
        assert "devices.Scope 1.location" in session.missing
        assert "imaging.location" not in session.missing
        assert session.winners["devices.Scope 2.indicator"] == "session.yaml"

    def test_both_spellings_may_be_devices(self, make_recording):
        scopes = (make_device("Cam 1"), make_device("Cam_1"))
        session = resolved(make_recording(devices=scopes), "devices: {Cam_1: {model: mine}}")
        assert [device.model for device in session.devices] == ["UCLA Miniscope V4", "mine"]
        assert [device.nwb_name for device in session.devices] == ["Cam_1", "Cam_1_2"]


class TestContradictions:
    def test_a_misspelt_device(self, make_recording):
        with pytest.raises(MetadataError, match=r"no device Minscope; did you mean Miniscope"):
            resolved(make_recording(), "devices: {Minscope: {model: x}}")

    def test_a_device_of_another_rig_is_told(self, make_recording):
        session = resolved(make_recording(), "devices: {Arena west: {model: x}, Empty: }")
        [problem] = [p for p in session.problems if p.code == "unknown_device"]
        assert "Arena west" in problem.message
        assert "Miniscope, BehavCam 2" in problem.message

    def test_a_second_device_of_a_larger_rig_is_told(self, make_recording):
        yaml = "devices: {BehavCam 2: {model: x}, BehavCam 3: {model: x}}"
        assert [p.code for p in resolved(make_recording(), yaml).problems].count(
            "unknown_device"
        ) == 1

    def test_imaging_of_a_camera(self, make_recording):
        with pytest.raises(MetadataError, match=r"devices.BehavCam 2.location is for miniscopes"):
            resolved(make_recording(), "devices: {BehavCam 2: {location: CA1}}")

    def test_a_role_that_the_reader_did_not_take(self, make_recording):
        with pytest.raises(MetadataError, match=r"role is scope, but the recording can only"):
            resolved(make_recording(), "devices: {BehavCam 2: {role: scope}}")
        resolved(make_recording(), "devices: {BehavCam 2: {role: camera}}")


class TestJoin:
    def later(self, make_recording, **changes):
        start = StartTime(START + timedelta(hours=1), "metaData.json", is_assumed=False)
        return make_recording(start=start, **changes)

    def test_time_zero_is_the_earliest_start(self, make_recording):
        session = resolved([self.later(make_recording), make_recording()])
        assert session.start == START
        assert session.session_description.startswith("2 joined recordings of 1 miniscope")
        assert len(session.devices) == 2

    def test_texts_are_kept_once(self, make_recording):
        session = resolved(
            [
                make_recording(subject_id="m1", experimenter="A", experiment_description="x"),
                self.later(
                    make_recording, subject_id="", experimenter="A", experiment_description="y"
                ),
            ]
        )
        assert session.subject.subject_id == "m1"
        assert session.experimenter == ("A",)
        assert session.experiment_description == "x; y"

    def test_other_subjects_are_refused(self, make_recording):
        several = [make_recording(subject_id="m1"), self.later(make_recording, subject_id="m2")]
        with pytest.raises(RecordingError, match=r"different subjects \(m1 and m2\)"):
            resolved(several)

    def test_but_the_yaml_may_say_that_they_are_one(self, make_recording):
        several = [make_recording(subject_id="m1"), self.later(make_recording, subject_id="M1")]
        session = resolved(several, "subject: {subject_id: m1}")
        assert session.subject.subject_id == "m1"
        assert "joined_subjects" in {problem.code for problem in session.problems}

    def test_another_subject_than_recorded_is_told(self, make_recording):
        session = resolved([make_recording(subject_id="m07")], "subject: {subject_id: m06}")
        assert session.subject.subject_id == "m06"
        told = [p for p in session.problems if p.code == "another_subject"]
        assert [p.severity for p in told] == ["warning"]
        assert "session.yaml, line 1 says that the subject is 'm06'" in told[0].message
        assert "'m07' (" in told[0].message

    @pytest.mark.parametrize("recorded", ["m06", "", "a/b"])
    def test_the_recorded_subject_or_none_is_no_other(self, make_recording, recorded):
        given = {"a/b": "a-b"}.get(recorded, "m06")
        session = resolved(
            [make_recording(subject_id=recorded)], f"subject: {{subject_id: {given}}}"
        )
        assert session.subject.subject_id == given
        assert "another_subject" not in {problem.code for problem in session.problems}

    def test_one_start_cannot_be_true_of_two(self, make_recording):
        several = [make_recording(), self.later(make_recording)]
        with pytest.raises(MetadataError, match=r"session.yaml, line 1: 2 recordings are joined"):
            resolved(several, "session: {session_start_time: 2026-01-02T03:04:05Z}")
        options = ConvertOptions(start_time="2026-01-02T03:04:05Z")
        with pytest.raises(MetadataError, match=r"--start-time: 2 recordings are joined"):
            resolve(several, UserMetadata(), options)
