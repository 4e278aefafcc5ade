from __future__ import annotations

import pytest
from recordings import Shell

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
