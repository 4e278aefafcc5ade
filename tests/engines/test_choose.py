"""Which engine runs, and why: asked for, found and fitting, or the one that is always there."""

from __future__ import annotations

import pytest
from engines.stand_in import make_stand_in

from miniscope_nwb.engines.base import Task
from miniscope_nwb.engines.caiman.find import VARIABLE
from miniscope_nwb.engines.choose import Limits, choose_engine
from miniscope_nwb.errors import EngineError

TASK = Task(n_frames=1000, height=200, width=280, itemsize=1, n_cells=100, n_threads=2)
PLENTY = Limits(memory_bytes=1 << 40, scratch_bytes=1 << 40)


@pytest.fixture
def caiman(tmp_path, monkeypatch):
    """Return an interpreter that says it has CaImAn."""
    monkeypatch.delenv(VARIABLE, raising=False)
    return make_stand_in(tmp_path, "")


def test_auto_takes_caiman_where_it_fits(caiman):
    choice = choose_engine("auto", TASK, PLENTY, caiman_python=caiman)
    assert choice.engine.name == "caiman"
    assert choice.reason.startswith("CaImAn 1.12.1 is installed and fits (")
    assert choice.prediction.peak_memory_bytes > 0


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(1 << 30, 1 << 40), "B of memory where 1.07 GB may be used"),
        (Limits(1 << 40, 1 << 20), "B of scratch disk where 1.05 MB are free"),
    ],
)
def test_auto_falls_back_where_it_does_not_fit(caiman, limits, why):
    choice = choose_engine("auto", TASK, limits, caiman_python=caiman)
    assert choice.engine.name == "builtin"
    assert why in choice.reason


def test_auto_without_caiman(monkeypatch, tmp_path):
    absent = make_stand_in(tmp_path, "", answer='{"state": "absent", "version": "", "python": "3"}')
    monkeypatch.setenv(VARIABLE, str(absent))
    choice = choose_engine("auto", TASK, PLENTY)
    assert choice.engine.name == "builtin"
    assert choice.reason == "CaImAn is not installed"  # stored: no path, no advice
    with pytest.raises(EngineError, match="conda-forge, not from PyPI"):
        choose_engine("caiman", TASK, PLENTY)
    with pytest.raises(EngineError, match="is not installed"):  # naming it is asking for it
        choose_engine("auto", TASK, PLENTY, caiman_python=absent)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            '{"state": "unrelated", "version": "0.1", "python": "3"}',
            "the package `caiman` that is installed is not CaImAn",
        ),
        (
            '{"state": "found", "version": "1.8.5", "python": "3"}',
            "CaImAn 1.8.5 is too old, 1.12 or later is needed",
        ),
        ("Hello!", f"the interpreter that {VARIABLE} names does not answer"),
        (None, f"{VARIABLE} names no file"),
    ],
)
def test_the_reason_is_a_short_clause(monkeypatch, tmp_path, answer, reason):
    python = make_stand_in(tmp_path, "", answer=answer) if answer else tmp_path / "gone"
    monkeypatch.setenv(VARIABLE, str(python))
    choice = choose_engine("auto", TASK, PLENTY)
    assert choice.engine.name == "builtin"
    assert choice.reason == reason


def test_asked_for(caiman):
    assert choose_engine("caiman", TASK, PLENTY, caiman_python=caiman).reason == "asked for"
    assert choose_engine("builtin", TASK, Limits(0, 0)).engine.name == "builtin"
    with pytest.raises(EngineError, match="no engine called 'suite2p'"):
        choose_engine("suite2p", TASK, PLENTY)
