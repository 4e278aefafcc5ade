"""The chosen scratch folder: nothing is made of a slip, and nothing stays that was made."""

from __future__ import annotations

import numpy as np
import pytest
from nwb.foreign_files import write_foreign


@pytest.fixture
def foreign(tmp_path):
    frames = np.random.default_rng(1).normal(100, 4, (140, 48, 64)).round().astype(np.uint8)
    return write_foreign(tmp_path / "foreign.nwb", frames, rate=20.0)


@pytest.mark.parametrize("command", ["process", "plan"])
def test_a_slip_of_the_path_is_refused(shell, foreign, tmp_path, command):
    chosen = tmp_path / "nowhere" / "x"
    done = shell(command, foreign, "--engine", "builtin", "--scratch", chosen)
    assert done.code == 1
    assert f"{chosen} cannot be made for scratch: {chosen.parent} does not exist" in done.err
    assert [item.name for item in tmp_path.iterdir()] == [foreign.name]


def test_a_folder_that_was_made_goes_and_one_that_was_there_stays(shell, foreign, tmp_path):
    options = ("--engine", "builtin", "--corrected", "none", "--quiet", "--scratch")
    assert shell("process", foreign, *options, tmp_path / "new").code == 0
    assert [item.name for item in tmp_path.iterdir()] == [foreign.name]
    there = tmp_path / "there"
    there.mkdir()
    assert shell("process", foreign, "--force", *options, there).code == 0
    assert list(there.iterdir()) == []
