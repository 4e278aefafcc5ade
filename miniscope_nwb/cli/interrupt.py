"""Ctrl-C and SIGTERM end a command, also where Python or a library drops what they raise.

What is raised while a weak reference calls back (as it does during an import) or while an object
is deleted, Python prints and drops; a bare ``except`` drops it silently. An interruption that is
forgotten before the command line has seen it is therefore made again.
"""

from __future__ import annotations

import signal
import sys
import threading
import weakref
from typing import Any

_AGAIN_S = 0.1  # until then Python has left what dropped the interruption
_seen = threading.Event()


class Interrupted(KeyboardInterrupt):
    """One Ctrl-C, or a SIGTERM: a cluster that ends a job sends it."""


def install() -> None:
    """Let both signals raise `Interrupted` in the main thread, which must be the caller."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    sys.unraisablehook = _tell_others


def seen() -> None:
    """Note that the command ends: from now on an interruption may be forgotten."""
    _seen.set()


def _interrupt(number: int, frame: Any) -> None:
    raise _watched()  # not of a local name: its frame would keep it alive


def _watched() -> Interrupted:
    """Return an exception that says when it is gone.

    As long as anybody handles it, or what was raised because of it, it lives.
    """
    error = Interrupted()
    weakref.finalize(error, _forgotten).atexit = False
    return error


def _forgotten() -> None:
    if not _seen.is_set():
        timer = threading.Timer(_AGAIN_S, _send)
        timer.daemon = True
        timer.start()


def _send() -> None:
    main = threading.main_thread().ident
    if _seen.is_set() or main is None:
        return
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        signal.pthread_kill(main, signal.SIGINT)  # wakes it where it waits for a lock


def _tell_others(unraisable: Any) -> None:
    """Print what Python dropped, but for an interruption, which comes again."""
    if not isinstance(unraisable.exc_value, Interrupted):
        sys.__unraisablehook__(unraisable)
