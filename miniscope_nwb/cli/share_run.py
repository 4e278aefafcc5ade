"""What the commands of `share` do in common: enter, compare, send, and say how it went."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from miniscope_nwb.cli import share_text as text

if TYPE_CHECKING:
    from miniscope_nwb.share.access import Dandiset
    from miniscope_nwb.share.archive import Archive
    from miniscope_nwb.share.check import FileCheck
    from miniscope_nwb.share.outcome import Outcome
    from miniscope_nwb.share.plan import FilePlan
    from miniscope_nwb.share.settings import Settings

INTERRUPTED = 3  # exit code: the same command goes on


def settings_of(n_in_flight: int | None) -> Settings:
    """Return the usual settings, with another number of parts in flight where one is given."""
    from miniscope_nwb.share import settings

    chosen = settings.DEFAULT
    return chosen if n_in_flight is None else replace(chosen, n_in_flight=n_in_flight)


def enter(
    named: str, number: str, key_file: Path | None, *, as_json: bool, n_in_flight: int | None = None
) -> tuple[Archive, Dandiset, Mapping[str, Any]]:
    """Enter a dandiset that is to be written to, and say first of all which one it is."""
    from miniscope_nwb.share.opened import open_archive, open_dandiset

    archive, info = open_archive(
        named, key_file=key_file, needs_key=True, settings=settings_of(n_in_flight), say=text.say
    )
    dandiset = open_dandiset(archive, info, number, to_write=True)
    if not as_json:
        for line in text.where_to(archive, dandiset):
            click.echo(line)
    return archive, dandiset, info


def compare(
    archive: Archive, dandiset: Dandiset, check: FileCheck, plans: dict[Path, list[FilePlan]]
) -> FileCheck:
    """Compare a file and its videos with the dandiset; add what speaks against it."""
    from miniscope_nwb.share.online import compare_with_dandiset

    progress = text.Progress(is_quiet=False)
    found, added = compare_with_dandiset(archive, dandiset, check, progress=progress.hashing)
    progress.clear()
    plans[check.path] = found
    return replace(check, findings=(*check.findings, *added))


def print_checks(
    checks: Sequence[FileCheck],
    plans: dict[Path, list[FilePlan]],
    archive: Archive | None,
    dandiset: Dandiset | None,
    *,
    as_json: bool,
) -> None:
    """Print what was found out about files, off line and in the dandiset."""
    if as_json:
        answer: dict[str, Any] = {"fit": all(item.is_fit for item in checks)}
        if archive is not None and dandiset is not None:
            answer |= {
                "instance": text.as_plain(archive.instance),
                "dandiset": text.as_plain(dandiset),
            }
        answer["files"] = [
            {
                **text.as_plain(item),
                "fit": item.is_fit,
                "plans": [_plan_json(plan) for plan in plans.get(item.path, ())],
            }
            for item in checks
        ]
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    from miniscope_nwb.share.journal import read_rates, state_folder

    rate = read_rates(state_folder()).get(archive.instance.name) if archive else None
    for item in checks:
        click.echo(text.check_text(item))
        for plan in plans.get(item.path, ()):
            click.echo(text.plan_text(plan, rate=rate))


def _plan_json(plan: FilePlan) -> dict[str, Any]:
    return {
        "path": plan.file.path.as_posix(),
        "asset_path": plan.file.asset_path,
        "state": plan.state,
        "size": plan.digest.size,
        "etag": plan.digest.etag,
        "parts_to_send": plan.n_parts_to_send,
    }


def send(
    archive: Archive,
    dandiset: Dandiset,
    checks: Sequence[FileCheck],
    may_replace: bool,
    wait_s: float,
    *,
    as_json: bool,
) -> int:
    """Send files, print what became of them, and return the exit code."""
    from miniscope_nwb.share.journal import state_folder
    from miniscope_nwb.share.outcome import exit_code_of
    from miniscope_nwb.share.upload import Upload

    run = Upload(
        archive,
        dandiset,
        state=state_folder(),
        may_replace=may_replace,
        wait_s=wait_s,
        watcher=text.Progress(is_quiet=as_json),
    )
    outcomes = run.run(checks)
    code = exit_code_of(outcomes)
    left = _left_to_do(archive, dandiset, has_all=code == 0) if code in {0, 1, 4} else ()
    if as_json:
        answer = {
            "instance": text.as_plain(archive.instance),
            "dandiset": text.as_plain(dandiset),
            "exit_code": code,
            "files": [_outcome_json(outcome) for outcome in outcomes],
            "left_to_do": list(left),
        }
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return code
    for outcome in outcomes:
        if outcome.record is not None:
            click.echo(text.checked_text(outcome))
    for line in left:
        click.echo(f"left to do: {line}")
    if code == INTERRUPTED:
        click.echo("Not finished. Run the same command again: it sends only what is missing.")
    return code


def _left_to_do(archive: Archive, dandiset: Dandiset, *, has_all: bool) -> tuple[str, ...]:
    """Ask for what is left; that the archive does not tell takes nothing from what was sent."""
    from miniscope_nwb.errors import ShareError
    from miniscope_nwb.share.left_to_do import left_to_do

    try:
        return left_to_do(archive, dandiset, has_all=has_all)
    except ShareError as error:
        return (f"see the web page of the dandiset; the archive does not tell: {error}",)


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    said: dict[str, Any] = text.as_plain(outcome)
    said["how"] = text.outcome_words(outcome)
    return said
