"""A progress bar with frames per second and time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def frame_progress(
    label: str, *, quiet: bool, unit: str = "frame"
) -> Iterator[Callable[[int, int], None] | None]:
    """Give a callback (frames done, frames in all) that draws on standard error.

    `unit` is what is counted; ``"B"``, bytes, is written as `sizes` does.

    Without a terminal nothing is drawn but the last state; when quiet, nothing at all.
    """
    if quiet:
        yield None
        return
    import sys

    from tqdm import tqdm

    bars: list[tqdm] = []  # none is drawn before there is something to tell

    def update(done: int, total: int) -> None:
        if not bars:
            bars.append(
                tqdm(
                    desc=label, unit=unit, unit_scale=unit == "B", file=sys.stderr,
                    mininterval=0.2, disable=not sys.stderr.isatty(),
                )
            )  # fmt: skip
        bars[0].total = total
        bars[0].update(done - bars[0].n)

    try:
        yield update
    finally:
        for bar in bars:
            bar.close()
