"""Threads that decode, compress, hash and copy side by side.

Decoder, compressor and hash release the interpreter's lock, so threads use all cores without the
memory of processes. Every task does its whole work in one thread, and no queue holds frames: the
memory in use grows with the number of threads, not with the length of the recording.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Condition
from types import TracebackType

Task = Callable[[], None]
_POLL_S = 0.1  # how often the waiting thread reports progress


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


class WorkPool:
    """Runs tasks in threads, in the order in which they were added.

    Main tasks begin after `open`; early ones (those that do not need the file that is being made)
    fill the time before that, and what is then left of them follows the main tasks. A task may
    add further ones. The first error ends all: `finish` raises it.

    Parameters
    ----------
    n_threads
        How many tasks run at a time.
    """

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self.is_stopped = False  # long tasks look at it often and return
        self._main: deque[Task] = deque()
        self._early: deque[Task] = deque()
        self._is_open = False
        self._n_running = 0
        self._changed = Condition()
        self._executor = ThreadPoolExecutor(n_threads, thread_name_prefix="miniscope-nwb")
        self._loops: list[Future[None]] = []

    def __enter__(self) -> WorkPool:
        self._loops = [self._executor.submit(self._loop) for _ in range(self.n_threads)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._executor.shutdown(wait=True)

    def add(self, task: Task) -> None:
        """Add a main task at the end."""
        with self._changed:
            self._main.append(task)
            self._changed.notify()

    def add_early(self, task: Task) -> None:
        """Add a task that may run before `open`."""
        with self._changed:
            self._early.append(task)
            self._changed.notify()

    def add_next(self, tasks: Iterable[Task]) -> None:
        """Add main tasks before all others; for tasks that divide themselves."""
        with self._changed:
            self._main.extendleft(reversed(list(tasks)))
            self._changed.notify_all()

    def open(self) -> None:
        """Let main tasks begin. Only tasks may add tasks from now on."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Begin no further task and ask the running ones to return."""
        with self._changed:
            self.is_stopped = True
            self._changed.notify_all()

    def finish(self, report: Callable[[], None]) -> None:
        """Wait until all tasks are done, calling `report` several times a second.

        No task runs any more when it returns or raises.

        Raises
        ------
        BaseException
            What the first failing task, or `report`, raised.
        """
        running = set(self._loops)
        try:
            while running:
                done, running = wait(running, timeout=_POLL_S, return_when=FIRST_EXCEPTION)
                for loop in done:
                    loop.result()
                report()
        finally:
            self.stop()
            wait(self._loops)

    def _loop(self) -> None:
        while True:
            task = self._take()
            if task is None:
                return
            try:
                task()
            finally:
                with self._changed:
                    self._n_running -= 1
                    self._changed.notify_all()

    def _take(self) -> Task | None:
        """Wait for the next task; None when there will be no more."""
        with self._changed:
            while not self.is_stopped:
                queue = self._main if self._is_open and self._main else self._early
                if queue:
                    self._n_running += 1
                    return queue.popleft()
                if self._is_open and self._n_running == 0:
                    return None
                self._changed.wait()
            return None
