"""`miniscope-nwb curate`: a person's decisions on the components of a run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click


@click.command()
@click.argument("nwb_file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "source",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="Decisions: columns roi, accepted (true/false or 1/0), and if you like mask_type, "
    "confidence, reason, run; a first column without a name (an index) is not read.",
)
@click.option(
    "--export",
    "target",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="Write the current decisions there instead.",
)
@click.option("--round", "number", type=int, help="With --export: another round than the current.")
@click.option("--overwrite", is_flag=True, help="Replace the file of --export.")
@click.option("--run", help="Run of the processing; by default the one CSV names, or the last.")
@click.option("--note", default="", help="A remark on the new round.")
@click.option("--by", default="", help="Who decided.")
@click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
def curate(
    nwb_file: Path,
    source: Path | None,
    target: Path | None,
    number: int | None,
    overwrite: bool,
    run: str | None,
    note: str,
    by: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Accept or reject components of FILE.nwb by hand, as a new round of curation.

    Rounds stand side by side in the file; the new one becomes current. Components that the CSV
    file does not name keep their state, and decisions that change nothing add no round. Start from
    the present state with --export.

    \b
    Example:
      miniscope-nwb curate FILE.nwb --export decisions.csv
      miniscope-nwb curate FILE.nwb --from decisions.csv --by "J. Doe" --note "second look"
    """
    if (source is None) == (target is None):
        raise click.UsageError("give either --from CSV or --export CSV.")
    if number is not None and target is None:
        raise click.UsageError("--round goes with --export: a new round starts from the current.")
    from miniscope_nwb.cli.output_file import check_output_file
    from miniscope_nwb.cli.text import count
    from miniscope_nwb.nwb.processed import curation
    from miniscope_nwb.nwb.processed.decisions_csv import read_decision_file

    if target is not None:
        check_output_file(target, overwrite=overwrite)
        done = curation.export_round(nwb_file, target, run=run, number=number)
        sentence = (
            f"Round {done.round} of run {done.run}: {count(done.n_components, 'component')}, "
            f"{done.n_accepted} accepted, written to {target}."
        )
    else:
        assert source is not None
        rows = read_decision_file(source)
        done = curation.curate(nwb_file, rows, source=str(source), run=run, note=note, by=by)
        sentence = (
            f"Round {done.round} of run {done.run}: {done.n_accepted} of {done.n_components} "
            f"components accepted; {done.n_named} named, {done.n_changed} of them changed."
            if done.is_new
            else f"{source} says what round {done.round} of run {done.run} says already "
            f"({done.n_accepted} of {done.n_components} components accepted): no round was added."
        )
    if as_json:
        click.echo(json.dumps(asdict(done), ensure_ascii=False))
    elif not quiet:
        click.echo(sentence)
