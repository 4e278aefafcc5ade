"""Parts are whole or not there, whatever happens while they are written."""

from __future__ import annotations

import errno
import random
import subprocess
import sys
import time
from pathlib import Path

import h5py
import made_runs as made
import parted_files as parted
import pytest

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.parting import join as joining
from miniscope_nwb.nwb.parting import recheck
from miniscope_nwb.nwb.parting.join import join_files
from miniscope_nwb.nwb.parting.split import split_file
from miniscope_nwb.nwb.processed.write import write_run

CHILD = """
import sys, time
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
paths = [Path(p) for p in sys.argv[2:]]
print("go", flush=True)
{"split": split.split_file, "join": join.join_files}[sys.argv[1]](*paths)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = parted.recording(tmp_path_factory.mktemp("recorded"))
    write_run(path, made.make_run(path, "first", series=parted.SCOPES[0]), corrected="none")
    return path


@pytest.fixture(scope="module")
def parts(whole, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    done = split_file(whole, folder / "r.nwb", folder / "p.nwb")
    return done.raw.path, done.processed.path


@pytest.fixture
def unread(monkeypatch):
    """Parts are not opened by pynwb when they are written, which takes half of the time.

    For tests of something else; the kills below let it happen.
    """
    monkeypatch.setattr(recheck, "_check_cells", lambda *_: None)


def kill_after(seconds: float, *arguments: object) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "go"
    time.sleep(seconds)
    process.kill()
    process.communicate()


def test_a_kill_at_any_moment_leaves_whole_parts_or_none(whole, parts, tmp_path):
    digest, before = whole.read_bytes(), [part.read_bytes() for part in parts]
    targets = [tmp_path / part.name for part in parts]
    rng = random.Random(7)
    for _ in range(3):
        kill_after(rng.uniform(0, 4), "split", whole, *targets)
        for target, expected in zip(targets, before, strict=True):
            assert not target.exists() or target.read_bytes() == expected
        assert whole.read_bytes() == digest
    split_file(whole, *targets)
    assert [target.read_bytes() for target in targets] == before
    videos = {f"r/{name}" for name in parted.files_below(parts[0].with_suffix(""))}
    assert parted.files_below(tmp_path) == {"r.nwb", "p.nwb", *videos}, "no leftovers"


def test_a_kill_while_joining_leaves_the_whole_file_or_none(whole, parts, tmp_path):
    output, rng = tmp_path / "j.nwb", random.Random(8)
    for _ in range(2):
        kill_after(rng.uniform(0, 3), "join", *parts, output)
        assert not output.exists() or parted.difference(whole, output) == ""
    join_files(*parts, output, overwrite=True)
    assert parted.difference(whole, output) == ""
    videos = {f"j/{name}" for name in parted.files_below(parts[0].with_suffix(""))}
    assert parted.files_below(tmp_path) == {"j.nwb", *videos}, "no leftovers"


@pytest.mark.parametrize("n_writes", [3, 60, 150])
@pytest.mark.usefixtures("unread")
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    whole, parts, tmp_path, monkeypatch, n_writes
):
    inner, count = CarefulFile._write, iter(range(10**6))

    def full(self, view):
        if next(count) > n_writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        inner(self, view)

    monkeypatch.setattr(CarefulFile, "_write", full)
    out = tmp_path / "out"
    with pytest.raises(OutputError, match="disk is full"):
        split_file(whole, out / "r.nwb", out / "p.nwb")
    assert not out.exists()
    count = iter(range(n_writes - 3, 10**6))
    with pytest.raises(OutputError, match="disk is full"):
        join_files(*parts, out / "j.nwb")
    assert not out.exists()


def test_what_is_not_whole_does_not_get_the_name(whole, parts, tmp_path, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setattr(joining.links, "tie_links", lambda *_: None)
    with pytest.raises(OutputError, match=r"not written completely \(.*timestamps is missing\)"):
        join_files(*parts, out / "j.nwb")
    assert not out.exists()
    monkeypatch.undo()

    def lose(path: Path, *rest: object) -> None:
        with h5py.File(path, "r+") as file:
            del file["acquisition/HeadOrientationHPC"]
        inner(path, *rest)

    inner = recheck.check_raw
    monkeypatch.setattr("miniscope_nwb.nwb.parting.split.check_raw", lose)
    with pytest.raises(OutputError, match=r"\(acquisition/HeadOrientationHPC is not as it was\)"):
        split_file(whole, out / "r.nwb", out / "p.nwb")
    assert not out.exists()


def test_cells_that_are_missing_are_counted_by_pynwb(whole, parts, tmp_path):
    """The runs' table says how many there should be, in the split file and in the joined one."""
    short = parted.copy_of(whole, tmp_path / "whole")
    raw, processed = (parted.copy_of(part, tmp_path / "parts") for part in parts)
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
def test_a_part_that_is_no_nwb_file_is_in_the_way(whole, tmp_path):
    for name in ("r.nwb", "p.nwb"):
        mine = tmp_path / name
        mine.write_bytes(b"mine")
        with pytest.raises(OutputError, match=rf"{name} exists: give --overwrite"):
            split_file(whole, tmp_path / "r.nwb", tmp_path / "p.nwb")
        assert parted.files_below(tmp_path) == {name}
        assert mine.read_bytes() == b"mine"
        mine.unlink()
    with pytest.raises(OutputError, match="is the file that is to be split"):
        split_file(whole, whole, tmp_path / "p.nwb")


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
