"""How the worker talks: one JSON object a line, and a beat while it is alive."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any

BEAT_S = 2.0


class Channel:
    """The way back to the process that started us.

    Our standard output is kept for messages; what anybody else prints is turned to the error
    output, whole process and children included. When nobody listens any more, because the process
    that started us was killed, we end, too, with all of our children.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        self._began = time.monotonic()
        self._pool: list[Any] = []
        threading.Thread(target=self._beat, daemon=True).start()

    def tell(self, **message: Any) -> None:
        """Send one message."""
        try:
            with self._lock:
                self._out.write(json.dumps(message) + "\n")
                self._out.flush()
        except OSError:
            end_all()

    def watch(self, processes: list[Any]) -> None:
        """Watch CaImAn's own processes.

        When one of them is killed, the pool waits for its answer for ever: so we tell and end.
        """
        self._pool = list(processes)

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT_S)
            self.tell(beat=round(time.monotonic() - self._began, 1))
            dead = [process.exitcode for process in self._pool if process.exitcode]
            if dead:
                self.tell(kind="killed", error=f"one of its processes ended with {dead[0]}")
                end_all()


def end_all() -> None:
    """End this process and its children at once."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
