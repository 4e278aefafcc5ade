"""Files of one recording that Bonsai wrote under names with a suffix: a count or a time.

Each writer of a workflow resolves its suffix by itself, so that times may differ by a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

MOST_APART_S = 2.0
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T_ ](\d\d)[_:-](\d\d)[_:-](\d\d)(?:\.\d+)?", re.ASCII)


def parse_time(suffix: str) -> datetime | None:
    """Return the moment that a suffix names; None where it is a count or anything else."""
    match = _TIME.match(suffix)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(text) for text in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def join(
    by_kind: Mapping[str, Mapping[str, Path]], *, main: Sequence[str]
) -> dict[str, dict[str, Path]]:
    """Put files of the same suffix, or nearly the same moment, together.

    Parameters
    ----------
    by_kind
        Kind -> suffix -> file.
    main
        The kinds that make a recording, the most important first; a file of another kind without
        them is left alone.

    Returns
    -------
    dict
        Suffix of the main file -> kind -> file.
    """
    sets: dict[str, dict[str, Path]] = {}
    kinds = [*main, *(kind for kind in by_kind if kind not in main)]
    for kind in kinds:
        free = dict(by_kind[kind])
        for suffix, files in sets.items():  # equal suffixes first
            if suffix in free:
                files[kind] = free.pop(suffix)
        for suffix, path in free.items():
            near = _nearest(suffix, (key for key, files in sets.items() if kind not in files))
            if near is not None:
                sets[near][kind] = path
            elif kind in main:
                sets[suffix] = {kind: path}
    return sets


def _nearest(suffix: str, keys: Iterable[str]) -> str | None:
    moment = parse_time(suffix)
    if moment is None:
        return None
    distances = [
        (abs((other - moment).total_seconds()), key)
        for key in keys
        if (other := parse_time(key)) is not None
    ]
    distance, key = min(distances, default=(MOST_APART_S + 1, ""))
    return key if distance <= MOST_APART_S else None


def order(suffixes: Iterable[str]) -> list[str]:
    """Sort suffixes as people count: 2 before 10, times in their order."""
    return sorted(suffixes, key=lambda text: [_piece(p) for p in re.split(r"([0-9]+)", text)])


def _piece(text: str) -> tuple[int, int, str]:
    return (0, int(text), "") if text.isdecimal() else (1, 0, text.casefold())
