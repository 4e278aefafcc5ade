"""Measured runs: wall time, CPU time and peak memory of a command with all its children."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_EVERY_S = 0.02


@dataclass(frozen=True)
class Run:
    """What one command took.

    ``peak_pss`` is the largest sum, over all processes of the command, of the proportional set
    size (mapped files counted), in bytes; where the system has no PSS, the resident set size.
    """

    wall_s: float
    cpu_s: float
    peak_pss: int


def _memory(process: psutil.Process) -> int:
    try:
        info = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(info, "pss", 0) or info.rss)


def measure(command: list[str], *, cwd: Path | None = None) -> Run:
    """Run a command to its end and measure it; its failure is ours."""
    started = time.perf_counter()
    popen = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    process = psutil.Process(popen.pid)
    peak, cpu = 0, 0.0
    errors: list[bytes] = []
    reader = threading.Thread(target=lambda: errors.append(popen.stderr.read()))
    reader.start()
    while popen.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            times = process.cpu_times()
            cpu = times.user + times.system + times.children_user + times.children_system
        except psutil.Error:
            break
        peak = max(peak, sum(_memory(member) for member in family))
        time.sleep(SAMPLE_EVERY_S)
    popen.wait()
    reader.join()
    if popen.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{errors[0].decode(errors='replace')}")
    return Run(wall_s=time.perf_counter() - started, cpu_s=cpu, peak_pss=peak)
