"""`miniscope-nwb init`: a metadata template that holds all that was found."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("raw", type=click.Path(path_type=Path))
@click.option("--scope-camnum", type=int, help="V3 only: the camNum of the miniscope.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file instead.")
@click.option("--overwrite", is_flag=True, help="Replace the file of -o.")
@click.option("--quiet", is_flag=True, help="No remarks on standard error.")
def init(
    raw: Path, scope_camnum: int | None, output: Path | None, overwrite: bool, quiet: bool
) -> None:
    """Print a commented session.yaml for the recording folder RAW.

    It holds all that was found and marks what DANDI needs and only you know. A folder of several
    recordings gives one template for all of them.

    \b
    Example:
      miniscope-nwb init data/2026_03_02/14_05_07 > session.yaml
    """
    from miniscope_nwb.cli.output_file import check_output_file, write_output_file
    from miniscope_nwb.convert.folder import read_recordings
    from miniscope_nwb.convert.template import write_template
    from miniscope_nwb.recording import ReadOptions

    recordings = read_recordings(raw, ReadOptions(scope_camnum=scope_camnum))
    template = write_template(recordings)
    if output is None:
        # Bytes, so that no console's code page and no line-end rule changes the template.
        click.echo(template.encode("utf-8"), nl=False)
    else:
        check_output_file(output, overwrite=overwrite)
        write_output_file(output, template)
    if not quiet:
        name = output or "FILE.yaml"  # where the shell wrote it to, nobody tells us
        hint = f"Fill in what is marked REQUIRED, then: miniscope-nwb convert {raw} -m {name}"
        click.echo(hint, err=True)
