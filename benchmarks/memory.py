"""Peak memory of a command as its users meet it: anonymous and shared, mapped files not counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil

_EXACT = ("Pss_Anon:", "Pss_Shmem:")
_BOUND = ("RssAnon:", "RssShmem:")


def largest_held(family: Sequence[psutil.Process], so_far: int = 0) -> int:
    """Return the anonymous and shared memory of processes together, if it is more than `so_far`.

    Shared pages are divided among their users. To divide them the system walks over every page,
    mapped files too, which takes it a second where gigabytes are mapped; the sum without division
    is known at once, and is the exact one where there is one process. So that walk is made only
    where the sum is above what was the largest until now.
    """
    bound = sum(_sum_of(Path(f"/proc/{member.pid}/status"), _BOUND) for member in family)
    if bound <= so_far or len(family) == 1:
        return max(bound, so_far)
    held = sum(_sum_of(Path(f"/proc/{member.pid}/smaps_rollup"), _EXACT) for member in family)
    return max(held, so_far)


def _sum_of(path: Path, names: Sequence[str]) -> int:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0  # it has ended
    fields = [line.split() for line in lines]
    return sum(1024 * int(field[1]) for field in fields if field and field[0] in names)
