"""`miniscope-nwb split`: a processed file becomes a raw and a processed part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from miniscope_nwb.nwb.parting.split import SplitResult


@click.command()
@click.argument("nwb_file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files, which go into sub-<subject>/ there; by default beside FILE.nwb.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that hold something else.")
@click.option(
    "--link-videos",
    type=click.Choice(("copy", "hard")),
    default="copy",
    show_default=True,
    help="Behaviour videos beside the raw part: cloned or copied, or hard-linked.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
def split(
    nwb_file: Path,
    output: Path | None,
    overwrite: bool,
    link_videos: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Split FILE.nwb into what was recorded and what was made of it.

    The raw part (desc-raw) is everything that was converted, byte by byte the same whenever it is
    made; the processed part (desc-processed) holds cells, traces and tables and stands by itself.
    After a new curation only the processed part changes. FILE.nwb stays as it is; `join` puts both
    together again.

    \b
    Example:
      miniscope-nwb split sub-m06/sub-m06_ses-20260302T140507_ophys.nwb
    """
    from dataclasses import replace
    from typing import cast

    from miniscope_nwb.check.dandi_names import planned_name
    from miniscope_nwb.cli.progress import frame_progress
    from miniscope_nwb.nwb.parting.split import split_file
    from miniscope_nwb.nwb.read import read_identity
    from miniscope_nwb.session import VideoLinks

    identity = read_identity(nwb_file)
    raw = Path(planned_name(identity, desc="raw"))
    other = Path(planned_name(replace(identity, has_behaviour=False), desc="processed"))
    if output is None:
        folder = nwb_file.parent
    else:  # as `convert` does: a folder for each subject, unless it is that folder already
        folder = output if output.name == raw.parent.name else output / raw.parent
    with frame_progress(nwb_file.name, quiet=quiet or as_json, unit="B") as progress:
        done = split_file(
            nwb_file,
            folder / raw.name,
            folder / other.name,
            overwrite=overwrite,
            link_videos=cast("VideoLinks", link_videos),
            progress=progress,
        )
    if as_json or not quiet:
        _tell(done, as_json=as_json)


def _tell(done: SplitResult, *, as_json: bool) -> None:
    from miniscope_nwb.sizes import size

    parts = {"raw": done.raw, "processed": done.processed}
    if as_json:
        answer = {
            name: {"path": str(part.path), "state": part.state, "bytes": part.n_bytes}
            for name, part in parts.items()
        }
        click.echo(json.dumps({**answer, "videos": done.n_videos}, ensure_ascii=False))
    else:
        for part in parts.values():
            click.echo(f"{part.path}: {size(part.n_bytes)}, {part.state}")
        if done.n_videos:
            what = "behaviour video" if done.n_videos == 1 else "behaviour videos"
            click.echo(f"{done.n_videos} {what} beside {done.raw.path.name}")
