"""`miniscope-nwb share`: from the file on the bench to a verified asset in the DANDI archive."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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

_INTERRUPTED = 3
Command = Callable[..., Any]


@click.group(name="share")
def share() -> None:
    """Check, send and verify files in the DANDI archive.

    Nothing is ever deleted, renamed, published or opened to the public for you.

    \b
    Exit codes: 0 done; 1 a file is not fit; 2 wrong use, no key or no right;
                3 interrupted or unreachable: the same command goes on;
                4 the archive holds something else than the file.

    \b
    Example:
      miniscope-nwb share check  sub-m06/*.nwb
      miniscope-nwb share check  sub-m06/*.nwb --dandiset 000123
      miniscope-nwb share upload sub-m06/*.nwb --dandiset 000123
      miniscope-nwb share verify sub-m06/*.nwb
    """


def _files(command: Command) -> Command:
    return click.argument(
        "files", metavar="FILE.nwb...", nargs=-1, required=True, type=click.Path(path_type=Path)
    )(command)


def _archive_options(command: Command) -> Command:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Answer for programs."),
        click.option(
            "--api-key-file",
            "key_file",
            type=click.Path(path_type=Path),
            help="A file with your key and nothing else. Default: the archive's own variable "
            "(DANDI_API_KEY, ...; MINISCOPE_NWB_API_KEY for an address), then the keyring.",
        ),
        click.option(
            "--instance",
            metavar="NAME|URL",
            help="The archive: dandi (default), dandi-sandbox, ember-dandi, or an address.",
        ),
    ):
        command = option(command)
    return command


@share.command()
@_files
@click.option("--dandiset", "number", metavar="ID", help="Compare with this dandiset too.")
@_archive_options
def check(
    files: tuple[Path, ...],
    number: str | None,
    instance: str | None,
    key_file: Path | None,
    as_json: bool,
) -> int:
    """Say whether files are fit for the archive; nothing is sent.

    Off line: the name, the videos, what becomes public, and everything that pynwb, NWB Inspector
    and dandi object to. With --dandiset also your rights, and what the archive holds already.
    """
    from miniscope_nwb.share.check import check_file, same_place_twice

    archive, dandiset = None, None
    if number is not None:
        archive, dandiset = _enter(instance or "dandi", number, key_file, as_json=as_json)
    elif instance or key_file:
        raise click.UsageError("--instance and --api-key-file need --dandiset: name it too.")
    checks = same_place_twice([check_file(path) for path in files])
    plans: dict[Path, list[FilePlan]] = {}
    if archive is not None and dandiset is not None:
        checks = tuple(_compare(archive, dandiset, item, plans) for item in checks)
    _print_checks(checks, plans, archive, dandiset, as_json=as_json)
    return 0 if all(item.is_fit for item in checks) else 1


@share.command()
@_files
@click.option("--dandiset", "number", metavar="ID", required=True, help="Six digits.")
@click.option("--replace", "may_replace", is_flag=True, help="Replace assets with other bytes.")
@click.option("--jobs", type=click.IntRange(1, 16), help="Parts in flight; default 2.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Seconds to wait for the archive's own check.",
)
@_archive_options
def upload(
    files: tuple[Path, ...],
    number: str,
    may_replace: bool,
    jobs: int | None,
    wait_s: float,
    instance: str | None,
    key_file: Path | None,
    as_json: bool,
) -> int:
    """Check files, send them with the videos that they name, read them back, record it.

    Interrupted at any moment, the same command goes on and sends only what is missing. Beside each
    file a record `<stem>.dandi.json` tells what was sent where.
    """
    from miniscope_nwb.share.check import check_file, same_place_twice
    from miniscope_nwb.share.journal import check_state_folder, state_folder, trust

    archive = None
    try:
        archive, dandiset = _enter(
            instance or "dandi", number, key_file, as_json=as_json, n_in_flight=jobs
        )
        check_state_folder(state_folder())
        trust(state_folder(), archive.instance.api)
        checks = same_place_twice([check_file(path) for path in files])
        if not as_json:
            for item in checks:
                click.echo(text.check_text(item))
        archive.transport.patience_s = archive.transport.settings.patience_s
        return _send(archive, dandiset, checks, may_replace, wait_s, as_json=as_json)
    except KeyboardInterrupt:
        if as_json:
            click.echo(json.dumps({"error": "interrupted", "exit_code": _INTERRUPTED}))
        text.say("Interrupted. Run the same command again: it sends only what is missing.")
        return _INTERRUPTED
    finally:
        if archive is not None:
            archive.transport.close()


@share.command()
@_files
@click.option("--dandiset", "number", metavar="ID", help="Default: as the record says.")
@_archive_options
def verify(
    files: tuple[Path, ...],
    number: str | None,
    instance: str | None,
    key_file: Path | None,
    as_json: bool,
) -> int:
    """Compare files with the archive and with the record beside them; nothing is sent.

    Without a record (`<stem>.dandi.json`) name the --dandiset: the archive alone is asked.
    """
    from miniscope_nwb.share.targets import find_targets, verify_targets

    progress = text.Progress(is_quiet=as_json)

    def enter(named: str) -> Any:
        from miniscope_nwb.share.opened import open_archive

        return open_archive(
            named,
            key_file=key_file,
            needs_key=False,
            settings=_settings(None),
            say=text.say,
            is_named_by_user=instance is not None,
        )

    targets = [
        target for path in files for target in find_targets(path, number=number, instance=instance)
    ]
    found = []
    for item in verify_targets(targets, enter=enter, progress=progress.hashing):
        progress.clear()
        found.append(item)
        if not as_json:
            click.echo(text.comparison_text(item))
    if as_json:
        answer = {"same": all(i.is_same for i in found), "files": [text.as_json(i) for i in found]}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0 if all(item.is_same for item in found) else 4


def _settings(n_in_flight: int | None) -> Settings:
    from miniscope_nwb.share import settings

    chosen = settings.DEFAULT
    return chosen if n_in_flight is None else replace(chosen, n_in_flight=n_in_flight)


def _enter(
    named: str, number: str, key_file: Path | None, *, as_json: bool, n_in_flight: int | None = None
) -> tuple[Archive, Dandiset]:
    """Enter a dandiset that is to be written to, and say first of all which one it is."""
    from miniscope_nwb.share.opened import open_archive, open_dandiset

    archive, info = open_archive(
        named, key_file=key_file, needs_key=True, settings=_settings(n_in_flight), say=text.say
    )
    dandiset = open_dandiset(archive, info, number, to_write=True)
    if not as_json:
        for line in text.where_to(archive, dandiset):
            click.echo(line)
    return archive, dandiset


def _compare(
    archive: Archive, dandiset: Dandiset, check: FileCheck, plans: dict[Path, list[FilePlan]]
) -> FileCheck:
    """Compare a file and its videos with the dandiset; add what speaks against it."""
    from miniscope_nwb.share.online import compare_with_dandiset

    progress = text.Progress(is_quiet=False)
    found, added = compare_with_dandiset(archive, dandiset, check, progress=progress.hashing)
    progress.clear()
    plans[check.path] = found
    return replace(check, findings=(*check.findings, *added))


def _print_checks(
    checks: Sequence[FileCheck],
    plans: dict[Path, list[FilePlan]],
    archive: Archive | None,
    dandiset: Dandiset | None,
    *,
    as_json: bool,
) -> None:
    if as_json:
        answer: dict[str, Any] = {"fit": all(item.is_fit for item in checks)}
        if archive is not None and dandiset is not None:
            answer |= {
                "instance": text.as_json(archive.instance),
                "dandiset": text.as_json(dandiset),
            }
        answer["files"] = [
            {
                **text.as_json(item),
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


def _send(
    archive: Archive,
    dandiset: Dandiset,
    checks: Sequence[FileCheck],
    may_replace: bool,
    wait_s: float,
    *,
    as_json: bool,
) -> int:
    from miniscope_nwb.share.journal import state_folder
    from miniscope_nwb.share.left_to_do import left_to_do
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
    left = left_to_do(archive, dandiset) if code in {0, 1, 4} else ()
    if as_json:
        answer = {
            "instance": text.as_json(archive.instance),
            "dandiset": text.as_json(dandiset),
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
    if code == _INTERRUPTED:
        click.echo("Not finished. Run the same command again: it sends only what is missing.")
    return code


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    said: dict[str, Any] = text.as_json(outcome)
    said["how"] = text.outcome_words(outcome)
    return said
