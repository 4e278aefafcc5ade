"""`miniscope-nwb inspect`: what a raw folder holds, without writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from miniscope_nwb.convert.inspection import Inspection


@click.command()
@click.argument("raw", type=click.Path(path_type=Path))
@click.option("--scope-camnum", type=int, help="V3 only: the camNum of the miniscope.")
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Print problems only.")
def inspect(raw: Path, scope_camnum: int | None, as_json: bool, quiet: bool) -> int:
    """Say what the recording folder RAW holds: devices, time report and every problem.

    Writes nothing. Exit code 1 if `convert` would stop.

    \b
    Example:
      miniscope-nwb inspect data/2026_03_02/14_05_07
    """
    from miniscope_nwb.cli.text import say_refused
    from miniscope_nwb.convert.inspection import inspect_folder
    from miniscope_nwb.recording import ReadOptions

    found = inspect_folder(raw, ReadOptions(scope_camnum=scope_camnum))
    say_refused(raw)
    if as_json:
        answer = {"path": str(raw), "recordings": [_as_json(item) for item in found]}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for item in found:
            _print(item, quiet=quiet)
    return 0 if all(item.is_convertible for item in found) else 1


def _print(item: Inspection, *, quiet: bool) -> None:
    from miniscope_nwb.cli import text

    if not quiet:
        click.echo(text.describe_recording(item.recording))
        reasons = [match for match in item.matches if match.sources]
        click.echo(f"  recognised  {'; '.join(r for match in reasons for r in match.reasons)}")
        click.echo("\n" + text.timing_table(item.timing) + "\n")
    if item.problems:
        click.echo(text.problem_list(item.problems))
    elif not quiet:
        click.echo("  no problems found")


def _as_json(item: Inspection) -> dict[str, Any]:
    from miniscope_nwb.cli.machine import problem_json, recording_json, timing_json

    readers = [
        {"reader": match.reader, "recognises": bool(match.sources), "reasons": list(match.reasons)}
        for match in item.matches
    ]
    lost = [
        {
            "device": span.device, "start_s": span.start_s, "stop_s": span.stop_s,
            "n_lost": span.n_lost, "evidence": span.evidence,
        }
        for timeline in item.timelines.values()
        for span in timeline.lost
    ]  # fmt: skip
    return {
        **recording_json(item.recording),
        "readers": readers,
        "timing": [timing_json(timing) for timing in item.timing],
        "lost_frames": lost,
        "problems": [problem_json(problem) for problem in item.problems],
        "convertible": item.is_convertible,
    }
