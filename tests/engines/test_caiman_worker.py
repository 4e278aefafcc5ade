"""The process that runs CaImAn, with a stand-in for it: what is said when it ends badly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from engines.stand_in import FOUND, MOTION, make_stand_in

from miniscope_nwb.engines.caiman import process
from miniscope_nwb.engines.caiman.engine import CaimanEngine
from miniscope_nwb.engines.caiman.find import VARIABLE, find_caiman
from miniscope_nwb.errors import EngineError
from miniscope_nwb.movie import ArrayMovie
from miniscope_nwb.testing.jobs import motion_job, resources

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script with #!")


@pytest.fixture(scope="module")
def movie():
    frames = np.random.default_rng(0).integers(0, 255, (40, 24, 36), dtype=np.uint8)
    return ArrayMovie(frames)


def run(tmp_path, movie, body, **told):
    """Run a job of motion with a stand-in that does `body`."""
    engine = CaimanEngine(make_stand_in(tmp_path / "bin", body))
    return engine.motion(motion_job(movie, method="rigid"), resources(tmp_path / "s", **told))


def test_a_job_that_goes_well(tmp_path, movie):
    said, steps = [], []
    found = run(
        tmp_path, movie, MOTION, say=said.append, progress=lambda done, of: steps.append((done, of))
    )
    assert said == ["Half way."]
    assert steps == [(1, 1)]
    assert (found.shifts_px == [-2.0, 1.0]).all()  # rows, columns -> x, y
    assert found.versions == {"engine": "caiman 1.12.1", "caiman": "1.12.1"}
    stored = {item.parameter: item.value for item in found.derived}
    assert "fnames" not in stored["parameters"]["data"]  # a path of the scratch folder
    assert not list((tmp_path / "s" / "scratch_0").iterdir())


def test_its_threads_are_one_and_its_files_stay_in_the_job(tmp_path, movie):
    body = """
names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TMPDIR", "CAIMAN_TEMP")
tell(error=" ".join(os.environ.get(name, "") for name in names) + " " + os.getcwd())
"""
    scratch = tmp_path / "s" / "scratch_0" / "caiman"
    with pytest.raises(EngineError, match=f"1 1 1 {scratch} {scratch} {scratch};"):
        run(tmp_path, movie, body)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "raise ValueError('no cells in here')",
            "(?s)ended with 1 and gave no result.*no cells in",
        ),
        ("tell(error='ValueError: x', kind='failed'); sys.exit(1)", "ValueError: x; rerun with"),
        ("os.kill(os.getpid(), signal.SIGKILL)", r"killed \(SIGKILL\); most likely the memory"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", r"killed \(SIGSEGV\); rerun with --engine"),
        ("sys.exit(137)", r"killed \(SIGKILL\); most likely the memory"),
        ("tell(error='the memory ran out', kind='memory'); sys.exit(3)", "fewer --threads"),
        ("tell(error='one of its processes ended', kind='killed'); sys.exit(1)", "most likely the"),
        ("print('{\"done\": ', flush=True)", "cannot be understood.*left no last words"),
        ("print('[1, 2]', flush=True)", r"cannot be understood \('\[1, 2\]'\)"),
        ("print('a\\nb\\n', file=sys.stderr); sys.exit(4)", "(?s)last words:\na\nb$"),
        (
            "tell(kind='parameter', error=\"CaImAn has no parameter 'rg'\"); sys.exit(2)",
            "no parameter 'rg': mend it in the section caiman",
        ),
    ],
)
def test_a_job_that_ends_badly(tmp_path, movie, body, told):
    with pytest.raises(EngineError, match=told):
        run(tmp_path, movie, body)
    assert not list((tmp_path / "s" / "scratch_0").iterdir())


def test_noise_before_the_end_is_forgiven(tmp_path, movie):
    """A library that prints to the wrong place does not spoil a job that goes well."""
    found = run(tmp_path, movie, "print('Loading model ...', flush=True)\n" + MOTION)
    assert found.shifts_px.shape == (40, 2)


def test_silence_is_an_end(tmp_path, movie, monkeypatch):
    monkeypatch.setattr(process, "SILENCE_S", 0.5)
    began = time.monotonic()
    with pytest.raises(EngineError, match="said nothing for"):
        run(tmp_path, movie, "time.sleep(60)")
    assert time.monotonic() - began < 20


def test_its_children_end_with_it(tmp_path, movie):
    """A child that would hold memory and cores goes when the job is over."""
    mark = tmp_path / "child"
    body = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
Path({str(mark)!r}).write_text(str(child.pid))
sys.exit(5)
"""
    began = time.monotonic()
    with pytest.raises(EngineError):
        run(tmp_path, movie, body)
    assert time.monotonic() - began < 30  # though the child holds the output open
    pid = int(mark.read_text())
    deadline = time.monotonic() + 10
    while _is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(pid)


def _is_running(pid):
    state = Path(f"/proc/{pid}/stat")
    if not Path("/proc").is_dir():
        pytest.skip("needs /proc")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def start_channel(rest):
    """Start a process that talks as our own worker does, and then does `rest`."""
    code = f"""
import sys, time
sys.path.insert(0, {str(process.SCRIPT.parents[4])!r})
from miniscope_nwb.engines.caiman.worker import talk
talk.BEAT_S = 0.1
channel = talk.Channel()
{rest}
time.sleep(60)
"""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_real_worker_ends_when_nobody_listens():
    """Our own worker ends by itself when the process that started it is killed."""
    with start_channel("") as worker:
        assert json.loads(worker.stdout.readline())["beat"] >= 0
        worker.stdout.close()
        assert worker.wait(timeout=30) != 0


def test_real_worker_tells_that_its_pool_was_killed():
    """A pool waits for ever for a process that was killed; our worker does not."""
    with start_channel("channel.watch([type('Dead', (), {'exitcode': -9})()])") as worker:
        told, _ = worker.communicate(timeout=30)
    end = json.loads(told.splitlines()[-1])
    assert end == {"kind": "killed", "error": "one of its processes ended with -9"}
    assert worker.returncode != 0


def test_what_others_print_is_no_message():
    """CaImAn prints to the standard output: that goes to the error output, from any depth."""
    rest = "print('Loading'); import os; os.write(1, b'deeper'); channel.tell(done={}); os._exit(0)"
    with start_channel(rest) as worker:
        told, printed = worker.communicate(timeout=30)
    assert [json.loads(line) for line in told.splitlines()][-1] == {"done": {}}
    assert printed.split() == [b"Loading", b"deeper"] or printed.split() == [b"deeperLoading"]


def test_real_worker_without_caiman(tmp_path, movie):
    """An interpreter whose CaImAn cannot be imported: its own words say why."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    start = f"""#!/bin/sh
case "$1" in
*probe.py) echo '{FOUND}' ;;
*) exec {sys.executable} "$@" ;;
esac
"""
    python.write_text(start)
    python.chmod(0o755)
    if not find_caiman(Path(sys.executable)).reason:
        pytest.skip("CaImAn is installed here")
    with pytest.raises(EngineError, match="No module named 'caiman'"):
        CaimanEngine(python).motion(motion_job(movie, method="rigid"), resources(tmp_path / "s"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ('{"state": "absent", "version": "", "python": "3"}', "is not installed in.*conda-forge"),
        ('{"state": "unrelated", "version": "0.1", "python": "3"}', "not CaImAn but an unrelated"),
        ('{"state": "found", "version": "1.8.5", "python": "3"}', "too old, 1.12 or later"),
        ("Hello!", "no Python that answers"),
        ("[]", "no Python that answers"),
    ],
)
def test_interpreters_that_cannot_serve(tmp_path, movie, answer, told):
    engine = CaimanEngine(make_stand_in(tmp_path, "", answer=answer))
    assert not engine.availability().is_available
    with pytest.raises(EngineError, match=told):
        engine.motion(motion_job(movie), resources(tmp_path / "s"))


def test_missing_interpreter(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone"))
    reason = CaimanEngine().availability().reason
    assert reason.startswith(f"{VARIABLE} names {tmp_path / 'gone'}, but there is no such file")
    plain = tmp_path / "text"
    plain.write_text("not a program")
    assert "no Python that answers" in CaimanEngine(plain).availability().reason


def test_unrelated_package_of_that_name(tmp_path, monkeypatch):
    """PyPI's `caiman` is told from CaImAn without importing either."""
    fake = tmp_path / "site" / "caiman"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.syspath_prepend(str(fake.parent))
    assert "unrelated one of that name from PyPI" in CaimanEngine().availability().reason
    (fake / "source_extraction" / "cnmf").mkdir(parents=True)
    assert CaimanEngine().availability().is_available
