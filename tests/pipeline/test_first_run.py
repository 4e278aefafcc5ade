"""The first run of an installation compiles: its memory and its time are foretold."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numba
import pytest
from processed_files import copy_of, make_recording

from miniscope_nwb.cli.plan import show_plan
from miniscope_nwb.engines import compiled
from miniscope_nwb.engines.builtin import BuiltinEngine
from miniscope_nwb.engines.compiled import is_compiled
from miniscope_nwb.errors import OutputError
from miniscope_nwb.params.load import load_parameters
from miniscope_nwb.pipeline import first_run, job, probe
from miniscope_nwb.pipeline.first_run import COMPILING_BYTES, is_first_run
from miniscope_nwb.pipeline.options import ProcessOptions, Watch
from miniscope_nwb.pipeline.plan import plan
from miniscope_nwb.pipeline.process import process

MB = 1_000_000
OTHER = SimpleNamespace(name="caiman")


def double(values):
    return 2 * values


def with_cache(folder, function=double):
    """Return a function for numba to compile, whose cache lies in a folder of the test's own."""
    kernel = numba.njit(function)
    stats = SimpleNamespace(cache_path=str(folder))
    return SimpleNamespace(stats=stats, py_func=kernel.py_func)


def index_of(folder, kernel=double):
    python = f"py{sys.version_info.major}{sys.version_info.minor}{sys.abiflags}"
    line = kernel.__code__.co_firstlineno
    return folder / f"test_first_run.{kernel.__qualname__}-{line}.{python}.nbi"


def test_a_kernel_is_compiled_where_its_table_is_younger_than_its_source(tmp_path):
    kernel = with_cache(tmp_path)
    assert not is_compiled(kernel)
    index = index_of(tmp_path)
    index.touch()
    assert is_compiled(kernel)
    os.utime(index, (1e9, 1e9))  # that of an older version of the source
    assert not is_compiled(kernel)
    assert not is_compiled(with_cache(tmp_path / "nowhere"))


def test_what_is_not_compiled_at_all_is_ready():
    assert is_compiled(double)  # as with NUMBA_DISABLE_JIT


ONE_KERNEL = """
import numpy as np
from miniscope_nwb.engines.compiled import builtin_is_compiled, is_compiled
from miniscope_nwb.extract.frames_kernels import centre
print(is_compiled(centre))
frames = np.ones((2, 3, 4), np.float32)
centre(frames, np.ones((3, 4), np.float32), frames.copy())
print(is_compiled(centre), builtin_is_compiled())
"""


def test_numba_keeps_what_it_compiled_where_it_is_looked_for(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", ONE_KERNEL]
    for expected in ("False True False", "True True False"):  # others of the engine's are not
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split() == expected.split()


def test_one_function_that_is_missing_makes_a_first_run(monkeypatch):
    asked = []

    def all_but(missing):
        def answer(kernel):
            asked.append(kernel.py_func.__module__)
            return not kernel.py_func.__module__.endswith(missing)

        monkeypatch.setattr(first_run, "is_compiled", answer)
        monkeypatch.setattr(compiled, "is_compiled", answer)

    all_but("nothing")
    assert not is_first_run(BuiltinEngine())
    assert {name.split(".")[1] for name in asked} >= {"prepare", "extract", "metrics"}
    for module in set(asked):
        all_but(module)
        assert is_first_run(BuiltinEngine())
        assert is_first_run(OTHER) == (".extract." not in module)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return make_recording(tmp_path_factory.mktemp("first"))


@pytest.fixture
def installation(monkeypatch):
    """Say whether it is new, in the place of numba's cache."""
    return lambda is_new: monkeypatch.setattr(job, "is_first_run", lambda engine: is_new)


def options(**changes):
    return ProcessOptions(engine="builtin", parameters=load_parameters(), **changes)


def test_a_plan_foretells_the_run_after_it_which_finds_all_compiled(
    recording, installation, monkeypatch
):
    def measure(job, movie, task):
        installation(False)
        return dict.fromkeys(probe._GROWTH, 1.0)

    monkeypatch.setattr(probe, "_measure", measure)
    installation(True)
    first = plan(recording, options())
    later = plan(recording, options())
    assert first == later


def test_a_plan_whose_probe_fails_counts_on_compiling(recording, installation, monkeypatch):
    monkeypatch.setattr(probe, "probe", lambda job, task: {})
    installation(True)
    first = plan(recording, options())
    installation(False)
    assert first.peak_memory_bytes - plan(recording, options()).peak_memory_bytes == COMPILING_BYTES


@pytest.mark.parametrize("is_new", [True, False])
def test_a_first_plan_says_that_it_compiles(recording, monkeypatch, capsys, is_new):
    monkeypatch.setattr(compiled, "builtin_is_compiled", lambda: not is_new)
    monkeypatch.setattr(probe, "_measure", lambda *given: dict.fromkeys(probe._GROWTH, 1.0))
    show_plan(recording, options(), as_json=False, quiet=False)
    assert ("compiling takes" in capsys.readouterr().err) == is_new


class Stopped(Exception):
    """Not one of ours: nobody answers to it."""


def stop(stage):
    raise Stopped


@pytest.mark.parametrize("is_new", [True, False])
def test_a_first_run_says_that_it_compiles(recording, installation, tmp_path, is_new):
    installation(is_new)
    said = []
    path = copy_of(recording, tmp_path)
    with pytest.raises(Stopped):
        process(path, options(), watch=Watch(say=said.append, stage=stop))
    text = "compiling takes about 36 s and 210 MB of memory more, once"
    assert any(text in line for line in said) is is_new


def least(recording):
    with pytest.raises(OutputError) as refused:
        process(recording, options(max_memory_bytes=50 * MB))
    return int(re.search(r"the least that works is --max-memory (\d+)MB", str(refused.value))[1])


def test_a_first_run_is_refused_below_what_compiling_takes(recording, installation):
    installation(False)
    later = least(recording)
    installation(True)
    assert least(recording) == later + COMPILING_BYTES // MB
    with pytest.raises(OutputError, match=f"{later + COMPILING_BYTES // MB}MB"):
        plan(recording, options(max_memory_bytes=later * MB))


@pytest.mark.slow
def test_a_first_run_keeps_to_the_least_memory_that_was_named(recording, tmp_path):
    """A real one: everything is compiled, into a cache of its own."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    path = copy_of(recording, tmp_path)

    def command(name, *more):
        words = [sys.executable, "-m", "miniscope_nwb", name, path, "--engine", "builtin", *more]
        return subprocess.run(words, env=environment, capture_output=True, text=True)

    refused = command("process", "--max-memory", "50MB")
    named = re.search(r"--max-memory (\d+)MB;", refused.stderr)[1]
    done = command("process", "--max-memory", f"{named}MB", "--json")
    peak = max(stage["peak_memory_bytes"] for stage in json.loads(done.stdout)["stages"])
    assert int(named) * MB - COMPILING_BYTES < peak <= int(named) * MB
    again = command("process", "--max-memory", "50MB", "--force")
    least_now = re.search(r"--max-memory (\d+)MB;", again.stderr)[1]
    assert int(least_now) == int(named) - COMPILING_BYTES // MB
