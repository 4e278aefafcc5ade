"""`miniscope-nwb methods`: the methods paragraph of a paper, told by the file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click


@click.command()
@click.argument("nwb_file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@click.option("--run", help="Run of the processing; by default the last one.")
@click.option(
    "--format",
    "style",
    type=click.Choice(("markdown", "text")),
    default="markdown",
    show_default=True,
    help="How it is written.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it there; by default it is printed.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file of -o.")
@click.option("--quiet", is_flag=True, help="Do not say what was written where.")
def methods(
    nwb_file: Path, run: str | None, style: str, output: Path | None, overwrite: bool, quiet: bool
) -> None:
    """Write the methods paragraph of FILE.nwb: how its data were recorded and processed.

    Everything comes from the file; what it does not tell is said to be unknown. References are
    those that the run used, with a BibTeX block.

    \b
    Example:
      miniscope-nwb methods sub-m06/sub-m06_ses-20260302T140507_ophys.nwb -o methods.md
    """
    from miniscope_nwb.cli.output_file import check_output_file, write_output_file
    from miniscope_nwb.methods import methods_text
    from miniscope_nwb.methods.page import Style

    if output is not None:
        check_output_file(output, overwrite=overwrite)
    text = methods_text(nwb_file, run=run, style=cast("Style", style))
    if output is None:
        click.echo(text, nl=False)
    else:
        write_output_file(output, text)
        if not quiet:
            click.echo(f"wrote {output}", err=True)
