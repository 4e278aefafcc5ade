"""Parts are whole or not there, whatever happens while they are written."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import h5py
import parted_files as parted
import pytest

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.parting import join as joining
from miniscope_nwb.nwb.parting import recheck
from miniscope_nwb.nwb.parting.join import join_files
from miniscope_nwb.nwb.parting.split import split_file

PARENT = """
import json, os, sys, time
from pathlib import Path
from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.parting import graft, join, recheck, split, videos
from miniscope_nwb.nwb import target
graft._LARGE_BYTES = 0
def slow(holder, name, seconds=0.05):
    inner = getattr(holder, name)
    def wrapped(*a, **k):
        time.sleep(seconds)
        return inner(*a, **k)
    setattr(holder, name, wrapped)
slow(CarefulFile, "sync"); slow(CarefulFile, "check", 0.02); slow(CarefulFile, "__exit__")
slow(videos, "place_video"); slow(recheck, "_check_cells"); slow(target, "sync_folder")
slow(target.Target, "publish"); slow(split, "copy_object", 0.02); slow(join, "_copy_raw")
works = {"split": split.split_file, "join": join.join_files}
import pynwb  # before the forks
for line in sys.stdin:
    what, *paths = json.loads(line)
    child = os.fork()
    if not child:
        works[what](*map(Path, paths))
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("over", flush=True)
"""


@pytest.fixture(scope="module")
def slow_parent():
    """Start what forks a process for each split or join: it imports only once."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.stdin.close()
    assert process.wait(timeout=60) == 0


@pytest.fixture
def kill_after(slow_parent):
    def kill(seconds: float, *arguments: object) -> None:
        slow_parent.stdin.write(json.dumps([str(item) for item in arguments]) + "\n")
        slow_parent.stdin.flush()
        child = int(slow_parent.stdout.readline())
        time.sleep(seconds)
        with suppress(ProcessLookupError):  # it is done already
            os.kill(child, signal.SIGKILL)
        assert slow_parent.stdout.readline() == "over\n"

    return kill


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_kill_at_any_moment_leaves_whole_parts_or_none(kill_after, small, small_parts, tmp_path):
    digest, before = small.read_bytes(), [part.read_bytes() for part in small_parts]
    targets = [tmp_path / part.name for part in small_parts]
    rng = random.Random(7)
    for _ in range(3):
        kill_after(rng.uniform(0, 4), "split", small, *targets)
        for target, expected in zip(targets, before, strict=True):
            assert not target.exists() or target.read_bytes() == expected
        assert small.read_bytes() == digest
    split_file(small, *targets)
    assert [target.read_bytes() for target in targets] == before
    assert parted.files_below(tmp_path) == parted.files_below(small_parts[0].parent), "leftovers"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_kill_while_joining_leaves_the_whole_file_or_none(
    kill_after, small, small_parts, tmp_path
):
    output, rng = tmp_path / "j.nwb", random.Random(8)
    for _ in range(2):
        kill_after(rng.uniform(0, 3), "join", *small_parts, output)
        assert not output.exists() or parted.difference(small, output) == ""
    join_files(*small_parts, output, overwrite=True)
    assert parted.difference(small, output) == ""
    videos = {f"j/{name}" for name in parted.files_below(small_parts[0].with_suffix(""))}
    assert parted.files_below(tmp_path) == {"j.nwb", *videos}, "no leftovers"


@pytest.mark.parametrize("n_writes", [3, 60, 150])
@pytest.mark.usefixtures("unread")
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    small, small_parts, tmp_path, monkeypatch, n_writes
):
    inner, count = CarefulFile._write, iter(range(10**6))

    def full(self, view):
        if next(count) > n_writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        inner(self, view)

    monkeypatch.setattr(CarefulFile, "_write", full)
    out = tmp_path / "out"
    with pytest.raises(OutputError, match="disk is full"):
        split_file(small, out / "r.nwb", out / "p.nwb")
    assert not out.exists()
    count = iter(range(n_writes - 3, 10**6))
    with pytest.raises(OutputError, match="disk is full"):
        join_files(*small_parts, out / "j.nwb")
    assert not out.exists()


def test_what_is_not_whole_does_not_get_the_name(small, small_parts, tmp_path, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setattr(joining.links, "tie_links", lambda *_: None)
    with pytest.raises(OutputError, match=r"not written completely \(.*timestamps is missing\)"):
        join_files(*small_parts, out / "j.nwb")
    assert not out.exists()
    monkeypatch.undo()

    def lose(path: Path, *rest: object) -> None:
        with h5py.File(path, "r+") as file:
            del file["acquisition/HeadOrientationHPC"]
        inner(path, *rest)

    inner = recheck.check_raw
    monkeypatch.setattr("miniscope_nwb.nwb.parting.split.check_raw", lose)
    with pytest.raises(OutputError, match=r"\(acquisition/HeadOrientationHPC is not as it was\)"):
        split_file(small, out / "r.nwb", out / "p.nwb")
    assert not out.exists()


def test_cells_that_are_missing_are_counted_by_pynwb(small, small_parts, tmp_path):
    """The runs' table says how many there should be, in the split file and in the joined one."""
    short = parted.copy_of(small, tmp_path / "whole")
    raw, processed = (parted.copy_of(part, tmp_path / "parts") for part in small_parts)
    for path in (short, processed):
        with h5py.File(path, "r+") as file:
            file["processing/ophys/ProcessingRuns/n_components"][0] += 1
    out = tmp_path / "out"
    with pytest.raises(OutputError, match=r"\(PlaneSegmentation has 2 of 3 cells\)"):
        split_file(short, out / "r.nwb", out / "p.nwb")
    with pytest.raises(OutputError, match=r"\(PlaneSegmentation has 2 of 3 cells\)"):
        join_files(raw, processed, out / "j.nwb")
    assert not out.exists()


@pytest.mark.usefixtures("unread")
def test_a_part_that_is_no_nwb_file_is_in_the_way(small, tmp_path):
    for name in ("r.nwb", "p.nwb"):
        mine = tmp_path / name
        mine.write_bytes(b"mine")
        with pytest.raises(OutputError, match=rf"{name} exists .* give --overwrite .* folder"):
            split_file(small, tmp_path / "r.nwb", tmp_path / "p.nwb")
        assert parted.files_below(tmp_path) == {name}
        assert mine.read_bytes() == b"mine"
        mine.unlink()
    with pytest.raises(OutputError, match="is the file that is to be split"):
        split_file(small, small, tmp_path / "p.nwb")


MEMORY = """
import re, sys
from pathlib import Path
from miniscope_nwb.nwb.parting.join import join_files
from miniscope_nwb.nwb.parting.split import split_file
whole, folder = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(2):  # the second time both parts are there and are compared
    done = split_file(whole, folder / "r.nwb", folder / "p.nwb")
join_files(done.raw.path, done.processed.path, folder / "j.nwb")
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(done.raw.state, done.processed.state, peak)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the system counts otherwise")
def test_a_gigabyte_takes_little_memory(tmp_path):
    sys.path.insert(0, str(Path(__file__).parents[1] / "reading"))
    from long_recording import write_long

    write_long(tmp_path / "w.nwb", n_frames=3300, height=600, width=608, n_cells=300)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path / "w.nwb", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    raw, processed, kilobytes = done.stdout.split()
    assert (raw, processed) == ("unchanged", "unchanged")
    assert int(kilobytes) < 250_000
    assert parted.difference(tmp_path / "w.nwb", tmp_path / "j.nwb") == ""
