"""Which run a request is: done, new beside others, or replacing one."""

from __future__ import annotations

import pytest

from miniscope_nwb.errors import OutputError, ParameterError
from miniscope_nwb.pipeline.identity import Decision, Identity, StoredRun, decide


def Run(name, parameter_hash="p", engine="builtin", engine_version="1"):
    return StoredRun(name, "i", parameter_hash, engine, engine_version)


THIS = Identity("i", "p", "builtin", "1")


def test_first_run():
    assert decide(THIS, [], name=None, force=False) == Decision("run1", False, False)
    assert decide(THIS, [], name="tuned", force=False) == Decision("tuned", False, False)


@pytest.mark.parametrize("name", [None, "day1"])
def test_same_run_again_is_done(name):
    assert decide(THIS, [Run("day1")], name=name, force=False) == Decision("day1", True, False)


@pytest.mark.parametrize(
    "other", [{"parameter_hash": "q"}, {"engine": "caiman"}, {"engine_version": "2"}]
)
def test_other_parameters_engine_or_version_stand_beside(other):
    runs = [Run("run1", **other)]
    assert decide(THIS, runs, name=None, force=False) == Decision("run2", False, False)


def test_same_parameters_under_a_second_name_are_refused_naming_the_first():
    with pytest.raises(OutputError, match="'day1' was made with the same"):
        decide(THIS, [Run("day1")], name="day2", force=False)
    with pytest.raises(OutputError, match="'day1' was made with the same"):
        decide(THIS, [Run("day1"), Run("day2", "q")], name="day2", force=True)
    with pytest.raises(OutputError, match="to compute 'day2' again, give its parameters again"):
        decide(THIS, [Run("day1"), Run("day2", "q")], name="day2", force=True)


def test_the_same_frames_under_another_name_of_a_series_are_another_run():
    here = Identity("i", "p", "builtin", "1", series="Movie")
    there = StoredRun("run1", "i", "p", "builtin", "1", series="Copy")
    assert decide(here, [there], name=None, force=False) == Decision("run2", False, False)


def test_a_name_that_is_taken_needs_force():
    runs = [Run("day1", "q"), Run("day2", "r")]
    with pytest.raises(OutputError, match="--force"):
        decide(THIS, runs, name="day1", force=False)
    assert decide(THIS, runs, name="day1", force=True) == Decision("day1", False, True)


def test_force_replaces_only_the_same_run():
    runs = [Run("run1", "q"), Run("run2")]
    assert decide(THIS, runs, name=None, force=True) == Decision("run2", False, True)
    assert decide(THIS, [Run("run1", "q")], name=None, force=True) == Decision("run2", False, False)


@pytest.mark.parametrize("name", ["", "a/b", "a b", ".x", "x" * 65, "ä"])
def test_names_that_no_object_can_have(name):
    with pytest.raises(ParameterError, match="cannot name a run"):
        decide(THIS, [], name=name, force=False)
