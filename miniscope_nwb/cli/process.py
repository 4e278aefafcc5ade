"""`miniscope-nwb process`: the cells of a recording, into its NWB file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from miniscope_nwb.cli.plan import show_plan
from miniscope_nwb.cli.run_options import make_options, run_options


@click.command()
@click.argument("nwb_file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@run_options()
@click.option("--dry-run", is_flag=True, help="Say what would be done, as `plan` does.")
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="No progress, no summary; warnings and errors only.")
def process(nwb_file: Path, dry_run: bool, as_json: bool, quiet: bool, **choices: Any) -> None:
    """Correct motion, find cells, make traces and judge them: everything into FILE.nwb.

    No parameter has to be given. A run that was interrupted goes on where it stood; the same run
    again does nothing; other parameters make a second run beside the first. FILE.nwb is replaced,
    whole, at the end; its raw movie is never changed.

    \b
    Example:
      miniscope-nwb process sub-m06/sub-m06_ses-20260302T140507_ophys.nwb
      miniscope-nwb process FILE.nwb --preset GCaMP6f -p motion.method=piecewise --run bent
    """
    import json

    from miniscope_nwb.cli import run_text
    from miniscope_nwb.cli.run_progress import terminal_watch

    options = make_options(**choices)
    if dry_run:
        show_plan(nwb_file, options, as_json=as_json, quiet=quiet)
        return
    from miniscope_nwb.pipeline.process import process as process_file

    done = process_file(nwb_file, options, watch=terminal_watch(quiet=quiet, as_json=as_json))
    if as_json:
        click.echo(json.dumps(run_text.result_json(done), indent=2, ensure_ascii=False))
    elif not quiet:
        click.echo(run_text.result_text(done))
