"""Names of files and NWB objects."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniscope_nwb.convert import names

# The archive's rules: of the client for organised names, of the server for paths.
ORGANISED = re.compile(
    r"sub-[^_*\\/<>:|\"'?%@;.]+(_ses-[^_*\\/<>:|\"'?%@;.]+)?(_[a-z]+(\+[a-z]+)*)?\.nwb"
)
SERVER = re.compile(r"[A-Za-z0-9(),&\s#+~_=-]+")


def session(subject, session_id):
    return SimpleNamespace(subject=SimpleNamespace(subject_id=subject), session_id=session_id)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m06", "m06"),
        ("Mouse 1", "Mouse-1"),
        ("C6_J588.Disc5", "C6-J588-Disc5"),
        ("a/b:c", "a-b-c"),
        ("Zürich-Übung", "Zurich-Ubung"),
        ("Søren", "Soren"),
        ("小1", "u5c0f1"),
        ("wt+", "wt+"),
        ("", "unknown"),
        (" . ", "unknown"),
    ],
)
def test_labels(text, expected):
    assert names.label(text) == expected


def test_long_labels_are_cut_and_stay_apart():
    first, second = names.label("x" * 300 + "a"), names.label("x" * 300 + "b")
    assert len(first) == len(second) == names.MAX_LABEL
    assert first != second


@given(st.text(), st.text(), st.booleans())
def test_every_path_is_one_that_dandi_takes(subject, session_id, has_behaviour):
    path = names.default_path(session(subject, session_id), has_behaviour=has_behaviour)
    assert len(path.parts) == 2
    assert ORGANISED.fullmatch(path.name)
    assert SERVER.fullmatch(path.stem)
    assert path.name.startswith(path.parts[0] + "_ses-")
    assert len(str(path)) < 160


def test_the_default_path():
    path = names.default_path(session("m06", "20260302T140507"), has_behaviour=True)
    assert path.as_posix() == "sub-m06/sub-m06_ses-20260302T140507_behavior+ophys.nwb"
    path = names.default_path(session("", "a_b"), has_behaviour=False)
    assert path.as_posix() == "sub-unknown/sub-unknown_ses-a-b_ophys.nwb"


def test_the_session_id_is_local_time():
    start = datetime(2026, 3, 2, 14, 5, 7, 999999, tzinfo=timezone(timedelta(hours=9)))
    assert names.session_id(start) == "20260302T140507"


def test_names_of_nwb_objects():
    recorded = ["BehavCam 2", "BehavCam_2", "behavcam/2", "Käfig-Cam", "", "…"]
    assert names.nwb_names(recorded) == {
        "BehavCam 2": "BehavCam_2",
        "BehavCam_2": "BehavCam_2_2",
        "behavcam/2": "behavcam_2_3",
        "Käfig-Cam": "Kafig-Cam",
        "": "device",
        "…": "device_2",
    }


@given(st.lists(st.text(max_size=8), unique=True, max_size=8))
def test_names_of_nwb_objects_are_unique(recorded):
    made = names.nwb_names(recorded)
    assert list(made) == recorded
    assert len({name.casefold() for name in made.values()}) == len(recorded)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in made.values())
