from __future__ import annotations

import pytest
from builders.v3 import make_v3
from builders.v4 import make_v4
from recordings import Shell
from v3_recordings import V3_FOLDER

COMPLETE = """\
subject: {subject_id: "007", species: Mus musculus, sex: F, age: P90D}
imaging:
  indicator: GCaMP6f
  excitation_wavelength_nm: 470
  emission_wavelength_nm: 525
  location: CA1
  pixel_size_um: 1.64
session: {experimenter: "Doe, Jane", experiment_description: Open field., keywords: [mouse]}
"""


@pytest.fixture
def shell(capfd):
    return Shell(capfd)


@pytest.fixture
def complete(tmp_path):
    path = tmp_path / "complete.yaml"
    path.write_text(COMPLETE, encoding="utf-8")
    return path


@pytest.fixture
def session(tmp_path):
    """A V4 session of 35 frames in files of 10, 10, 10 and 5."""
    folder = tmp_path / "raw" / "2026_03_02" / "14_05_07"
    return make_v4(folder, n_frames=35)


@pytest.fixture
def v3(tmp_path):
    """A V3 recording of 25 frames in files of 10, and a camera."""
    return make_v3(tmp_path.joinpath("raw", *V3_FOLDER))
