"""Two processes are never inside one lock, whenever they come and go; and nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb import lock
from miniscope_nwb.nwb.target import locked

N_PROCESSES, N_TIMES = 3, 150
# Goes in and out; the file `inside` cannot be made by two that are inside together.
VISITOR = """
import os, sys
from pathlib import Path
from miniscope_nwb.nwb.lock import sole
place, inside, left = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
while left:
    try:
        with sole(place):
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            inside.unlink()
            left -= 1
    except BlockingIOError:
        pass
"""


def test_processes_that_contend_exclude_each_other(tmp_path):
    place = tmp_path / "x.lock"
    command = [sys.executable, "-c", VISITOR, str(place), str(tmp_path / "inside"), str(N_TIMES)]
    visitors = [
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(N_PROCESSES)
    ]
    errors = [visitor.communicate(timeout=120)[1] for visitor in visitors]
    assert errors == [""] * N_PROCESSES
    assert list(tmp_path.iterdir()) == []


def test_who_is_inside_keeps_others_out(tmp_path):
    place = tmp_path / "x.lock"
    with lock.sole(place), pytest.raises(BlockingIOError), lock.sole(place):
        pass
    assert not place.exists()
    with lock.sole(place):
        assert place.exists()


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be removed there")
def test_a_lock_on_a_file_that_was_removed_is_none(tmp_path):
    from filelock import FileLock

    place = tmp_path / "x.lock"
    held = FileLock(place)
    held.acquire()
    assert lock._is_in_place(held, place)
    place.unlink()
    assert not lock._is_in_place(held, place)
    place.touch()  # another process's
    assert not lock._is_in_place(held, place)
    held.release()


def test_the_lock_of_an_output_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    output = tmp_path / "a.nwb"
    with locked(output):
        assert len(list((tmp_path / "temporary").iterdir())) == 1
        with pytest.raises(OutputError, match="being written by another"), locked(output):
            pass
    assert list((tmp_path / "temporary").iterdir()) == []
