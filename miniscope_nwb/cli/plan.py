"""`miniscope-nwb plan`: what `process` would do, and what it would take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from miniscope_nwb.cli.run_options import make_options, run_options


@click.command()
@click.argument("nwb_file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@run_options()
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Print the totals only.")
def plan(nwb_file: Path, as_json: bool, quiet: bool, **choices: Any) -> None:
    """Predict memory, scratch disk and time of `process` from a short probe of the movie.

    Nothing is written. Stages that an interrupted run has finished are named.

    \b
    Example:
      miniscope-nwb plan FILE.nwb --max-memory 4GB
    """
    from miniscope_nwb.cli import run_text
    from miniscope_nwb.pipeline.plan import plan as plan_file

    planned = plan_file(nwb_file, make_options(**choices))
    if as_json:
        click.echo(run_text.plan_json(planned))
    else:
        click.echo(run_text.plan_text(planned, quiet=quiet))
