"""`miniscope-nwb doctor`: is this computer fit, and what to do where it is not."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

MARKS = {"ok": "  ok     ", "note": "  note   ", "warning": "  WARNING", "error": "  ERROR  "}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Print warnings and errors only.")
def doctor(folder: Path, as_json: bool, quiet: bool) -> int:
    """Look at the Python environment, the decoders, memory and disk, with a remedy for each fault.

    FOLDER is where files will be written; default: the current one. Exit code 1 if something that
    a command needs is missing or broken; warnings do not count.

    \b
    Example:
      miniscope-nwb doctor
      miniscope-nwb doctor /data/nwb --json
    """
    from miniscope_nwb.check.doctor import examine
    from miniscope_nwb.cli.text import count

    findings = examine(folder)
    n_errors = sum(finding.status == "error" for finding in findings)
    n_warnings = sum(finding.status == "warning" for finding in findings)
    if as_json:
        answer = {"fit": n_errors == 0, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return 1 if n_errors else 0
    for finding in findings:
        if quiet and finding.status in {"ok", "note"}:
            continue
        click.echo(f"{MARKS[finding.status]} {finding.topic:<16} {finding.message}")
        if finding.remedy:
            click.echo(f"{'':27}-> {finding.remedy}")
    if not quiet:
        click.echo(f"{count(n_errors, 'error')}, {count(n_warnings, 'warning')}")
    return 1 if n_errors else 0
