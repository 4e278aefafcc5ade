"""What is seen of a run while it works: a line a stage, with a bar on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from miniscope_nwb.cli.amounts import duration
from miniscope_nwb.sizes import size

if TYPE_CHECKING:
    from miniscope_nwb.engines.base import Progress
    from miniscope_nwb.pipeline.options import Watch
    from miniscope_nwb.results import StageTiming


def terminal_watch(*, quiet: bool, as_json: bool) -> Watch:
    """Return what prints a run: stages and bars on standard error, warnings always."""
    from miniscope_nwb.pipeline.options import Watch

    if quiet or as_json:
        return Watch(say=_say_warning)
    return Watch(say=lambda sentence: click.echo(sentence, err=True), stage=_bar, finished=_line)


def _say_warning(sentence: str) -> None:
    if sentence.lower().startswith("warning"):
        click.echo(sentence, err=True)


@contextmanager
def _bar(stage: str) -> Iterator[Progress]:
    from tqdm import tqdm

    bar = tqdm(
        desc=stage.ljust(14), total=1, file=sys.stderr, mininterval=0.2, leave=False,
        disable=not sys.stderr.isatty(), bar_format="{desc} {percentage:3.0f}% {bar} {elapsed}",
    )  # fmt: skip

    def update(done: int, total: int) -> None:
        bar.total = max(1, total)
        bar.update(min(done, bar.total) - bar.n)

    try:
        yield update
    finally:
        bar.close()


def _line(timing: StageTiming, was_done: bool) -> None:
    took = f"{duration(timing.seconds):>9}  {size(timing.peak_memory_bytes):>9}"
    click.echo(f"{timing.stage:<14} {took}{'  (done before)' if was_done else ''}", err=True)
