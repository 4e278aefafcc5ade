"""Measured runs: wall time, CPU time and peak memory of a command with all its children."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
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
    peak_pss: int
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


def _memory(process: psutil.Process) -> int:
    try:
        info = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(info, "pss", 0) or info.rss)


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
    peak, held, on_disk, cpu = 0, 0, 0, 0.0
    errors: list[bytes] = []
    words: list[bytes] = []
    readers = [
        threading.Thread(target=lambda: errors.append(popen.stderr.read())),
        threading.Thread(target=lambda: words.append(popen.stdout.read())),
    ]
    for reader in readers:
        reader.start()
    while popen.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            # Children are counted while they live, and by their parent once it has waited for them.
            cpu = max(cpu, sum(sum(times_of(member)) for member in family))
        except psutil.Error:
            break
        if with_mapped:
            peak = max(peak, sum(_memory(member) for member in family))
        held = largest_held(family, held)
        if scratch is not None:
            on_disk = max(on_disk, folder_bytes(scratch))
        time.sleep(every_s)
    popen.wait()
    for reader in readers:
        reader.join()
    if popen.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{errors[0].decode(errors='replace')}")
    return Run(
        wall_s=time.perf_counter() - started,
        cpu_s=cpu,
        peak_pss=peak,
        peak_held=held,
        peak_scratch=on_disk,
        output=words[0].decode(errors="replace"),
    )


def times_of(process: psutil.Process) -> tuple[float, ...]:
    """CPU seconds of a process, and of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return ()
    return (times.user, times.system, times.children_user, times.children_system)
