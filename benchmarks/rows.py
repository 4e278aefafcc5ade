"""The rows of the table, kept so that a command that was stopped goes on where it stood.

One line of JSON a row. A row is known by its movie, engine, version and parameters, those that the
opponent's documentation recommends included: the same run is never made twice, and another version
or parameter makes a row beside it, as another machine does if it is asked to. Figures do not depend
on the machine; seconds are compared only where they were taken on the same one (`timed_on`).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

DONE, NOTHING = "done", "nothing found"
JUDGED = (DONE, NOTHING)  # outcomes of runs that came to their end
QUIET_CORES = 0.25  # that other programs may take while a run's wall seconds are measured
_COMPUTES = (  # what the built-in engine's figures depend on, below the package
    "prepare", "correct", "images", "extract", "deconvolve", "traces", "metrics", "params",
    "pipeline", "engines/builtin.py", "engines/builtin_costs.py",
    "nwb/stored_movie.py", "nwb/kept_frames.py", "movie.py", "cell_size.py", "medians.py",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One engine on one movie.

    ``parameters`` are what differs from the defaults (of an opponent: from what its documentation
    recommends), ``settings`` all that an opponent was given.
    ``others_cores`` is how many cores other programs took meanwhile; old rows do not know it.
    ``outcome`` is ``done`` or the words that the engine died with; ``figures`` are those of
    `benchmarks.scoring.Figures`; ``seconds`` are wall seconds of the engine's own stages.
    """

    movie: str
    engine: str
    version: str
    parameters: dict[str, Any]
    outcome: str
    figures: dict[str, Any] = field(default_factory=dict)
    wall_s: float | None = None
    cpu_s: float | None = None
    peak_memory_bytes: int | None = None  # anonymous and shared, of all processes together
    peak_scratch_bytes: int | None = None
    n_frames: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    machine: str = ""
    made_at: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    others_cores: float | None = None

    @property
    def key(self) -> str:
        """What identifies the row."""
        return row_key(self.movie, self.engine, self.version, self.settings or self.parameters)


def row_key(movie: str, engine: str, version: str, settings: dict[str, Any]) -> str:
    """Return the hash of what identifies a row."""
    content = json.dumps([movie, engine, version, settings], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


class Rows:
    """The rows of a file; a new one is on the disk as soon as it is added."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        rows = [Row(**json.loads(line)) for line in lines]
        self._rows = {(row.key, row.machine): row for row in rows}

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def find(self, key: str, *, machine: str | None = None) -> Row | None:
        """Return the newest row of a key, that of a machine if one is named; None: not made."""
        found = [
            row for (known, where), row in self._rows.items()
            if known == key and machine in (None, where)
        ]  # fmt: skip
        return max(found, key=lambda row: row.made_at, default=None)

    def add(self, row: Row) -> None:
        """Keep a row; one of the same key and machine gives way."""
        self._rows[row.key, row.machine] = row
        ordered = sorted(
            self._rows.values(),
            key=lambda each: (each.movie, each.engine, each.key, each.machine),
        )
        text = "".join(json.dumps(asdict(each), sort_keys=True) + "\n" for each in ordered)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        making = self._path.with_suffix(".making")
        making.write_text(text, encoding="utf-8")
        making.replace(self._path)


def latest(rows: Iterable[Row]) -> list[Row]:
    """Return the newest row of each engine on each movie, in the order given.

    Other versions are history.
    """
    newest: dict[tuple[str, str], Row] = {}
    for row in rows:
        known = newest.get((row.movie, row.engine))
        if known is None or row.made_at >= known.made_at:
            newest[row.movie, row.engine] = row
    return list(newest.values())


def machine_of(rows: Iterable[Row], *, ours: str) -> str:
    """Return the machine on which ours ran last."""
    newest = max(
        (row for row in rows if row.engine == ours), key=lambda row: row.made_at, default=None
    )
    return machine() if newest is None else newest.machine


def timed_on(rows: Iterable[Row], machine: str) -> list[Row]:
    """Return the newest row of each engine on each movie, with seconds of one machine only.

    They are those of the newest run there, which may be an older version; none where it never ran.
    Where other programs took part of the machine, or nobody looked, wall seconds are left out and
    CPU seconds kept.
    """
    kept = list(rows)
    there_done = (row for row in kept if row.machine == machine and row.outcome in JUDGED)
    timed = {(row.movie, row.engine): row for row in latest(there_done)}
    found = []
    for row in latest(kept):
        there = timed.get((row.movie, row.engine))
        cpu = None if there is None else there.cpu_s
        others = None if there is None else there.others_cores
        is_quiet = others is not None and others <= QUIET_CORES
        wall, seconds = (there.wall_s, there.seconds) if there and is_quiet else (None, {})
        found.append(replace(row, wall_s=wall, cpu_s=cpu, seconds=seconds))
    return found


@cache
def our_version() -> str:
    """Return the version of this package and a digest of the code that its figures depend on."""
    import miniscope_nwb

    package = Path(miniscope_nwb.__file__).parent
    digest = hashlib.sha256()
    for name in _COMPUTES:
        path = package / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return f"{miniscope_nwb.__version__}+{digest.hexdigest()[:8]}"


@cache
def machine() -> str:
    """Return what the figures were measured on, in words."""
    import psutil

    memory = psutil.virtual_memory().total / 2**30
    python = platform.python_version()
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {python}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
