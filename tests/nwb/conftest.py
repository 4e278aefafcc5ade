"""Plans that several modules write; recordings that several modules split and join, made once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent))


@pytest.fixture
def made(tmp_path):
    """The plan of a scope and a camera, whose raw files lie in a folder ``raw``."""
    from plans import Rig, colour_frames, grey_frames, make_plan

    (tmp_path / "raw").mkdir()
    rigs = (
        Rig("Scope", grey_frames(40)),
        Rig("Cam", colour_frames(12), "MJPG", is_camera=True),
    )
    return make_plan(tmp_path / "raw", rigs)


@pytest.fixture(scope="session")
def converted(tmp_path_factory) -> Path:
    """Two scopes and a camera, as they were recorded."""
    import parted_files as parted

    return parted.recording(tmp_path_factory.mktemp("converted"))


@pytest.fixture(scope="session")
def whole(converted, tmp_path_factory) -> Path:
    """With runs of every kind and a round by hand."""
    import made_runs as made
    import parted_files as parted

    path = parted.copy_of(converted, tmp_path_factory.mktemp("whole") / "sub-m07")
    with made.unchecked():
        parted.process(path)
    return path


@pytest.fixture(scope="session")
def parts(whole, tmp_path_factory) -> tuple[Path, Path]:
    """Both parts of it, as the command makes them."""
    import parted_files as parted

    from miniscope_nwb.cli.main import run

    folder = tmp_path_factory.mktemp("parts")
    assert run(["split", str(whole), "-o", str(folder), "--quiet"]) == 0
    return folder / "sub-m07" / parted.RAW, folder / "sub-m07" / parted.PROCESSED


@pytest.fixture(scope="session")
def small(converted, tmp_path_factory) -> Path:
    """With a single run and nothing of the corrected movie: what is quick to split."""
    import made_runs as made
    import parted_files as parted

    from miniscope_nwb.nwb.processed.write import write_run

    path = parted.copy_of(converted, tmp_path_factory.mktemp("small") / "sub-m07")
    with made.unchecked():
        write_run(path, made.make_run(path, "first", series=parted.SCOPES[0]), corrected="none")
    return path


@pytest.fixture(scope="session")
def small_parts(small, tmp_path_factory) -> tuple[Path, Path]:
    """Both parts of that."""
    import parted_files as parted

    from miniscope_nwb.nwb.parting.split import split_file

    folder = tmp_path_factory.mktemp("small_parts")
    done = split_file(small, folder / parted.RAW, folder / parted.PROCESSED)
    return done.raw.path, done.processed.path


@pytest.fixture
def unread(monkeypatch) -> None:
    """Let parts not be opened by pynwb when they are written, which takes half of the time.

    For tests of something else; several others let it happen, and one sees what it finds.
    """
    from miniscope_nwb.nwb.parting import recheck

    monkeypatch.setattr(recheck, "_check_cells", lambda *_: None)
