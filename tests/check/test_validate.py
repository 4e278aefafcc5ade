"""`validate`: one list of what pynwb, NWB Inspector and dandi say, and when it fails."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
from pathlib import Path

import h5py
import numpy as np
import pytest
from check.small_nwb import write_small_nwb

from miniscope_nwb.check.fixes import FIXES
from miniscope_nwb.check.validate import ValidationFinding, ValidationReport, validate
from miniscope_nwb.cli.main import run
from miniscope_nwb.cli.validate import _print
from miniscope_nwb.errors import NwbContentError

NAME = "sub-m06/sub-m06_ses-20260302T140507_ophys.nwb"


def checks(report, severity=None):
    return {f.check for f in report.findings if severity in (None, f.severity)}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_small_nwb(tmp_path_factory.mktemp("good") / NAME)


def test_complete_file_passes_even_strict(good):
    report = validate(good, strict=True)
    assert report.is_valid
    assert report.counts == dict.fromkeys(report.counts, 0)
    assert report.findings == ()


def test_nothing_asks_the_network_and_nothing_is_left_changed(good, monkeypatch):
    def refuse(*_args, **_keywords):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    before, level = dict(os.environ), logging.getLogger("dandi").level
    assert validate(good).is_valid
    assert dict(os.environ) == before
    assert logging.getLogger("dandi").level in {level, logging.INFO}


def test_missing_subject_is_critical_once_with_a_fix(tmp_path):
    report = validate(write_small_nwb(tmp_path / NAME, has_subject=False))
    assert not report.is_valid
    (finding,) = report.failing
    assert finding.check == "check_subject_exists"
    assert finding.severity == "critical"
    assert finding.sources == ("NWB Inspector", "dandi")
    assert "session.yaml" in finding.fix


@pytest.mark.parametrize(
    ("field", "value", "check"),
    [
        ("species", "mouse", "check_subject_species_form"),
        ("age", "three months", "check_subject_age"),
        ("sex", "male", "check_subject_sex"),
    ],
)
def test_ill_formed_subject_fails(tmp_path, field, value, check):
    report = validate(write_small_nwb(tmp_path / NAME, subject={field: value}))
    assert check in checks(report, "critical")
    assert all(finding.fix for finding in report.findings)


def test_violations_fail_only_when_strict(tmp_path):
    path = write_small_nwb(tmp_path / NAME, location="CA1, hippocampus", n_frames=20)
    report = validate(path)
    expected = {"check_imaging_plane_location_allen_ccf", "check_data_orientation"}
    assert checks(report, "violation") == expected
    assert report.is_valid
    assert not validate(path, strict=True).is_valid
    (short,) = [f for f in report.findings if f.check == "check_data_orientation"]
    assert short.location == "/acquisition/OnePhotonSeries"
    assert "fewer frames" in short.fix


def test_missing_external_video_fails(tmp_path):
    report = validate(write_small_nwb(tmp_path / NAME, external_video="gone/video.avi"))
    assert "check_image_series_external_file_valid" in {f.check for f in report.failing}


def test_backward_time_stamps_are_listed_with_the_option_that_mends_them(tmp_path):
    stamps = np.arange(80) / 20.0
    stamps[40] = 0.3
    report = validate(write_small_nwb(tmp_path / NAME, timestamps=stamps))
    (finding,) = [f for f in report.findings if f.check == "check_timestamps_ascending"]
    assert "--stamps interpolate" in finding.fix


def test_schema_error_of_pynwb_fails_and_is_listed_once(tmp_path):
    path = write_small_nwb(tmp_path / NAME)
    with h5py.File(path, "r+") as file:
        del file["acquisition/OnePhotonSeries/data"].attrs["unit"]
    report = validate(path)
    errors = [finding for finding in report.findings if finding.severity == "error"]
    assert not report.is_valid
    assert [error.sources[0] for error in errors] == ["pynwb"]
    assert "dandi" in errors[0].sources


def test_file_that_pynwb_cannot_read_is_one_readable_error(tmp_path):
    path = write_small_nwb(tmp_path / NAME)
    with h5py.File(path, "r+") as file:
        del file["session_start_time"]
    report = validate(path)
    assert not report.is_valid
    assert not any("Traceback" in finding.message for finding in report.findings)


@pytest.mark.parametrize("name", ["movie.nwb", "m06/sub-m06_ophys.nwb", "sub-m07/sub-m06.nwb"])
def test_other_place_is_a_note_with_the_planned_name(tmp_path, name):
    report = validate(write_small_nwb(tmp_path / name), strict=True)
    assert report.is_valid
    (note,) = report.findings
    assert note.severity == "note"
    assert NAME in note.fix


def test_name_that_speaks_of_another_subject_is_noted(tmp_path):
    report = validate(write_small_nwb(tmp_path / "sub-m07/sub-m07_ophys.nwb"))
    (note,) = report.findings
    assert note.check == "subject_name"
    assert "m06" in note.message


def test_what_is_no_nwb_file_gets_one_sentence(tmp_path, good):
    text, plain, cut = tmp_path / "notes.nwb", tmp_path / "plain.nwb", tmp_path / "cut.nwb"
    text.write_text("hello", encoding="utf-8")
    with h5py.File(plain, "w") as file:
        file["data"] = 1
    cut.write_bytes(good.read_bytes()[:-2000])
    wanted = {
        text: "is not an NWB file",
        plain: "not an NWB file",
        cut: "truncated file",
        tmp_path / "absent.nwb": "does not exist",
        tmp_path: "is a folder",
    }
    for path, message in wanted.items():
        with pytest.raises(NwbContentError, match=message) as error:
            validate(path)
        assert "\n" not in str(error.value)


def test_command_prints_exits_and_answers_programs(tmp_path, good, capsys):
    assert run(["validate", str(good)]) == 0
    assert "valid (0 errors" in capsys.readouterr().out
    bad = write_small_nwb(tmp_path / NAME, has_subject=False)
    assert run(["validate", str(bad), "--quiet"]) == 1
    printed = capsys.readouterr().out
    assert "CRITICAL" in printed
    assert "NOT VALID" in printed
    assert run(["validate", str(bad), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["valid"] is False
    assert answer["counts"]["critical"] == 1
    assert run(["validate", str(tmp_path / "absent.nwb")]) == 1
    assert run(["validate"]) == 2
    assert run(["validate", str(good), "--quiet"]) == 0
    assert "valid" not in capsys.readouterr().out


def test_equal_findings_are_one_entry_of_the_text(capsys):
    def finding(place, message="bad data"):
        return ValidationFinding("violation", ("NWB Inspector",), "check_x", place, message, "Do.")

    places = [f"/acquisition/s{number}" for number in range(5)]
    findings = (*map(finding, places), finding("/other", "bad name"))
    report = ValidationReport(Path("x.nwb"), False, findings)
    _print(report, quiet=False)
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.count("bad data") == 1
    assert (
        "5 times, at /acquisition/s0, /acquisition/s1, /acquisition/s2 and 2 more: bad data"
    ) in printed
    assert "violation /other: bad name [NWB Inspector: check_x]" in printed
    assert "6 violations" in printed
    assert len(report.as_json()["findings"]) == 6


def test_every_fix_is_a_sentence_about_a_check_that_exists():
    from nwbinspector import available_checks

    known = {check.__name__ for check in available_checks}
    for check, fix in FIXES.items():
        assert check in known or check.startswith("DANDI."), check
        assert re.fullmatch(r"[A-Z].*\.", fix), fix
