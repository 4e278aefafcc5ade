"""`miniscope-nwb share`: from the file on the bench to a verified asset in the DANDI archive."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from miniscope_nwb.cli import interrupt, share_run
from miniscope_nwb.cli import share_text as text

if TYPE_CHECKING:
    from miniscope_nwb.share.plan import FilePlan

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


def _keep_quiet(context: click.Context, _: click.Parameter, is_quiet: bool) -> None:
    context.meta[text.NO_PROGRESS] = is_quiet


def _archive_options(command: Command) -> Command:
    for option in (
        click.option(
            "--quiet",
            is_flag=True,
            expose_value=False,
            callback=_keep_quiet,
            help="No progress, only results.",
        ),
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
    from miniscope_nwb.share.check import check_file, seen_together

    archive, dandiset = None, None
    if number is not None:
        archive, dandiset, _ = share_run.enter(
            instance or "dandi", number, key_file, as_json=as_json
        )
    elif instance or key_file:
        raise click.UsageError("--instance and --api-key-file need --dandiset: name it too.")
    checks = seen_together([check_file(path) for path in files])
    plans: dict[Path, list[FilePlan]] = {}
    if archive is not None and dandiset is not None:
        checks = tuple(share_run.compare(archive, dandiset, item, plans) for item in checks)
    share_run.print_checks(checks, plans, archive, dandiset, as_json=as_json)
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
    from miniscope_nwb.share.check import check_file, seen_together
    from miniscope_nwb.share.journal import check_state_folder, state_folder, trust

    archive = None
    try:
        archive, dandiset, _ = share_run.enter(
            instance or "dandi", number, key_file, as_json=as_json, n_in_flight=jobs
        )
        check_state_folder(state_folder())
        trust(state_folder(), archive.instance.api)
        checks = seen_together([check_file(path) for path in files])
        if not as_json:
            for item in checks:
                click.echo(text.check_text(item))
        archive.transport.patience_s = archive.transport.settings.patience_s
        return share_run.send(archive, dandiset, checks, may_replace, wait_s, as_json=as_json)
    except KeyboardInterrupt:
        interrupt.seen()
        if as_json:
            click.echo(json.dumps({"error": "interrupted", "exit_code": share_run.INTERRUPTED}))
        text.say("Interrupted. Run the same command again: it sends only what is missing.")
        return share_run.INTERRUPTED
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
            settings=share_run.settings_of(None),
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
        answer = {"same": all(i.is_same for i in found), "files": [text.as_plain(i) for i in found]}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0 if all(item.is_same for item in found) else 4


@share.command()
@click.argument("number", metavar="ID")
@click.option(
    "--set",
    "wishes_file",
    metavar="FILE.yaml",
    type=click.Path(path_type=Path),
    help="Fields to change: name, description, license, keywords, contact, authors, authors_from, "
    "funders, ethics, related.",
)
@click.option("--apply", "is_applied", is_flag=True, help="Write the change that is shown.")
@_archive_options
def dandiset(
    number: str,
    wishes_file: Path | None,
    is_applied: bool,
    instance: str | None,
    key_file: Path | None,
    as_json: bool,
) -> int:
    """Show what the metadata of dandiset ID lack, and with --set a change; --apply writes it.

    Exit code 1 while something is missing without which the dandiset cannot be published.

    \b
    Example of FILE.yaml:
      license: CC-BY-4.0
      contact: {name: "Doe, Jane", email: jane@example.org}
      authors_from: [sub-m06/sub-m06_ses-20260302T140507_ophys.nwb]
    """
    from miniscope_nwb.share import dandiset as metadata
    from miniscope_nwb.share.dandiset_file import changed_metadata, read_wishes

    if is_applied and wishes_file is None:
        raise click.UsageError("--apply needs --set FILE.yaml: there is nothing to write.")
    wishes = read_wishes(wishes_file) if wishes_file else {}
    archive, entered, info = share_run.enter(instance or "dandi", number, key_file, as_json=as_json)
    draft = metadata.read_draft(archive, entered.identifier)
    wished = changed_metadata(draft.metadata, wishes)
    shown = metadata.changes(draft.metadata, wished)
    licenses = (info.get("instance_config") or {}).get("licenses") or ()
    lacks = metadata.lacks(wished, licenses=licenses)
    is_written = is_applied and bool(shown)
    faults = metadata.apply(archive, draft, wished).faults if is_written else draft.faults
    text.print_dandiset(
        shown, lacks, faults, is_asked=bool(wishes), is_written=is_written, as_json=as_json
    )
    return 1 if any(lack.is_needed for lack in lacks) else 0
