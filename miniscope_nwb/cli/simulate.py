"""`miniscope-nwb simulate`: a recording with a known answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from miniscope_nwb.simulate.options import Codec, Corruption, Format, LevelName, Software


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--format", "format_", type=click.Choice(get_args(Format)), default="v4", show_default=True,
    help="Acquisition software: v4 (Miniscope-DAQ-QT-Software), v3 (the older one), ONIX.",
)  # fmt: skip
@click.option(
    "--level", type=click.Choice(get_args(LevelName)), default="moderate", show_default=True,
    help="How difficult: density and brightness of cells, noise, motion. `noise` has no cells.",
)  # fmt: skip
@click.option(
    "--width", type=click.IntRange(min=32), default=240, show_default=True, help="Pixels."
)
@click.option(
    "--height", type=click.IntRange(min=32), default=200, show_default=True, help="Pixels."
)
@click.option(
    "--frames", type=click.IntRange(min=1), default=600, show_default=True,
    help="Recorded frames of each miniscope.",
)  # fmt: skip
@click.option(
    "--rate", type=click.FloatRange(min=0, max=1000, min_open=True), default=20.0,
    show_default=True, help="Frames per second.",
)  # fmt: skip
@click.option("--cells", type=click.IntRange(min=0), help="Number of cells. Default: by the level.")
@click.option("--motion", type=click.FloatRange(min=0), help="RMS of the rigid motion, pixels.")
@click.option("--noise", type=click.FloatRange(min=0), help="Standard deviation, grey levels.")
@click.option(
    "--lost-frames", type=click.IntRange(min=0), default=0, show_default=True,
    help="Frames that the hardware drops, in up to three spans.",
)  # fmt: skip
@click.option(
    "--corrupt", type=click.Choice(get_args(Corruption)),
    help="Damage the files of the first miniscope.",
)  # fmt: skip
@click.option("--frames-per-file", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option(
    "--codec", type=click.Choice(get_args(Codec)),
    help="Of the miniscopes. Default: FFV1 for v4, DIB for v3 and ONIX.",
)  # fmt: skip
@click.option("--scopes", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--cameras", type=click.IntRange(min=0), help="Default: 1, and 0 for ONIX.")
@click.option("--no-orientation", is_flag=True, help="No head orientation.")
@click.option(
    "--software", type=click.Choice(get_args(Software)), default="2.0.0", show_default=True,
    help="Version of the V4 software; 2.0.0 records the hardware's frame counter.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--threads", type=click.IntRange(min=1), default=2, show_default=True,
    help="Changes the speed, never the result.",
)  # fmt: skip
@click.option(
    "--start-time", help="Start of the recording, ISO 8601 with zone. Default: a fixed one."
)
@click.option("--subject", default="m06", show_default=True, help="Name of the animal.")
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
def simulate(
    folder: Path,
    format_: str,
    no_orientation: bool,
    start_time: str | None,
    as_json: bool,
    quiet: bool,
    **choices: Any,
) -> None:
    """Write a simulated recording into FOLDER, which must be new or empty.

    The raw folder looks as the acquisition software writes it; the truth (cells, spikes, motion,
    lost frames) stands beside it in FOLDER/ground_truth.nwb. The same options give the same bytes.

    \b
    Example:
      miniscope-nwb simulate practice/ --level easy
      miniscope-nwb convert  practice/
    """
    import json

    from miniscope_nwb.cli.progress import frame_progress
    from miniscope_nwb.cli.text import count
    from miniscope_nwb.simulate.folder import simulate as simulate_folder
    from miniscope_nwb.simulate.options import DEFAULT_START, SimulateOptions

    start = DEFAULT_START if start_time is None else _parse_time(start_time)
    options = SimulateOptions(orientation=not no_orientation, start_time=start, **choices)
    with frame_progress(folder.name, quiet=quiet or as_json) as progress:
        result = simulate_folder(folder, format=format_, options=options, progress=progress)
    if as_json:
        answer = {
            "raw": str(result.raw), "truth": str(result.truth), "format": format_,
            "frames": result.n_frames, "lost": result.n_lost, "cells": result.n_cells,
            "duration_s": result.duration_s,
        }  # fmt: skip
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif not quiet:
        whose = "its" if result.n_cells == 1 else "their"
        cells = f"{count(result.n_cells, 'cell')}, {whose} spikes"
        lost = f", {options.lost_frames} more lost" if result.n_lost else ""
        click.echo(
            f"{result.raw}\n  {count(result.n_frames, 'frame')} a miniscope{lost}; "
            f"{result.duration_s:.1f} s\n"
            f"{result.truth}\n  the truth: {cells}, and the motion"
        )


def _parse_time(text: str) -> Any:
    from datetime import datetime

    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no time; write it like 2026-03-02T14:05:07+01:00.",
            param_hint="--start-time",
        ) from error
