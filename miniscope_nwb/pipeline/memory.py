"""How much memory a piece of work takes at most, of this process and those it starts."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

_SAMPLE_S = 0.02
_CHILDREN_S = 0.5  # between two looks for new processes: that look is slow
_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h
_IN_STATUS = ("RssAnon:", "RssShmem:")  # kB; mapped files are left out


class MemoryWatch:
    """Watches anonymous and shared memory in a thread of its own, from entry to exit.

    Mapped files are not counted: the system takes their pages back when it needs them.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="memory watch")

    def __enter__(self) -> MemoryWatch:
        self.peak_bytes = used_bytes()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        self.peak_bytes = max(self.peak_bytes, used_bytes())

    def _watch(self) -> None:
        import psutil

        processes = _family()
        looked = time.monotonic()
        while not self._done.wait(_SAMPLE_S):
            if time.monotonic() - looked > _CHILDREN_S:
                processes, looked = _family(), time.monotonic()
            used = 0
            for process in processes:
                try:
                    used += _used_by(process)
                except (psutil.Error, OSError):  # it has ended
                    continue
            self.peak_bytes = max(self.peak_bytes, used)


def share_one_heap() -> None:
    """Let all threads take memory from one heap, where the C library (glibc) has one for each.

    What a thread gives back stays in its heap, and no other thread can have it: with blocks of
    frames that is a third of the memory of a run. Threads wait for each other no longer than
    before, because they ask for few, large pieces.
    """
    _ask_glibc("mallopt", _ARENA_MAX, 1)


def give_back_free() -> None:
    """Give memory that nothing uses back to the system, where the C library (glibc) keeps it."""
    _ask_glibc("malloc_trim", 0)


def _ask_glibc(function: str, *arguments: int) -> None:
    """Call a function of the C library; other ones than glibc have none of that name."""
    if sys.platform == "linux":
        call = getattr(ctypes.CDLL(None), function, None)
        if call is not None:
            call(*arguments)


def used_bytes() -> int:
    """Return the anonymous and shared memory of this process and those it started."""
    import psutil

    total = 0
    for process in _family():
        try:
            total += _used_by(process)
        except (psutil.Error, OSError):
            continue
    return total


def available_bytes() -> int:
    """Return the memory that can be had without paging, a container's limit included."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    try:
        return min(free, int(limit.read_text()) - int(used.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit
        return free


def _family() -> list[Any]:
    import psutil

    me = psutil.Process()
    try:
        return [me, *me.children(recursive=True)]
    except (psutil.Error, OSError):
        return [me]


def _used_by(process: Any) -> int:
    told = Path(f"/proc/{process.pid}/status")  # of Linux alone
    if told.exists():
        status = told.read_text(encoding="ascii", errors="replace")
        lines = (line.split() for line in status.splitlines() if line.startswith(_IN_STATUS))
        return 1024 * sum(int(words[1]) for words in lines)
    info = process.memory_info()
    return int(getattr(info, "private", info.rss))  # Windows tells the private bytes
