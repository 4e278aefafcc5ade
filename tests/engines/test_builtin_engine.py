"""Our own engine keeps the contract of engines."""

from __future__ import annotations

import pytest

from miniscope_nwb.engines.builtin import BuiltinEngine
from miniscope_nwb.testing.engine_suite import EngineContract


class TestBuiltin(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self):
        return BuiltinEngine()
