"""A recording, and the same with a run of every kind: made once for all that is told of them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "nwb"))
sys.path.append(str(Path(__file__).resolve().parent))


@pytest.fixture(scope="session")
def converted(tmp_path_factory) -> Path:
    import made_runs as made
    import plans

    from miniscope_nwb.nwb.io import write_plan

    folder = tmp_path_factory.mktemp("converted")
    frames = plans.grey_frames(made.N, shape=(made.HEIGHT, made.WIDTH))
    plan = plans.make_plan(folder / "raw", (plans.Rig("HPC", frames, per_file=100),)).plan
    return write_plan(plan, folder / "x.nwb").path


@pytest.fixture(scope="session")
def processed(converted, tmp_path_factory) -> Path:
    import made_runs as made
    from told_runs import add_runs

    path = tmp_path_factory.mktemp("processed") / "x.nwb"
    shutil.copyfile(converted, path)
    with made.unchecked():
        add_runs(path)
    return path
