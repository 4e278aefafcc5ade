"""How the commands of `share` look: for people, for programs, and while something runs."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from miniscope_nwb.sizes import size

if TYPE_CHECKING:
    from miniscope_nwb.share.access import Dandiset
    from miniscope_nwb.share.archive import Archive
    from miniscope_nwb.share.check import FileCheck
    from miniscope_nwb.share.dandiset import Change, Lack
    from miniscope_nwb.share.finding import Finding
    from miniscope_nwb.share.outcome import Outcome
    from miniscope_nwb.share.plan import FilePlan
    from miniscope_nwb.share.verify import Comparison

NO_PROGRESS = "miniscope_nwb.no_progress"  # in the context of a command: it got --quiet
LINE_EVERY_S = 10.0  # without a terminal
_MARKS = {
    "error": "  ERROR  ",
    "warning": "  WARNING",
    "public": "  public ",
    "note": "  note   ",
}
_ORDER = ("note", "public", "warning", "error")  # the gravest last: that is where a person looks


def say(line: str) -> None:
    """Tell a person something while the work goes on; answers for programs stay clean."""
    click.echo(line, err=True)


def where_to(archive: Archive, dandiset: Dandiset) -> list[str]:
    """Say which archive and dandiset, and who will see what goes there."""
    lines = [f"archive  {archive.instance.name} ({archive.instance.api})"]
    seen = {
        "OPEN": "OPEN: whatever is sent can be read by everybody at once",
        "EMBARGOED": "EMBARGOED: only its owners see what is in it, until they open it",
    }.get(dandiset.embargo, dandiset.embargo)
    lines.append(f"dandiset {dandiset.identifier} {dandiset.name!r}, {seen}")
    if dandiset.user:
        lines.append(f"user     {dandiset.user}")
    return lines


def findings_text(findings: Iterable[Finding]) -> str:
    """Render findings, each with where and what to do."""
    lines = []
    for finding in sorted(findings, key=lambda item: _ORDER.index(item.severity)):
        is_said = not finding.where or finding.message.startswith(finding.where)
        where = "" if is_said else f"{finding.where}: "
        words = [(_MARKS[finding.severity] + " ", f"{where}{finding.message}")]
        if finding.fix:
            words.append((" " * 10, f"-> {finding.fix}"))
        lines += [
            textwrap.fill(
                text, width=100, initial_indent=mark, subsequent_indent=" " * 10,
                break_long_words=False, break_on_hyphens=False,
            )
            for mark, text in words
        ]  # fmt: skip
    return "\n".join(lines)


def check_text(check: FileCheck) -> str:
    """Render what was found out about one file, off line."""
    verdict = "fit" if check.is_fit else "NOT FIT"
    lines = [f"{check.path}: {verdict}"]
    if check.place is not None:
        lines += [f"  will be  {file.asset_path}" for file in check.files]
    findings = findings_text(check.findings)
    return "\n".join([*lines, findings] if findings else lines)


def plan_text(plan: FilePlan, *, rate: float | None) -> str:
    """Render what is to be sent of one file; `rate` in bytes a second, measured before."""
    from miniscope_nwb.share.plan import difference

    n_parts = plan.n_parts_to_send
    line = f"  {plan.state:<9} {plan.file.asset_path}  {size(plan.digest.size)}"
    if n_parts:
        line += f", {n_parts} part{'s' if n_parts > 1 else ''}"
        if rate:
            line += f", about {duration(plan.digest.size / rate)} at {size(rate)}/s"
    if plan.state in {"changed here", "changed there"}:
        line += (
            f"\n            {difference(plan)}\n            -> upload refuses it, unless --replace"
        )
    if plan.in_the_way:
        line += f"\n            {plan.in_the_way} stands there: remove it on the web page"
    return line


def outcome_text(outcome: Outcome) -> str:
    """Render what became of one file: one line, and its reason where it stays behind."""
    if outcome.message:
        is_named = outcome.message.startswith(str(outcome.path))
        where = "" if is_named else f"{outcome.path}: "
        return f"{outcome.state.upper()} {where}{outcome.message}"
    words = [outcome.asset_path, size(outcome.size)]
    if outcome.n_bytes_sent:
        words.append(f"{size(outcome.n_bytes_sent / max(outcome.seconds, 1e-3))}/s")
    words.append(outcome_words(outcome))
    words += [outcome.etag, outcome.asset_url]
    return "  ".join(words)


def outcome_words(outcome: Outcome) -> str:
    """Say how a file came there: ``sent``, ``same``, ``resumed at part 9``."""
    if outcome.resumed_at:
        return f"resumed at part {outcome.resumed_at}"
    words = {"already there": "no bytes sent: they were in the archive already"}
    return words.get(outcome.state, outcome.state)


def checked_text(outcome: Outcome) -> str:
    """Say how far the archive's own check of a file has come, and what it turned up."""
    if outcome.message:
        return outcome_text(outcome)
    checked = outcome.checked
    verdict = "stored and verified by etag" + (" and SHA-256" if checked.sha256 else "")
    if not checked.is_finished:
        return f"{outcome.asset_path}: {verdict}; the archive has not finished its own check"
    errors = "".join(f"\n  {error}" for error in checked.errors)
    return f"{outcome.asset_path}: {verdict}; the archive calls it {checked.validation}{errors}"


def comparison_text(comparison: Comparison) -> str:
    """Render the comparison of one file with the archive."""
    where = f"{comparison.file.path} and {comparison.file.asset_path} of {comparison.dandiset}"
    head = {"same": "same     ", "missing": "MISSING  "}.get(comparison.verdict, "DIFFERENT")
    return f"{head} {where}: {comparison.message}"


def print_dandiset(
    shown: Sequence[Change],
    lacks: Sequence[Lack],
    faults: Sequence[str],
    *,
    is_asked: bool,
    is_written: bool,
    as_json: bool,
) -> None:
    """Print a change of a dandiset's metadata, where one is asked for, and what they lack."""
    if as_json:
        answer = {
            "changes": [as_plain(change) for change in shown],
            "written": is_written,
            "lacks": [as_plain(lack) for lack in lacks],
            "archive_says": list(faults),
        }
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    from miniscope_nwb.share.dandiset import change_lines

    for change in shown:
        for line in change_lines(change):
            click.echo(line)
    if is_asked and not shown:
        click.echo("Nothing to change: the dandiset says all that already.")
    for lack in sorted(lacks, key=lambda item: item.is_needed):
        mark = "NEEDED " if lack.is_needed else "advised"
        click.echo(f"{mark} {lack.field}: the dandiset {lack.message}")
    for fault in faults:
        click.echo(f"the archive says: {fault}")
    if is_written:
        click.echo("Written and read back.")
    elif shown:
        click.echo("Nothing was written: this is what --apply would change.")
    elif not lacks and not faults:
        click.echo("Nothing is missing.")


def duration(seconds: float) -> str:
    """Write a time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def as_plain(record: Any) -> Any:
    """Return plain JSON values of a record."""
    values = asdict(record)
    return _plain(values)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.as_posix() if isinstance(value, Path) else value


class Progress:
    """Says how far it is: a line that changes on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        context = click.get_current_context(silent=True)
        asked = context is not None and context.meta.get(NO_PROGRESS, False)
        self._is_silent = is_quiet or asked
        self._is_terminal = sys.stderr.isatty()
        self._last = self._since = time.monotonic()
        self._width = 0
        self._key: tuple[str, Path] | None = None
        self._sent_before = 0

    def hashing(self, path: Path, done: int, total: int) -> None:
        """Tell of checksums that are being made."""
        self._show("checksums", path, done, total, done)

    def sending(self, path: Path, there: int, total: int, sent: int) -> None:
        """Tell of bytes that have arrived."""
        self._show("sending", path, there, total, sent)

    def finished(self, outcome: Outcome) -> None:
        """Print what became of a file."""
        self.clear()
        if not self._is_quiet:
            click.echo(outcome_text(outcome))

    def waiting(self, n_files: int) -> None:
        """Tell that the archive is still checking."""
        if not self._is_silent:
            files = "1 file" if n_files == 1 else f"{n_files} files"
            say(f"waiting for the archive's own check of {files} (Ctrl-C: all is stored)")

    def clear(self) -> None:
        """Take the changing line off the terminal."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            self._width = 0

    def _show(self, what: str, path: Path, done: int, total: int, sent: int) -> None:
        now = time.monotonic()
        if (what, path) != self._key:
            self._key, self._since, self._sent_before = (what, path), now, sent
        if self._is_silent or (now - self._last < (0.2 if self._is_terminal else LINE_EVERY_S)):
            return
        self._last = now
        line = f"{what} {path.name}: {size(done)} of {size(total)}"
        rate = (sent - self._sent_before) / max(now - self._since, 1e-3)
        if rate > 0:
            line += f", {size(rate)}/s, {duration((total - done) / rate)} left"
        if not self._is_terminal:
            say(line)
            return
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = max(self._width, len(line))
