"""`miniscope-nwb plan`: what `process` would do, and what it would take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from miniscope_nwb.cli.run_options import make_options, run_options

if TYPE_CHECKING:
    from miniscope_nwb.pipeline.options import ProcessOptions


@click.command()
@click.argument("nwb_file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@run_options()
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Print the totals only.")
def plan(nwb_file: Path, as_json: bool, quiet: bool, **choices: Any) -> None:
    """Predict memory, scratch disk and time of `process` from a short probe of the movie.

    Nothing is written. Stages that an interrupted run has finished are named. What `process` would
    refuse or warn of is told here, too.

    \b
    Example:
      miniscope-nwb plan FILE.nwb --max-memory 4GB
    """
    show_plan(nwb_file, make_options(**choices), as_json=as_json, quiet=quiet)


def show_plan(nwb_file: Path, options: ProcessOptions, *, as_json: bool, quiet: bool) -> None:
    """Print what `process` would do; what it would warn of goes to standard error, as there."""
    from miniscope_nwb.cli import run_text
    from miniscope_nwb.engines.compiled import builtin_is_compiled
    from miniscope_nwb.pipeline.first_run import in_words
    from miniscope_nwb.pipeline.plan import plan as plan_file

    if options.engine != "caiman" and not builtin_is_compiled():
        click.echo(in_words(), err=True)  # half a minute of silence otherwise
    planned = plan_file(nwb_file, options)
    for warning in planned.warnings:
        click.echo(warning, err=True)
    click.echo(run_text.plan_json(planned) if as_json else run_text.plan_text(planned, quiet=quiet))
