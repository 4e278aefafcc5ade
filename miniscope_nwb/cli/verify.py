"""`miniscope-nwb verify`: whether the NWB file is the raw recording, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("nwb_file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@click.option(
    "--raw",
    required=True,
    type=click.Path(path_type=Path),
    help="The raw recording: session folder, device folder, or the folder that was converted.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Print differences only.")
def verify(nwb_file: Path, raw: Path, as_json: bool, quiet: bool) -> int:
    """Compare FILE.nwb with the raw recording: every frame, time stamp and checksum.

    The video is decoded again, by another decoder than `convert` used, and the text files are
    parsed anew. Repairs, trimming and lost frames that the file tells of are applied. Exit code 1
    if anything differs.

    \b
    Example:
      miniscope-nwb verify sub-m06/sub-m06_ses-20260302T140507_ophys.nwb --raw data/14_05_07
    """
    from miniscope_nwb.check import verify as check
    from miniscope_nwb.cli.progress import frame_progress

    with frame_progress("verify", quiet=quiet or as_json) as progress:
        report = check.verify(nwb_file, raw, progress=progress)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    elif not (quiet and report.is_identical):
        for line in report.lines():
            if not quiet or line.startswith(("DIFFERENT", "...")):
                click.echo(line)
    return 0 if report.is_identical else 1
