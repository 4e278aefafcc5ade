"""`miniscope-nwb convert`: a raw folder becomes one NWB file a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from miniscope_nwb.session import Compression, ConvertOptions, Mismatch, StampPolicy, VideoLinks


@click.command()
@click.argument("raw", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path),
    help="NWB file, or a folder for files of the default names "
    "(sub-<subject>/sub-<subject>_ses-<session>_<modalities>.nwb).",
)  # fmt: skip
@click.option(
    "-m", "--metadata", "metadata_files", multiple=True, type=click.Path(path_type=Path),
    help="Session YAML, see `init`. Several are merged in order, the later wins.",
)  # fmt: skip
@click.option(
    "--overwrite", is_flag=True, help="Replace an existing NWB file, once the new one is complete."
)
@click.option("--stub", type=click.IntRange(min=1), help="Only the first N frames of every device.")
@click.option(
    "--on-mismatch", type=click.Choice(get_args(Mismatch)), default="stop", show_default=True,
    help="Where stamps and frames disagree and no damaged file explains it: stop, trim (drop what "
    "has no partner) or pad (extrapolate missing stamps). The end of a video that is cut off is "
    "trimmed in any case, with a warning.",
)  # fmt: skip
@click.option(
    "--stamps", type=click.Choice(get_args(StampPolicy)), default="strict", show_default=True,
    help="Where stamps run backward: strict stops, keep stores them as recorded, interpolate "
    "mends isolated ones.",
)  # fmt: skip
@click.option("--timezone", help="Zone of a recording that tells none: Europe/Berlin, UTC, +02:00.")
@click.option("--start-time", help="Start of the recording, ISO 8601: 2026-03-02T14:05:07.")
@click.option("--scope-camnum", type=int, help="V3 only: the camNum of the miniscope.")
@click.option("--embed-video", is_flag=True, help="Store behaviour frames inside the NWB file.")
@click.option(
    "--link-videos", type=click.Choice(get_args(VideoLinks)), default="copy", show_default=True,
    help="Behaviour videos beside the NWB file: cloned or copied, hard-linked, or left in place.",
)  # fmt: skip
@click.option("--join", is_flag=True, help="All recordings of the folder into one file.")
@click.option(
    "--compression", type=click.Choice(get_args(Compression)), default="gzip", show_default=True,
    help="gzip opens in every HDF5 reader.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="No progress, no summary; warnings and errors only.")
def convert(
    raw: Path,
    output: Path | None,
    metadata_files: tuple[Path, ...],
    as_json: bool,
    quiet: bool,
    **choices: Any,
) -> None:
    """Convert the recording folder RAW into one NWB file a recording.

    The raw folder is never written to, and a file appears under its name only when it is complete.

    \b
    Example:
      miniscope-nwb convert data/2026_03_02/14_05_07 -m lab.yaml -m session.yaml
    """
    import json
    from dataclasses import replace

    from miniscope_nwb.cli import summary, text
    from miniscope_nwb.cli.progress import frame_progress
    from miniscope_nwb.convert.folder import plan_folder
    from miniscope_nwb.nwb.io import write_plan
    from miniscope_nwb.nwb.target import check_output

    options = ConvertOptions(**choices)
    planned = plan_folder(raw, output=output, metadata_files=metadata_files, options=options)
    text.say_refused(raw)
    for file in planned:  # before the first is written, not after
        check_output(file.plan, file.output)
    answers = []
    for file in planned:
        with frame_progress(file.output.name, quiet=quiet or as_json) as progress:
            result = write_plan(file.plan, file.output, progress=progress)
        result = replace(result, problems=(*result.problems, *file.remarks))
        if as_json:
            answers.append(summary.as_json(file.plan, result))
        else:
            click.echo(summary.as_text(file.plan, result, quiet=quiet), nl=not quiet)
    if as_json:
        click.echo(json.dumps({"files": answers}, indent=2, ensure_ascii=False))
