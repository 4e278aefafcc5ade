"""Is an NWB file valid? pynwb, NWB Inspector and dandi, as one list with what to do.

pynwb errors, critical findings of NWB Inspector (DANDI configuration) and dandi's errors fail;
best-practice violations fail only where `strict`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from miniscope_nwb.check import dandi_names
from miniscope_nwb.check.fixes import fix_of
from miniscope_nwb.check.new_name import keeps_its_videos, way_to_new_name
from miniscope_nwb.check.validators import (
    RawFinding,
    Severity,
    quiet_and_offline,
    run_dandi,
    run_inspector,
)
from miniscope_nwb.nwb.read import Identity, read_identity

# Gravest first. The first two fail, violations only where strict.
ORDER: tuple[Severity, ...] = ("error", "critical", "violation", "suggestion", "note")


@dataclass(frozen=True, slots=True)
class ValidationFinding:
    """One thing that a validator said.

    ``sources`` names who said it: dandi runs pynwb and NWB Inspector itself, and the same words
    of two of them are one finding.
    """

    severity: Severity
    sources: tuple[str, ...]
    check: str
    location: str  # object inside the file; "" for the file as a whole
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """All findings of one file, gravest first."""

    path: Path
    is_strict: bool
    findings: tuple[ValidationFinding, ...]

    @property
    def failing(self) -> tuple[ValidationFinding, ...]:
        """Findings because of which the file fails."""
        grave = ORDER[:3] if self.is_strict else ORDER[:2]
        return tuple(finding for finding in self.findings if finding.severity in grave)

    @property
    def is_valid(self) -> bool:
        """Whether the file passes."""
        return not self.failing

    @property
    def counts(self) -> dict[Severity, int]:
        """Number of findings of each severity, all severities present."""
        counted = Counter(finding.severity for finding in self.findings)
        return {severity: counted[severity] for severity in ORDER}

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "path": str(self.path),
            "valid": self.is_valid,
            "strict": self.is_strict,
            "counts": self.counts,
            "findings": [asdict(finding) for finding in self.findings],
        }


def validate(
    nwb_path: Path, *, strict: bool = False, with_suggestions: bool = True
) -> ValidationReport:
    """Validate an NWB file without using the network or changing anything.

    Parameters
    ----------
    nwb_path
        The file.
    strict
        Whether best-practice violations fail too.
    with_suggestions
        Whether best-practice suggestions are looked for: they cost memory for every mask.

    Raises
    ------
    NwbContentError
        If it is not an NWB file at all.
    """
    nwb_path = Path(nwb_path)
    identity = read_identity(nwb_path)
    root = dandi_names.dandiset_root(nwb_path)
    with quiet_and_offline():
        inspected = run_inspector(nwb_path, with_suggestions=with_suggestions)
        said = [
            *((finding, "") for finding in inspected),
            *((finding, "dandi") for finding in run_dandi(nwb_path.resolve(), root=root)),
        ]
    findings = [*_merge(said), *_name_notes(nwb_path, identity, root)]
    findings.sort(key=lambda finding: (ORDER.index(finding.severity), finding.location))
    return ValidationReport(path=nwb_path, is_strict=strict, findings=tuple(findings))


def _merge(said: list[tuple[RawFinding, str]]) -> list[ValidationFinding]:
    """Make one finding of what several validators said in the same words."""
    merged: dict[tuple[str, str, str], list[str]] = {}
    severities: dict[tuple[str, str, str], Severity] = {}
    for finding, repeated_by in said:
        key = (finding.check, finding.location, finding.message)
        sources = merged.setdefault(key, [])
        sources += [name for name in (finding.source, repeated_by) if name and name not in sources]
        graver = min(severities.get(key, "note"), finding.severity, key=ORDER.index)
        severities[key] = graver
    return [
        ValidationFinding(
            severity=severities[key],
            sources=tuple(sources),
            check=key[0],
            location=key[1],
            message=key[2],
            fix=fix_of(key[0], sources[0], key[1]),
        )
        for key, sources in merged.items()
    ]


def _name_notes(path: Path, identity: Identity, root: Path | None) -> list[ValidationFinding]:
    """Say where the file would lie in a dandiset; a name is no fault of the content."""
    planned = dandi_names.name_for(path, identity)
    if not keeps_its_videos(path, planned):
        message = (
            f"{path.name} would be {planned} in a dandiset, but the videos that it names lie in "
            "another folder than that name asks for"
        )
        return [_note("video_folder", message, way_to_new_name(path))]
    if root is None:
        message = f"{path.name} does not lie as DANDI wants it, sub-<subject>/sub-<subject>_....nwb"
        return [_note("dandi_name", message, f"For an upload it will be {planned}.")]
    subject = dandi_names.subject_in_name(path)
    if f"sub-{subject}" != planned.partition("/")[0]:
        message = (
            f"the name speaks of subject {subject}, the file of {identity.subject_id or 'nobody'}"
        )
        return [_note("subject_name", message, f"Rename it to {planned}.")]
    return []


def _note(check: str, message: str, fix: str) -> ValidationFinding:
    return ValidationFinding(
        severity="note",
        sources=("miniscope-nwb",),
        check=check,
        location="",
        message=message,
        fix=fix,
    )
