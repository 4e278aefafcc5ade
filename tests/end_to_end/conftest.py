from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from builders.v3 import make_v3
from builders.v4 import make_v4
from processed_files import copy_of, made_once, make_recording
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


@pytest.fixture(scope="session")
def recording(tmp_path_factory) -> Path:
    """A converted recording, to be copied."""
    return made_once(tmp_path_factory, "small", make_recording) / "recording.nwb"


@pytest.fixture(scope="session")
def processed(recording, tmp_path_factory):
    """The recording, processed once with all defaults, to be copied; and what was answered."""
    from miniscope_nwb.params.load import load_parameters
    from miniscope_nwb.pipeline.options import ProcessOptions
    from miniscope_nwb.pipeline.process import process

    def make(folder: Path) -> None:
        options = ProcessOptions(engine="builtin", parameters=load_parameters())
        answer = process(copy_of(recording, folder), options)
        (folder.parent / "processed.answer").write_bytes(pickle.dumps(answer))

    folder = made_once(tmp_path_factory, "processed", make)
    answer = pickle.loads((folder.parent / "processed.answer").read_bytes())
    return folder / "recording.nwb", answer


@pytest.fixture
def path(recording, tmp_path):
    """A converted recording of the test's own."""
    return copy_of(recording, tmp_path)


@pytest.fixture
def done(processed, tmp_path):
    """A processed file of the test's own."""
    return copy_of(processed[0], tmp_path, "done.nwb")
