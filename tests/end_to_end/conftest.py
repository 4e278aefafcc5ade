from __future__ import annotations

import pytest
from recordings import Shell


@pytest.fixture
def shell(capfd):
    return Shell(capfd)
