"""The rows of the table as Markdown and as figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.rows import DONE, JUDGED, Row, latest

BEGIN, END = "<!-- table: made by `python -m benchmarks` -->", "<!-- end of table -->"
COLUMNS = {  # of a row's figures: name and decimals
    "f1": ("F1", 3),
    "precision": ("precision", 3),
    "recall": ("recall", 3),
    "f1_all": ("F1 of all", 3),
    "footprint_cosine": ("footprint cosine", 3),
    "raw_r": ("raw r", 3),
    "denoised_r": ("denoised r", 3),
    "deconvolved_r": ("deconvolved r", 3),
    "event_auc": ("event AUC", 3),
    "shift_px": ("shift px", 3),
    "block_px": ("block px", 3),
}
_TAKEN = {  # of the row itself: name, divisor, decimals
    "wall_s": ("wall s", 1.0, 0),
    "cpu_s": ("CPU s", 1.0, 0),
    "peak_memory_bytes": ("memory MB", 1e6, 0),
    "peak_scratch_bytes": ("scratch MB", 1e6, 0),
}
_STAGES = ("prepare", "motion", "motion quality", "images", "extract", "traces", "quality")
_UNKNOWN = "–"


def group_of(row: Row) -> str:
    """Return the kind of movie, its seed apart: ``moderate-101`` is a ``moderate``."""
    return row.movie.rsplit("-", 1)[0]


def as_markdown(rows: Iterable[Row], *, engines: Sequence[str], groups: Sequence[str]) -> str:
    """Return a table for each kind of movie: means over the seeds, and the failures in words."""
    chosen = latest(rows)
    parts = []
    for group in groups:
        there = [row for row in chosen if group_of(row) == group]
        if there:
            parts.append(f"### {group}\n\n{_table(there, engines)}")
    return "\n\n".join(parts)


def mean_of(rows: Sequence[Row], name: str) -> float | None:
    """Return the mean of a figure over the rows that have it; nothing found is an F1 of 0."""
    values = [row.figures.get(name) for row in rows if row.outcome in JUDGED]
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known else None


def put_between(path: Path, text: str, *, begin: str = BEGIN, end: str = END) -> None:
    """Replace what stands between two marks, those of the table, in a Markdown file."""
    page = path.read_text(encoding="utf-8")
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{path.name} has no '{begin}' followed by '{end}': put them back.")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def _table(rows: list[Row], engines: Sequence[str]) -> str:
    shown = {
        name: (title, decimals)
        for name, (title, decimals) in COLUMNS.items()
        if mean_of(rows, name) is not None
    }
    titles = ["engine", "seeds", *(title for title, _ in shown.values())]
    titles += [*(title for title, _, _ in _TAKEN.values()), "frames/s"]
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    failures = []
    for engine in engines:
        mine = [row for row in rows if row.engine == engine]
        if mine:
            lines.append(_line(engine, mine, shown))
        failures += [
            f"- {row.engine} on {row.movie}: {row.outcome}" for row in mine if row.outcome != DONE
        ]
    return "\n".join(lines) + ("\n\n" + "\n".join(failures) if failures else "")


def _line(engine: str, rows: list[Row], shown: dict[str, tuple[str, int]]) -> str:
    done = [row for row in rows if row.outcome == DONE]
    seeds = str(len(done)) if len(done) == len(rows) else f"{len(done)} of {len(rows)}"
    cells = [engine, seeds]
    cells += [told(mean_of(rows, name), decimals) for name, (_, decimals) in shown.items()]
    for name, (_, divisor, decimals) in _TAKEN.items():
        cells.append(told(_mean([getattr(row, name) for row in done], divisor), decimals))
    speeds = [row.n_frames / row.wall_s for row in done if row.wall_s]
    cells.append(told(_mean(speeds, 1.0), 1))
    return "| " + " | ".join(cells) + " |"


def stages(rows: Iterable[Row], *, engine: str) -> str:
    """Return where an engine's wall seconds go: a line for each kind of movie, means over seeds."""
    done = [row for row in latest(rows) if row.engine == engine and row.seconds]
    known = dict.fromkeys(name for row in done for name in row.seconds)
    names = sorted(known, key=lambda name: (_STAGES.index(name) if name in _STAGES else 99, name))
    titles = ["movies", "seeds", *names, "start, writing", "all"]
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for group in dict.fromkeys(group_of(row) for row in done):
        mine = [row for row in done if group_of(row) == group]
        rest = [(row.wall_s or 0.0) - sum(row.seconds.values()) for row in mine]
        columns = [[row.seconds.get(name) for row in mine] for name in names]
        columns += [rest, [row.wall_s for row in mine]]
        cells = [group, str(len(mine)), *(told(_mean(each, 1.0), 1) for each in columns)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mean(values: Sequence[float | int | None], divisor: float) -> float | None:
    known = [value / divisor for value in values if value is not None]
    return sum(known) / len(known) if known else None


def told(value: float | None, decimals: int) -> str:
    """Return a number of so many decimals; a dash where there is none."""
    return _UNKNOWN if value is None else f"{value:.{decimals}f}"


def draw(rows: Iterable[Row], folder: Path, *, engines: Sequence[str]) -> None:
    """Draw F1 against CPU seconds, and against memory: a point a movie."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "miniscope-nwb"  # the same file for the same rows
    from matplotlib.figure import Figure

    chosen = [row for row in latest(rows) if row.outcome == DONE and "f1" in row.figures]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, (name, (title, divisor, _)) in zip(
        figure.subplots(1, 2, sharey=True),
        ((name, _TAKEN[name]) for name in ("cpu_s", "peak_memory_bytes")),
        strict=True,
    ):
        for engine in engines:
            mine = [row for row in chosen if row.engine == engine and getattr(row, name)]
            axes.scatter(
                [getattr(row, name) / divisor for row in mine],
                [row.figures["f1"] for row in mine],
                s=16,
                label=engine,
            )
        axes.set_xscale("log")
        axes.set_xlabel(title)
        axes.set_ylabel("F1 of accepted components")
    figure.axes[0].legend(fontsize=8)
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "f1.svg", metadata={"Date": None})
