"""`miniscope-nwb show`: what the processing left in a file."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

# A file cannot hold how long it took to be written.
_WITHOUT_WRITING = "  Writing into the file comes on top: `process` tells it at its end."


@click.command()
@click.argument("nwb_file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@click.option("--run", help="Only this run.")
@click.option("--round", "number", type=int, help="Count accepted cells by this round of curation.")
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Names of the runs only.")
def show(nwb_file: Path, run: str | None, number: int | None, as_json: bool, quiet: bool) -> None:
    """List the runs in FILE.nwb: cells found and accepted, motion, timings, rounds of curation.

    \b
    Example:
      miniscope-nwb show sub-m06/sub-m06_ses-20260302T140507_ophys.nwb
    """
    from miniscope_nwb.nwb.processed.summary import holds_movie, summarise

    found = summarise(nwb_file, run=run, number=number)
    if as_json:
        answer = {"path": str(nwb_file), "runs": found}
        click.echo(json.dumps(_plain(answer), indent=2, ensure_ascii=False))
    elif quiet:
        click.echo("".join(f"{item['run']}\n" for item in found), nl=False)
    elif found:
        click.echo(_text(found))
    elif holds_movie(nwb_file):
        click.echo(f"{nwb_file} holds no run yet: run `miniscope-nwb process {nwb_file}` first.")
    else:
        click.echo(f"{nwb_file} holds no run, and no movie of a miniscope to be processed.")


def _text(runs: list[dict[str, Any]]) -> str:
    parts = [_runs(runs), "\nasked for"]
    width = max(len(run["run"]) for run in runs)
    parts += [f"  {run['run'].ljust(width)}  {_asked_for(run)}" for run in runs]
    for run in runs:
        parts += [f"\n{run['run']}: rounds of curation", _rounds(run)]
        if run["emptied_by"]:
            parts.append(f"\n{run['run']}: nothing was found: {run['emptied_by']}.")
    last = runs[-1]
    return "\n".join([*parts, f"\n{last['run']}: stages", _stages(last)])


def _asked_for(run: dict[str, Any]) -> str:
    """Say in what a run differs from one with nothing but defaults."""
    said = []
    for item in run["parameters"]:
        if item["source"] != "user":  # those of a preset are told by its name
            continue
        value = json.loads(item["value_json"])
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        is_stage = item["stage"] != "run"
        said.append(
            f"{item['stage']}.{item['parameter']}={shown}"
            if is_stage
            else f"{item['parameter']} {shown}"
        )
    return ", ".join(said) or "nothing: all by default or derived from the movie"


def _runs(runs: list[dict[str, Any]]) -> str:
    from miniscope_nwb.cli.text import number, table

    header: tuple[str, ...] = (
        "run", "engine", "started", "cells", "accepted", "frames", "left out", "shift px (x, y)",
        "residual px", "seconds",
    )  # fmt: skip
    rows: list[tuple[str, ...]] = [
        (
            run["run"], f"{run['engine']} {_version(run)}", _when(run["started"]),
            str(run["n_components"]), str(run["n_accepted"]), str(run["n_frames"]),
            str(run["n_left_out"]),
            f"{number(run['shift_std_x'], 2)}, {number(run['shift_std_y'], 2)}",
            number(run["residual_motion_px"], 2), number(run["seconds"], 1),
        )
        for run in runs
    ]  # fmt: skip
    if any(run["series"] != "OnePhotonSeries" for run in runs):  # of several movies in the file
        header = (*header, "movie")
        rows = [(*row, run["series"]) for row, run in zip(rows, runs, strict=True)]
    return table(header, rows)


def _version(run: dict[str, Any]) -> str:
    """Version of the engine, which some engines write behind their name."""
    return str(run["engine_version"]).removeprefix(f"{run['engine']} ")


def _when(text: str) -> str:
    """Write an ISO 8601 time to the second, in UTC; as it is where it has no zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    if time.tzinfo is None:
        return text[:19]
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S} UTC"


def _rounds(run: dict[str, Any]) -> str:
    from miniscope_nwb.cli.text import table

    rows = [
        (
            f"{item['round']}{' (shown)' if item['round'] == run['round'] else ''}",
            _when(item["made_at"]), item["made_by"], str(item["n_accepted"]), item["note"],
        )
        for item in run["rounds"]
    ]  # fmt: skip
    return table(("round", "made at", "by", "accepted", "note"), rows)


def _stages(run: dict[str, Any]) -> str:
    from miniscope_nwb.cli.text import number, table
    from miniscope_nwb.sizes import size

    rows = [
        (item["stage"], number(item["seconds"], 1), size(item["peak_memory_bytes"]))
        for item in run["timings"]
    ]
    if rows:
        seconds = sum(item["seconds"] for item in run["timings"])
        peak = max(item["peak_memory_bytes"] for item in run["timings"])
        rows.append(("all", number(seconds, 1), size(peak)))
    return f"{table(('stage', 'seconds', 'peak memory'), rows)}\n{_WITHOUT_WRITING}"


def _plain(value: Any) -> Any:
    """Turn what is not a number into null: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
