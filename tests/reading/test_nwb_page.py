"""The page on the NWB file: it names everything that is written, and its example runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import h5py
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "nwb"))
import made_runs as made

from miniscope_nwb.nwb.processed.write import write_run

PAGE = (Path(__file__).parents[2] / "docs" / "nwb_file.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    found = made.raw_file(tmp_path_factory.mktemp("page") / "recording.nwb")
    run = made.make_run(found, n_blocks=(2, 2), with_engine=True)
    write_run(found, run, movie=made.corrected_movie())
    return found


def test_every_object_and_column_is_named(path):
    named = set(re.findall(r"[A-Za-z_0-9]+", " ".join(re.findall(r"`([^`]+)`", PAGE))))
    named |= {"crop_x1", "crop_y0"}  # of "`crop_x0` to `crop_y1`"
    free = {"n_parts", "cnn", "builtin_score", "run", "roi"}  # metrics say themselves what they are
    missing = set()

    def note(name, node):
        parts = set(name.split("/"))
        if "object_id" in node.attrs and node.attrs["neurodata_type"] != "ElementIdentifiers":
            missing.update(parts - named - free)

    with h5py.File(path) as file:
        file["processing/ophys"].visititems(note)
        file["events"].visititems(note)
    assert not missing - {"rois"}


def test_the_example_runs(path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(path.parent)
    found: dict = {}
    exec(compile(code, "nwb_file.md", "exec"), found)
    assert found["activity"].shape == (1, made.N)
    assert found["outlines"].shape == (1, made.HEIGHT, made.WIDTH)
    assert found["corrected"].shape == (10, made.HEIGHT, made.WIDTH)
