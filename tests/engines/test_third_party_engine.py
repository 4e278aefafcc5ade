"""Engines of other packages: found by their entry points, held by the same contract."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from miniscope_nwb.engines.registry import BUILT_IN, GROUP, engines, find_engine
from miniscope_nwb.entry_points import BrokenPluginWarning
from miniscope_nwb.errors import EngineError
from miniscope_nwb.testing.engine_suite import EngineContract

PACKAGE = Path(__file__).parents[1] / "third_party_engine"


@pytest.fixture(scope="module", autouse=True)
def on_path():
    sys.path.insert(0, str(PACKAGE))
    yield
    sys.path.remove(str(PACKAGE))
    sys.modules.pop("toy_engine", None)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that makes entry points known, as pip would, without a network."""

    def install(entries):
        info = tmp_path / "site" / "toy_engine-0.1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-engine\nVersion: 0.1.0\n")
        lines = [f"[{GROUP}]", *(f"{key} = {value}" for key, value in entries.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(str(tmp_path / "site"))

    return install


class TestToyEngine(EngineContract):
    # A parabola through three points of a correlation is biased by about so much.
    max_shift_error_px = 0.5

    @pytest.fixture(scope="class")
    def engine(self):
        from toy_engine import ToyEngine

        return ToyEngine()


def test_found_by_its_entry_point(install):
    entries = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]["entry-points"]
    install(entries[GROUP])
    assert find_engine("toy").summary == "peaks of the deviation image"
    assert list(engines())[:2] == list(BUILT_IN)


def test_broken_one_is_a_warning(install):
    install({"broken": "toy_engine:Nothing", "builtin": "toy_engine:ToyEngine"})
    with pytest.warns(BrokenPluginWarning) as caught:
        found = engines()
    assert list(found) == list(BUILT_IN)
    assert "The engine 'broken' (toy_engine:Nothing) is left out" in str(caught[0].message)
    assert "'builtin'" in str(caught[1].message)


def test_unknown_engine():
    with pytest.raises(EngineError, match="no engine called 'minian'; installed are builtin, cai"):
        find_engine("minian")
