"""Peak memory of a command as its users meet it: anonymous and shared, mapped files not counted."""

from __future__ import annotations

from pathlib import Path

import psutil

_COUNTED = ("Pss_Anon:", "Pss_Shmem:")


def held_bytes(process: psutil.Process) -> int:
    """Anonymous and shared memory of one process, shared pages divided among their users."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    fields = [line.split() for line in lines]
    return sum(1024 * int(field[1]) for field in fields if field and field[0] in _COUNTED)
