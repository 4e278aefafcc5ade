"""What became of one file that was to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from miniscope_nwb.errors import (
    AccessError,
    DifferenceError,
    OutputError,
    ShareError,
    UnreachableError,
)
from miniscope_nwb.share.asset import Checked
from miniscope_nwb.share.check import FileCheck, SharedFile
from miniscope_nwb.share.record import AssetRecord, write_record

DIFFERENT, NOT_FIT = DifferenceError.exit_code, ShareError.exit_code
_MAX_WORDS = 3  # errors that an outcome repeats

State = Literal[
    "sent", "same", "already there", "replaced", "refused", "not fit", "failed", "waits"
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    path: Path
    nwb_path: Path  # the same, or the file that names this video
    asset_path: str
    state: State
    message: str = ""  # why it stays behind
    exit_code: int = 0
    size: int = 0
    etag: str = ""
    resumed_at: int = 0  # part, where an earlier run had begun
    n_bytes_sent: int = 0
    seconds: float = 0.0
    web: str = ""
    asset_url: str = ""
    record: AssetRecord | None = None
    checked: Checked = field(default_factory=Checked)


def exit_code_of(outcomes: Sequence[Outcome]) -> int:
    """Return the code of the whole run: the gravest thing that happened."""
    codes = {outcome.exit_code for outcome in outcomes}
    order = (AccessError.exit_code, UnreachableError.exit_code, DIFFERENT, NOT_FIT)
    return next((code for code in order if code in codes), 0)


def with_check(outcome: Outcome, record: AssetRecord, checked: Checked) -> Outcome:
    """Add what the archive found out; another SHA-256 than the file's is a difference."""
    record = replace(
        record,
        validation=checked.validation,
        is_sha256_confirmed=checked.sha256 == record.sha256,
    )
    outcome = replace(outcome, record=record, checked=checked)
    try:
        write_record(outcome.nwb_path, record)
    except OutputError as error:
        code = UnreachableError.exit_code
        return replace(outcome, state="failed", message=str(error), exit_code=code)
    if checked.sha256 and checked.sha256 != record.sha256:
        message = f"the archive's SHA-256 is {checked.sha256}, the file's {record.sha256}"
        return replace(outcome, state="failed", message=message, exit_code=DIFFERENT)
    return outcome


def not_fit(check: FileCheck) -> Outcome:
    """Make the outcome of a file that its check keeps at home."""
    errors = [item for item in check.findings if item.severity == "error"]
    words = "; ".join(item.message for item in errors[:_MAX_WORDS])
    more = f"; and {len(errors) - _MAX_WORDS} more" if len(errors) > _MAX_WORDS else ""
    place = check.place.path if check.place else ""
    file = SharedFile(check.path, place)
    return behind(file, check, "not fit", f"{words}{more}", exit_code=NOT_FIT)


def behind(
    file: SharedFile, check: FileCheck, state: State, message: str, *, exit_code: int
) -> Outcome:
    """Make the outcome of a file that stays behind."""
    return Outcome(file.path, check.path, file.asset_path, state, message, exit_code)


def waits(file: SharedFile, check: FileCheck) -> Outcome:
    """Make the outcome of a file that nothing speaks against, before it goes."""
    return Outcome(file.path, check.path, file.asset_path, "waits")
