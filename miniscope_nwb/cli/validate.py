"""`miniscope-nwb validate`: whether pynwb, NWB Inspector and DANDI accept the file."""

from __future__ import annotations

import json
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from miniscope_nwb.check.validate import ValidationFinding, ValidationReport

MARKS = {
    "error": "  ERROR     ",
    "critical": "  CRITICAL  ",
    "violation": "  violation ",
    "suggestion": "  suggestion",
    "note": "  note      ",
}
_N_PLACES = 3  # of a finding that are named; --json names all


@click.command()
@click.argument("nwb_file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Fail on best-practice violations too.")
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Print only why the file fails.")
def validate(nwb_file: Path, strict: bool, as_json: bool, quiet: bool) -> int:
    """Run pynwb, NWB Inspector (DANDI configuration) and dandi on FILE.nwb, off line.

    Exit code 1 on pynwb errors, critical findings and dandi errors; best-practice violations are
    listed, and fail only with --strict.

    \b
    Example:
      miniscope-nwb validate sub-m06/sub-m06_ses-20260302T140507_ophys.nwb
    """
    from miniscope_nwb.check import validate as check

    report = check.validate(nwb_file, strict=strict)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        _print(report, quiet=quiet)
    return 0 if report.is_valid else 1


def _print(report: ValidationReport, *, quiet: bool) -> None:
    shown = report.failing if quiet else report.findings
    groups: dict[ValidationFinding, list[str]] = {}
    for finding in shown:
        groups.setdefault(replace(finding, location=""), []).append(finding.location)
    for finding, places in reversed(groups.items()):  # the gravest last: there a person looks
        click.echo(_describe(finding, places))
    if quiet and report.is_valid:
        return
    counts = ", ".join(
        f"{number} {_plural(name, number)}" for name, number in report.counts.items()
    )
    verdict = "valid" if report.is_valid else "NOT VALID"
    click.echo(f"{report.path}: {verdict} ({counts})")


def _describe(finding: ValidationFinding, places: list[str]) -> str:
    """One entry for the same finding at all its places."""
    where = f"{places[0]}: " if places[0] else ""
    if len(places) > 1:
        rest = len(places) - _N_PLACES
        more = f" and {rest} more" if rest > 0 else ""
        where = f"{len(places)} times, at {', '.join(places[:_N_PLACES])}{more}: "
    lines = [f"{where}{finding.message} [{', '.join(finding.sources)}: {finding.check}]"]
    if finding.fix:
        lines.append(f"-> {finding.fix}")
    marks = (MARKS[finding.severity] + " ", " " * 13)
    return "\n".join(
        textwrap.fill(
            line,
            width=100,
            initial_indent=mark,
            subsequent_indent=" " * 13,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line, mark in zip(lines, marks, strict=False)
    )


def _plural(name: str, number: int) -> str:
    return name if number == 1 or name == "critical" else f"{name}s"
