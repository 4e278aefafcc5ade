"""Killed at any moment, or on a failing disk, what stands under the name of a file is whole."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from plans import with_options
from safe_writing import assert_nothing_left, assert_whole

from miniscope_nwb.nwb.io import write_plan

HERE = Path(__file__).parent

CHILD = """
import resource, sys
sys.path.insert(0, {here!r})
from pathlib import Path
from plans import Rig, colour_frames, grey_frames, make_plan
from miniscope_nwb.nwb import target
from miniscope_nwb.nwb.io import write_plan
root = Path({root!r})
rigs = (Rig("Scope", grey_frames(40)), Rig("Cam", colour_frames(12), "MJPG", is_camera=True))
made = make_plan(root, rigs, overwrite={overwrite})
print("ready", flush=True)
{body}
"""


def child(root: Path, body: str, *, overwrite: bool = False) -> list[str]:
    code = CHILD.format(here=str(HERE), root=str(root), overwrite=overwrite, body=body)
    return [sys.executable, "-c", code]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("limit", [20_000, 150_000, 400_000])
def test_a_file_size_limit_is_one_sentence(tmp_path, limit):
    """The nearest to a full disk that needs no disk: writes beyond the limit fail."""
    (tmp_path / "raw").mkdir()
    body = (
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))\n"
        "from miniscope_nwb.errors import OutputError\n"
        "try:\n"
        f"    write_plan(made.plan, Path({str(tmp_path / 'x.nwb')!r}))\n"
        "except OutputError as error:\n"
        "    print('said:', error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
    )
    done = subprocess.run(
        child(tmp_path / "raw", body), capture_output=True, text=True, timeout=120, check=False
    )
    assert "said:" in done.stdout, done.stderr
    assert "larger than this file system allows" in done.stdout
    assert "h5py" not in done.stderr
    assert_nothing_left(tmp_path)


def slowly(output: Path) -> str:
    """Write so that a kill meets every phase: frames, close, check, rename."""
    return (
        "import time\n"
        "from miniscope_nwb.nwb import io, recheck\n"
        "def slow(function):\n"
        "    def wrapped(*a, **k):\n"
        "        time.sleep(0.04)\n"
        "        return function(*a, **k)\n"
        "    return wrapped\n"
        "io.ChunkWriter._write = slow(io.ChunkWriter._write)\n"
        "io.place_video = slow(io.place_video)\n"
        "io.CarefulFile.sync = slow(io.CarefulFile.sync)\n"
        "io.CarefulFile.check = slow(io.CarefulFile.check)\n"
        "io.check_space = slow(io.check_space)\n"
        "recheck.recheck = slow(recheck.recheck)\n"
        "print('go', flush=True)\n"
        f"write_plan(made.plan, Path({str(output)!r}), threads=1)\n"
        "print('done', flush=True)\n"
    )


@pytest.mark.parametrize("overwrite", [False, True])
def test_kill_at_any_moment_leaves_no_file_or_a_whole_one(made, tmp_path, overwrite):
    output = tmp_path / "x.nwb"
    if overwrite:
        write_plan(made.plan, output)
        before = output.read_bytes()
    rng = random.Random(11 + overwrite)
    for attempt in range(4):
        root = tmp_path / f"raw{attempt}"
        root.mkdir()
        process = subprocess.Popen(
            child(root, slowly(output), overwrite=overwrite), stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        while process.stdout.readline().strip() != "go":
            assert process.poll() is None
        time.sleep(rng.uniform(0.0, 2.5))
        process.kill()
        process.communicate()
        if output.exists():
            assert_whole(output, made.rigs[0].frames)
            if not overwrite:
                output.unlink()
        else:
            assert not overwrite, "the old file stays until the new one is complete"
    plan = with_options(made, overwrite=True)
    write_plan(plan, output)
    assert_whole(output, made.rigs[0].frames)
    assert overwrite is False or output.read_bytes() != before
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith("raw")) == [
        "x",
        "x.nwb",
    ]
    assert len(list((tmp_path / "x").iterdir())) == 2, "orphans of killed runs are gone"


def test_a_failing_disk_does_not_fail_in_hdf5s_hands(tmp_path, monkeypatch):
    """After an error HDF5 still reads what it wrote, and closes; the error waits for us."""
    import h5py

    from miniscope_nwb.nwb.careful_file import CarefulFile

    with CarefulFile(tmp_path / "x.h5") as disk:
        with h5py.File(disk, "w") as file:
            file["before"] = np.arange(1000)
            file.flush()
            disk.check()
            n_written = (tmp_path / "x.h5").stat().st_size
            full = OSError(errno.ENOSPC, "No space left on device")
            monkeypatch.setattr(disk, "_write", lambda view: (_ for _ in ()).throw(full))
            data = np.arange(100_000)
            file["after"] = data
            file.flush()
            np.testing.assert_array_equal(file["after"][:], data)
            np.testing.assert_array_equal(file["before"][:], np.arange(1000))
        assert (tmp_path / "x.h5").stat().st_size == n_written
        for call in (disk.check, disk.sync):
            with pytest.raises(OSError, match="No space left"):
                call()


def test_a_careful_file_is_an_ordinary_file(tmp_path):
    from miniscope_nwb.nwb.careful_file import CarefulFile

    with CarefulFile(tmp_path / "x") as disk:
        assert disk.write(b"0123456789") == 10
        assert disk.seek(-3, os.SEEK_END) == 7
        assert disk.read(5) == b"789\0\0", "zeros beyond the end"
        assert disk.tell() == 12
        assert disk.seek(2) == 2
        disk.write(np.array([65, 66], np.uint8))
        assert disk.seek(-1, os.SEEK_CUR) == 3
        assert disk.truncate(6) == 6
        disk.sync()
    assert (tmp_path / "x").read_bytes() == b"01AB45"
    with pytest.raises(FileExistsError):
        CarefulFile(tmp_path / "x")
