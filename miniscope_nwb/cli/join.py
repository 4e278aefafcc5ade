"""`miniscope-nwb join`: the raw and the processed part become one file again."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("raw", metavar="RAW.nwb", type=click.Path(path_type=Path))
@click.argument("processed", metavar="PROCESSED.nwb", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="FILE.nwb", required=True, type=click.Path(path_type=Path),
    help="The file that is made.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option(
    "--link-videos", type=click.Choice(("copy", "hard")), default="copy", show_default=True,
    help="Behaviour videos beside the new file: cloned or copied, or hard-linked.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
def join(
    raw: Path,
    processed: Path,
    output: Path,
    overwrite: bool,
    link_videos: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Join the two parts that `split` made; the processed one may have been curated since.

    The new file equals the one that was split, but for its identifier and the folder of its videos.
    Parts of two recordings are refused, by session and by the checksum of the movie.

    \b
    Example:
      miniscope-nwb join sub-m06_ses-1_desc-raw_ophys.nwb sub-m06_ses-1_desc-processed_ophys.nwb \\
        -o sub-m06_ses-1_ophys.nwb
    """
    from typing import cast

    from miniscope_nwb.cli.progress import frame_progress
    from miniscope_nwb.nwb.parting.join import join_files
    from miniscope_nwb.session import VideoLinks
    from miniscope_nwb.sizes import size

    with frame_progress(output.name, quiet=quiet or as_json, unit="B") as progress:
        done = join_files(
            raw, processed, output, overwrite=overwrite,
            link_videos=cast("VideoLinks", link_videos), progress=progress,
        )  # fmt: skip
    if as_json:
        answer = {
            "path": str(done.path), "bytes": done.n_bytes, "runs": done.runs,
            "videos": done.n_videos,
        }  # fmt: skip
        click.echo(json.dumps(answer, ensure_ascii=False))
    elif not quiet:
        runs = f"run{'s' if len(done.runs) > 1 else ''} {', '.join(done.runs)}"
        click.echo(f"{done.path}: {size(done.n_bytes)}, {runs}")
