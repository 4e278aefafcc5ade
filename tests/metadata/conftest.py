"""Small recordings made by hand: the metadata code needs no video."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from metadata_recordings import CAMERA, SCOPE, START

from miniscope_nwb.recording import Recording, Setting, StartTime


@pytest.fixture
def make_recording():
    base = Recording(
        format="v4",
        root=Path("m06") / "14_05_07",
        label="",
        software="Miniscope-DAQ-QT-Software",
        start=StartTime(START, "metaData.json (msecSinceEpoch)", is_assumed=False),
        devices=(SCOPE, CAMERA),
        settings=(
            Setting("", "animalName", "m06", "metaData.json"),
            Setting("Miniscope", "ewl", -12, "Miniscope/metaData.json"),
            Setting("Miniscope", "ROI.width", 608, "Miniscope/metaData.json"),
        ),
    )

    def make(**changes):
        return replace(base, **changes)

    return make


@pytest.fixture
def write_yaml(tmp_path):
    def write(text, name="session.yaml", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write
