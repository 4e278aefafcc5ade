"""Where the real CaImAn is, if it is anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from miniscope_nwb.engines.caiman.find import VARIABLE, find_caiman


@pytest.fixture(scope="session")
def caiman_python() -> Path:
    """Return the interpreter with the real CaImAn, or skip the test where there is none."""
    place = find_caiman()
    if place.reason:
        named = os.environ.get(VARIABLE)
        pytest.skip(f"the real CaImAn: {place.reason}" if named else f"no CaImAn; set {VARIABLE}")
    return place.interpreter
