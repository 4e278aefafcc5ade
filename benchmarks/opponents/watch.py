"""Runs a command to its end or to its limits, and says what it took and what it died with."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.common import folder_bytes
from benchmarks.memory import largest_held
from benchmarks.rows import DONE

LOOK_S = 0.2  # between two looks at memory and scratch
_REST = 9  # times what a look took: thousands of scratch files must not cost the run its core
_BUSY = ("user", "nice", "system", "irq", "softirq", "steal")  # stolen by other machines, too
_ERROR = re.compile(r"^[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Killed\w*)\b.*")
_LONGEST = 300  # characters of the words that are kept


@dataclass(frozen=True)
class Limits:
    """What a run may take; beyond it, the run is stopped and its row says so."""

    seconds: float = 3600.0
    memory_bytes: int = 20 * 2**30  # anonymous and shared, of all processes together
    n_processes: int = 2


@dataclass(frozen=True)
class Watched:
    """What a run took. ``outcome`` is ``done``, or the words that it died with.

    ``others_cores`` is how many cores all other programs of the machine took meanwhile, on average.
    """

    outcome: str
    wall_s: float
    cpu_s: float
    peak_memory_bytes: int
    peak_scratch_bytes: int
    others_cores: float


def watch(
    command: Sequence[str],
    *,
    folder: Path,
    scratch: Path,
    limits: Limits,
    every_s: float = LOOK_S,
    environment: Mapping[str, str] | None = None,
) -> Watched:
    """Run a command and measure it with all its processes.

    Parameters
    ----------
    command
        Program and arguments.
    folder
        Gets what the command prints, ``stdout.txt`` and ``stderr.txt``; left out of its words.
    scratch
        Folder whose size is watched.
    limits
        Beyond them all processes of the command are ended.
    every_s
        Least seconds between two looks.
    environment
        Variables of the command; ours by default.
    """
    seen: dict[int, float] = {}
    peak, on_disk, cpu, verdict = 0, 0, 0.0, ""
    started, busy, waited = time.perf_counter(), _busy_seconds(), _waited_cpu_seconds()
    with (folder / "stdout.txt").open("wb") as words, (folder / "stderr.txt").open("wb") as errors:
        popen = subprocess.Popen(
            list(command), stdout=words, stderr=errors, stdin=subprocess.DEVNULL, cwd=scratch,
            start_new_session=True, env=None if environment is None else dict(environment),
        )  # fmt: skip
    _first_to_go(popen.pid)
    family: list[psutil.Process] = []
    while popen.poll() is None:
        look = time.perf_counter()
        family = _family(popen.pid)
        peak, on_disk = largest_held(family, peak), max(on_disk, folder_bytes(scratch))
        cpu = max(cpu, _cpu_seconds(family, seen))
        if peak > limits.memory_bytes:
            verdict = f"out of memory: more than {limits.memory_bytes / 2**30:.3g} GiB"
        elif time.perf_counter() - started > limits.seconds:
            verdict = f"out of time: more than {limits.seconds / 60:.3g} minutes"
        if verdict:
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            popen.wait(max(every_s, _REST * (time.perf_counter() - look)))
    wall = time.perf_counter() - started
    _end(family, popen)
    cpu = max(cpu, _waited_cpu_seconds() - waited)
    others = max(0.0, _busy_seconds() - busy - cpu) / max(wall, 1e-9)
    outcome = verdict or _outcome(popen.returncode, folder, scratch)
    return Watched(outcome, wall, cpu, peak, on_disk, round(others, 2))


def _waited_cpu_seconds() -> float:
    """Return the CPU seconds of our ended children, and of theirs that they waited for."""
    times = os.times()
    return times.children_user + times.children_system


def _busy_seconds() -> float:
    """Return the CPU seconds of all programs since the machine was started."""
    times = psutil.cpu_times()
    return float(sum(getattr(times, name, 0.0) for name in _BUSY))


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _cpu_seconds(family: list[psutil.Process], seen: dict[int, float]) -> float:
    """Return the CPU seconds of all processes until now, the ended ones as last seen.

    A parent that has waited for its children knows what they took to the end, so the larger of
    the two ways of counting is the better one.
    """
    with_waited = 0.0
    for member in family:
        try:
            times = member.cpu_times()
        except psutil.Error:
            continue
        own = times.user + times.system
        seen[member.pid] = max(seen.get(member.pid, 0.0), own)
        with_waited += own + times.children_user + times.children_system
    return max(with_waited, sum(seen.values()))


def _first_to_go(pid: int) -> None:
    """Where memory runs out faster than we look, the system ends the opponent, nothing else."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000", encoding="ascii")


def _end(family: list[psutil.Process], popen: subprocess.Popen[bytes]) -> None:
    """End what is left of a run, its own processes only."""
    for member in [*reversed(family), *reversed(_family(popen.pid))]:
        with contextlib.suppress(psutil.Error):
            member.kill()
    popen.wait()


def _outcome(code: int, folder: Path, scratch: Path) -> str:
    if code == 0:
        return DONE
    if code == -signal.SIGKILL:
        return "out of memory: ended by the system"
    text = (folder / "stderr.txt").read_text(encoding="utf-8", errors="replace")
    return last_words(text, hide=(scratch, folder)) or f"ended with code {code}"


def last_words(text: str, *, hide: Sequence[Path] = ()) -> str:
    """Return the line of an error output that names the error, without the names of folders."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if _ERROR.match(line)]
    words = (named or lines or [""])[-1]
    for path in (*hide, Path(sys.prefix), Path.home()):
        words = words.replace(str(path), "...")
    return words[:_LONGEST]
