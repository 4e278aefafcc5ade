"""Measured runs: wall time, CPU time and peak memory of a command with all its children."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks.memory import largest_held

SAMPLE_EVERY_S = 0.02


@dataclass(frozen=True)
class Run:
    """What one command took.

    ``peak_pss`` is the largest sum, over all processes of the command, of the proportional set
    size (mapped files counted), in bytes; where the system has no PSS, the resident set size.
    ``peak_held`` is the same without mapped files (Linux; 0 elsewhere), ``peak_scratch`` the
    largest size of the folder that was watched.
    """

    wall_s: float
    cpu_s: float
    peak_pss: int = 0
    peak_held: int = 0
    peak_scratch: int = 0
    output: str = ""  # what the command printed


def folder_bytes(folder: Path) -> int:
    """Bytes on disk below a folder, while files come and go."""
    total = 0
    for parent, folders, files in os.walk(folder):  # passes over what vanishes meanwhile
        for name in (*folders, *files):
            try:
                total += Path(parent, name).lstat().st_blocks * 512
            except OSError:
                continue
    return total


def measure(
    command: list[str],
    *,
    cwd: Path | None = None,
    scratch: Path | None = None,
    every_s: float = SAMPLE_EVERY_S,
    with_mapped: bool = True,
) -> Run:
    """Run a command to its end and measure it; its failure is ours.

    Parameters
    ----------
    command
        Program and arguments.
    cwd
        Working folder.
    scratch
        Folder whose size is watched.
    every_s
        Seconds between two looks; a look takes a few milliseconds of a core.
    with_mapped
        Whether memory is measured with mapped files as well (`peak_pss`): a look at gigabytes of
        them takes a second of a core.
    """
    started = time.perf_counter()
    popen = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process = psutil.Process(popen.pid)
    run = Run(wall_s=0.0, cpu_s=0.0)
    with _words_of(popen) as (words, errors):
        while popen.poll() is None:
            try:
                run = _looked(run, process, scratch=scratch, with_mapped=with_mapped)
            except psutil.Error:
                break  # it has ended
            time.sleep(every_s)
        popen.wait()
    if popen.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{_text(errors)}")
    return replace(run, wall_s=time.perf_counter() - started, output=_text(words))


@contextlib.contextmanager
def _words_of(popen: subprocess.Popen[bytes]) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Read what a command prints while it runs; the lists hold it at the end."""
    words: list[bytes] = []
    errors: list[bytes] = []
    readers = [
        threading.Thread(target=lambda: words.append(popen.stdout.read())),
        threading.Thread(target=lambda: errors.append(popen.stderr.read())),
    ]
    for reader in readers:
        reader.start()
    yield words, errors
    for reader in readers:
        reader.join()


def _text(words: list[bytes]) -> str:
    return b"".join(words).decode(errors="replace")


def _looked(run: Run, process: psutil.Process, *, scratch: Path | None, with_mapped: bool) -> Run:
    """Return the largest figures until now, after a look at a command and its children."""
    family = [process, *process.children(recursive=True)]
    # Children are counted while they live, and by their parent once it has waited for them.
    cpu = sum(sum(times_of(member)) for member in family)
    pss = sum(_memory(member) for member in family) if with_mapped else 0
    on_disk = folder_bytes(scratch) if scratch is not None else 0
    return replace(
        run,
        cpu_s=max(run.cpu_s, cpu),
        peak_pss=max(run.peak_pss, pss),
        peak_held=largest_held(family, run.peak_held),
        peak_scratch=max(run.peak_scratch, on_disk),
    )


def _memory(process: psutil.Process) -> int:
    try:
        info = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(info, "pss", 0) or info.rss)


def times_of(process: psutil.Process) -> tuple[float, ...]:
    """CPU seconds of a process, and of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return ()
    return (times.user, times.system, times.children_user, times.children_system)
