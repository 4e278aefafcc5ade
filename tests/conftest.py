"""What all tests share: where real recordings lie, if there are any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real recordings, or skip the test where there is none."""
    named = os.environ.get("MINISCOPE_NWB_TEST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not (folder / "qt").is_dir():
        pytest.skip(f"no real recordings at {folder}; set MINISCOPE_NWB_TEST_DATA to their folder")
    return folder
