"""One thing is told in the singular, and several in the plural."""

from __future__ import annotations

import pytest

from miniscope_nwb.check import doctor as checks
from miniscope_nwb.check.finding import Finding
from miniscope_nwb.errors import OutputError
from miniscope_nwb.simulate.folder import simulate
from miniscope_nwb.simulate.options import SimulateOptions

SMALL = ("--width", 32, "--height", 32, "--frames", 30, "--cells", 1, "--quiet")


def test_of_an_inspection(shell, tmp_path):
    told = shell("simulate", tmp_path / "raw", *SMALL[:-1], "--cameras", 0).out
    assert "the truth: 1 cell, its spikes, and the motion" in told
    said = shell("inspect", tmp_path / "raw").out
    assert " in 1 file (FFV1), 30 time stamps" in said
    assert "28 settings, 3 notes" in said
    assert "lists 1 device\n" in said


def test_of_two_miniscopes_that_lost_frames(shell, tmp_path):
    options = [*SMALL[:-1], "--cameras", 0, "--scopes", 2, "--lost-frames", 4]
    said = shell("simulate", tmp_path / "raw", *options).out
    assert "30 frames a miniscope, 4 more lost; " in said
    assert "the truth: 2 cells, their spikes, and the motion" in said


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("v3", "A v3 recording holds 1 scope and 0 or 1 camera, not 9 and 1."),
        ("v4", "A v4 recording holds 1 to 8 scopes and 0 to 8 cameras, not 9 and 1."),
        ("onix", "A onix recording holds 1 scope and no camera, not 9 and 0."),
    ],
)
def test_of_what_a_format_holds(tmp_path, format, said):
    with pytest.raises(OutputError) as caught:
        simulate(tmp_path / "raw", format=format, options=SimulateOptions(scopes=9))
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("statuses", "said"),
    [(["error", "ok"], "1 error, 0 warnings"), (["warning", "warning"], "0 errors, 2 warnings")],
)
def test_of_findings(shell, monkeypatch, statuses, said):
    found = [Finding("memory", status, "A finding.") for status in statuses]
    monkeypatch.setattr(checks, "examine", lambda _: found)
    assert shell("doctor").out.splitlines()[-1] == said


def test_of_where_a_template_was_written(shell, tmp_path):
    assert shell("simulate", tmp_path / "raw", *SMALL, "--cameras", 0).code == 0
    hint = shell("init", tmp_path / "raw").err
    assert hint.rstrip().endswith(f"convert {tmp_path / 'raw'} -m FILE.yaml")
    named = shell("init", tmp_path / "raw", "-o", tmp_path / "two.yaml").err
    assert named.rstrip().endswith(f"-m {tmp_path / 'two.yaml'}")
