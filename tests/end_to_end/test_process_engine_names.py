"""Parameters under CaImAn's own names, in the commands: told before any work is done."""

from __future__ import annotations

import os

import pytest
from engines.stand_in import NAMES, make_stand_in
from processed_files import make_recording
from recordings import Shell

from miniscope_nwb.simulate.options import SimulateOptions

TINY = SimulateOptions(level="easy", width=88, height=72, frames=120, cells=3, cameras=0, seed=2)


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script with #!")
@pytest.mark.parametrize("also", [(), ("--dry-run",)])
def test_an_unknown_name_ends_it_at_once(shell: Shell, tmp_path, also):
    """The stand-in answers what it is asked, but would break down at the first stage."""
    path = make_recording(tmp_path, TINY)
    python = make_stand_in(tmp_path / "bin", NAMES)
    command = ("process", path, "--engine", "caiman", "--caiman-python", python, *also)
    done = shell(*command, "-p", "caiman.gsig=[3,3]")
    assert done.code == 1
    last = done.err.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert "CaImAn has no parameter 'gsig'; the nearest is 'gSig'" in last
    assert not list(tmp_path.glob(".*.scratch"))  # nothing was begun


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script with #!")
def test_a_known_name_is_foretold(shell: Shell, tmp_path):
    path = make_recording(tmp_path, TINY)
    python = make_stand_in(tmp_path / "bin", NAMES)
    command = ("process", path, "--engine", "caiman", "--caiman-python", python, "--dry-run")
    assert shell(*command, "-p", "caiman.gSig=[3,3]").code == 0
