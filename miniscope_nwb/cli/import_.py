"""`miniscope-nwb import`: results that CaImAn computed elsewhere, into the same tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from miniscope_nwb.cli.run_options import make_options, run_options


@click.command("import")
@click.argument("nwb_file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@click.argument("results", metavar="RESULTS.hdf5", type=click.Path(path_type=Path))
@run_options(without=("engine", "masks", "caiman_python"))
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="No progress, no summary; warnings and errors only.")
def import_(nwb_file: Path, results: Path, as_json: bool, quiet: bool, **choices: Any) -> None:
    """Take the components that CaImAn saved in RESULTS.hdf5 into FILE.nwb.

    Summary images, traces and quality are made of the movie as in every run; CaImAn's own decision
    is kept beside ours as a round of curation. Results of another field or number of frames are
    refused.

    \b
    Example:
      miniscope-nwb import sub-m06/sub-m06_ses-20260302T140507_ophys.nwb analysis_results.hdf5
    """
    import json

    from miniscope_nwb.cli import run_text
    from miniscope_nwb.cli.run_progress import terminal_watch
    from miniscope_nwb.pipeline.imported import import_results

    options = make_options(**choices)
    watch = terminal_watch(quiet=quiet, as_json=as_json)
    done = import_results(nwb_file, results, options, watch=watch)
    if as_json:
        click.echo(json.dumps(run_text.result_json(done), indent=2, ensure_ascii=False))
    elif not quiet:
        click.echo(run_text.result_text(done))
