"""`miniscope-nwb demo`: the whole pipeline on a simulated recording, in under three minutes."""

from __future__ import annotations

import itertools
from pathlib import Path

import click

DEFAULT_FOLDER = "miniscope-nwb-demo"


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--seed", default=0, show_default=True, help="Of the simulated recording.")
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Print the result only.")
def demo(folder: Path | None, seed: int, as_json: bool, quiet: bool) -> int:
    """Simulate, convert, verify, process and validate one recording in FOLDER.

    Without FOLDER a new one named miniscope-nwb-demo is made here.

    \b
    Example:
      miniscope-nwb demo
    """
    import json
    import time

    from miniscope_nwb.cli.text import say
    from miniscope_nwb.demo import run_demo

    started = time.perf_counter()
    done = run_demo(
        folder or _new_folder(), seed=seed, say=lambda text: say(text, quiet=quiet or as_json)
    )
    is_good = done.is_verified and done.is_valid
    if as_json:
        answer = {
            "raw": str(done.raw), "nwb": str(done.nwb), "verified": done.is_verified,
            "valid": done.is_valid, "planted": done.n_planted, "found": done.n_found,
            "false": done.n_false, "seconds": time.perf_counter() - started,
        }  # fmt: skip
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        verified = "equal to the raw data" if done.is_verified else "NOT equal to the raw data"
        valid = "valid" if done.is_valid else "NOT valid"
        click.echo(f"\n{done.nwb}\nis {verified} and {valid}.")
        click.echo(
            f"It holds {done.n_found} of the {done.n_planted} planted cells, and {done.n_false} "
            "accepted components that are none."
        )
        seconds = time.perf_counter() - started
        say(f"Done in {seconds:.0f} s. Now your own: miniscope-nwb inspect FOLDER", quiet=quiet)
    return 0 if is_good else 1


def _new_folder() -> Path:
    """Name a folder that does not exist: the demo never touches an earlier one."""
    numbered = (Path(f"{DEFAULT_FOLDER}-{number}") for number in itertools.count(2))
    candidates = itertools.chain([Path(DEFAULT_FOLDER)], numbered)
    return next(path for path in candidates if not path.exists())
