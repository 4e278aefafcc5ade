"""Each opponent against ours on the movies that both ran: the table that a claim rests on.

Means over all seeds that an engine ran stand in the other tables (`render`); an engine that ran
fewer seeds is compared here on these alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from benchmarks.render import COLUMNS, group_of, mean_of, told
from benchmarks.rows import DONE, JUDGED, Row, latest

# Figures of which ours and theirs are given.
_FIGURES = ("f1", "denoised_r", "deconvolved_r", "event_auc", "shift_px", "block_px")
_SHOWN = {name: COLUMNS[name] for name in _FIGURES}
# Stages that are CNMF-E: seeding from the summary images, updates, deconvolution, final traces.
_CNMFE = ("images", "extract", "traces", "initialize", "first update", "second update")
_RATIOS: dict[str, Callable[[Row], float | None]] = {
    "wall": lambda row: row.wall_s,
    "CPU": lambda row: row.cpu_s,
    "CNMF-E wall": lambda row: sum(row.seconds.get(stage, 0.0) for stage in _CNMFE) or None,
    "memory": lambda row: row.peak_memory_bytes,
    "scratch": lambda row: row.peak_scratch_bytes,
}


def as_markdown(rows: Iterable[Row], *, ours: str, engines: Sequence[str]) -> str:
    """Return a line for each kind of movie and opponent: ours / theirs, and theirs in ours.

    Movies without a truth are left out: of these nobody can say who is right.
    """
    done = {
        (row.movie, row.engine): row
        for row in latest(rows)
        if row.outcome in JUDGED and "f1" in row.figures
    }
    groups = dict.fromkeys(group_of(row) for row in done.values())
    titles = [title for title, _ in _SHOWN.values()] + [f"{name} x" for name in _RATIOS]
    lines = [
        "| movies | opponent | seeds | " + " | ".join(titles) + " |",
        "|" + "---|" * (len(titles) + 3),
    ]
    for group in groups:
        for engine in engines:
            pairs = [
                (done[movie, ours], row)
                for (movie, name), row in done.items()
                if name == engine != ours and group_of(row) == group and (movie, ours) in done
            ]
            if pairs:
                lines.append(_line(group, engine, pairs))
    return "\n".join(lines)


def _line(group: str, engine: str, pairs: list[tuple[Row, Row]]) -> str:
    mine, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    cells = [group, engine, str(len(pairs))]
    for name, (_, decimals) in _SHOWN.items():
        cells.append(" / ".join(told(mean_of(each, name), decimals) for each in (mine, theirs)))
    cells += [_ratio(pairs, of) for of in _RATIOS.values()]
    return "| " + " | ".join(cells) + " |"


def _ratio(pairs: list[tuple[Row, Row]], of: Callable[[Row], float | None]) -> str:
    """How many times ours the opponent takes, all movies together of which both are known.

    A run that found nothing spared its work: what it took says nothing.
    """
    taken = [
        (of(mine), of(theirs)) for mine, theirs in pairs if mine.outcome == theirs.outcome == DONE
    ]
    known = [(ours, others) for ours, others in taken if ours is not None and others is not None]
    if not known:
        return told(None, 1)
    return f"{sum(pair[1] for pair in known) / max(sum(pair[0] for pair in known), 1e-9):.1f}"
