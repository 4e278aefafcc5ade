"""Opponents are run, measured and judged; whatever happens to them is a row."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import benchmarks.opponents
from benchmarks import movies
from benchmarks.opponents import run
from benchmarks.opponents.run import Opponent, load_result, run_opponent
from benchmarks.opponents.settings import caiman_grid, caiman_parameters, minian_parameters
from benchmarks.opponents.watch import Limits, last_words, watch
from benchmarks.rows import DONE, NOTHING

WORKERS = Path(benchmarks.opponents.__file__).parent
SMALL = {"width": 60, "height": 48, "frames": 200, "seed": 3}


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    return movies.simulated(tmp_path_factory.mktemp("movies"), level="easy", cells=4, **SMALL)


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setenv("STAND_IN_SAVED", str(WORKERS))
    worker = Path(__file__).with_name("stand_in_worker.py")
    monkeypatch.setitem(run.OPPONENTS, "stand-in", Opponent(worker, "numpy", lambda _: {}, {}))


def go(movie, tmp_path, limits=None, **how):
    how = {"truth": str(movie.folder / "truth.npz"), **how}
    limits = limits or Limits()
    return run_opponent("stand-in", movie, how, limits, sys.executable, work=tmp_path)


def test_a_result_is_measured_and_judged(stand_in, movie, tmp_path):
    row = go(movie, tmp_path, megabytes=300, cpu_s=0.6, sleep_s=0.6)
    assert (row.outcome, row.movie, row.n_frames) == (DONE, movie.name, 200)
    assert row.version == np.__version__
    assert row.figures["f1"] == 1
    assert row.figures["shift_px"] == 0
    assert row.wall_s > 1.2
    assert 0.5 < row.cpu_s < row.wall_s + 1
    assert 3e8 < row.peak_memory_bytes < 6e8
    assert row.peak_scratch_bytes >= 200_000
    # the worker saw the frames that we see
    assert row.seconds["mean"] == pytest.approx(movie.frames().mean())
    assert not list(tmp_path.iterdir())


def test_the_words_of_a_failure_are_kept(stand_in, movie, tmp_path):
    row = go(movie, tmp_path, fail="too dark")
    assert row.outcome == "ValueError: no good: .../x, too dark"
    assert row.figures == {}


def test_memory_and_time_are_limited(stand_in, movie, tmp_path):
    small = go(movie, tmp_path, Limits(memory_bytes=2**28), megabytes=500, sleep_s=30)
    assert small.outcome == "out of memory: more than 0.25 GiB"
    short = go(movie, tmp_path, Limits(seconds=1.2), sleep_s=30)
    assert short.outcome == "out of time: more than 0.02 minutes"
    assert short.wall_s < 15


def test_what_others_take_meanwhile_is_told(tmp_path):
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        command = [sys.executable, "-c", "import time; time.sleep(1)"]
        took = watch(command, folder=tmp_path, scratch=tmp_path, limits=Limits())
    finally:
        busy.kill()
        busy.wait()
    assert took.others_cores > 0.3


def test_nothing_found_is_told(stand_in, movie, tmp_path):
    assert go(movie, tmp_path, nothing=True).outcome == NOTHING
    assert go(movie, tmp_path, quiet=True).outcome == "ended without a result"


def test_a_result_that_cannot_be_judged_is_a_row(stand_in, movie, tmp_path):
    row = go(movie, tmp_path, nan=True)
    assert row.outcome.startswith("its result cannot be judged: ")
    assert row.figures == {}
    assert row.wall_s > 0


def test_the_result_is_kept_where_asked(stand_in, movie, tmp_path):
    keep = tmp_path / "kept" / "result.npz"
    how = {"truth": str(movie.folder / "truth.npz")}
    run_opponent("stand-in", movie, how, Limits(), sys.executable, keep=keep)
    found, truth = load_result(keep), movie.truth().cells
    assert abs(found.footprints - truth.footprints).sum() == 0
    assert found.blocks is None


def test_an_interpreter_without_the_opponent_is_refused(monkeypatch, movie):
    nobody = Opponent(Path("x.py"), "no-such-package", lambda _: {}, {})
    monkeypatch.setitem(run.OPPONENTS, "nobody", nobody)
    with pytest.raises(SystemExit, match="has no no-such-package"):
        run_opponent("nobody", movie, {}, Limits(), sys.executable)


def test_last_words():
    text = "Traceback\n  File x\ncv2.error: (-215) bad\nMemoryError: 7 GiB\nnanny: closing\n"
    assert last_words(text) == "MemoryError: 7 GiB"
    assert last_words("one\ntwo\n") == "two"
    assert last_words("") == ""


def test_settings_follow_the_cells(movie):
    known = caiman_parameters(movie)
    assert (known["gSig"], known["gSiz"]) == ([3, 3], [13, 13])
    assert caiman_parameters(replace(movie, cell_diameter_px=13.0))["gSig"] == [6, 6]
    assert caiman_parameters(replace(movie, is_bending=True))["pw_rigid"]
    assert minian_parameters(movie)["denoise"]["ksize"] % 2 == 1
    for made in (known, minian_parameters(movie)):
        assert json.loads(json.dumps(made))


def test_the_grid_changes_parameters_that_there_are(movie):
    points = caiman_grid(movie)
    assert 2 <= len(points) <= 6
    assert points[0]["changes"] == {}
    assert len({point["name"] for point in points}) == len(points)
    for point in points:
        assert point["changes"].keys() <= caiman_parameters(movie).keys()


def test_wider_cells_are_wider_than_those_of_the_movie(movie):
    for diameter in (8.0, 13.0):
        known = replace(movie, cell_diameter_px=diameter)
        (wider,) = (p["changes"] for p in caiman_grid(known) if p["name"] == "wider cells")
        for name in ("gSig", "gSiz", "gSig_filt"):
            assert wider[name][0] > caiman_parameters(known)[name][0]
