"""The scratch folder and the lock of a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import namedtuple

import pytest

from miniscope_nwb.errors import OutputError
from miniscope_nwb.pipeline import scratch

HOLDER = """
import sys, time
from pathlib import Path
from miniscope_nwb.pipeline.scratch import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_folder_is_hidden_beside_the_file_or_below_a_chosen_one(tmp_path):
    path = tmp_path / "data" / "sub-a_ses-1_ophys.nwb"
    assert scratch.scratch_folder(path, None) == path.with_name(".sub-a_ses-1_ophys.scratch")
    chosen = scratch.scratch_folder(path, tmp_path / "fast")
    assert chosen.parent == tmp_path / "fast"
    other = scratch.scratch_folder(tmp_path / "other" / path.name, tmp_path / "fast")
    assert other != chosen


def test_lock_keeps_others_out_and_leaves_nothing(tmp_path):
    path = tmp_path / "a.nwb"
    with (
        scratch.locked(path),
        pytest.raises(OutputError, match=r"a\.nwb is being processed"),
        scratch.locked(path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
    with scratch.locked(path):
        pass


def test_lock_of_a_killed_process_is_free(tmp_path):
    path = tmp_path / "a.nwb"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(OutputError, match="another miniscope-nwb"), scratch.locked(path):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with scratch.locked(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_space_is_checked_where_the_folder_will_be(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(scratch.shutil, "disk_usage", lambda _: usage(0, 0, 100_000_000))
    scratch.check_space(tmp_path / "not" / "yet", 1_000_000, what="the work")
    with pytest.raises(OutputError, match=r"100 MB free, and the work may need 264 MB"):
        scratch.check_space(tmp_path / "not" / "yet", 200_000_000, what="the work")
