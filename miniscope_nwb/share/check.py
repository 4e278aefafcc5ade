"""Is a file fit for the archive? Everything that can be known off line, cheap things first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.share.finding import Finding
from miniscope_nwb.share.names import HALVES, Place, place
from miniscope_nwb.share.public import public_findings
from miniscope_nwb.share.videos import Video, find_videos

_UNFINISHED = ".part.nwb"  # what a writer of ours has not finished


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file on its way: here, and in the dandiset."""

    path: Path
    asset_path: str


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What was found out about one NWB file and its videos."""

    path: Path
    place: Place | None  # None where the file could not be read
    videos: tuple[Video, ...]
    findings: tuple[Finding, ...]

    @property
    def is_fit(self) -> bool:
        """Whether nothing keeps the file at home."""
        return not any(finding.severity == "error" for finding in self.findings)

    @property
    def files(self) -> tuple[SharedFile, ...]:
        """What goes up, in this order: the videos, then the NWB file that names them."""
        if self.place is None:
            return ()
        videos = tuple(SharedFile(video.path, video.asset_path) for video in self.videos)
        return (*videos, SharedFile(self.path, self.place.path))


def check_file(path: Path) -> FileCheck:
    """Check one NWB file without the network.

    Its name is compared with its content; pynwb, NWB Inspector and dandi validate it; the videos
    that it names are looked for; what will become public is listed. The archive itself would take
    a file without a species.

    Returns
    -------
    FileCheck
        With errors where the file is not fit; a file that cannot be read is a finding too.
    """
    path = Path(path)
    refused = _refusal(path)
    if refused is not None:
        return FileCheck(path, None, (), (refused,))
    try:
        where = place(path)
        videos, of_videos = find_videos(path, where)
        public = public_findings(path)
        findings = [*where.findings, *of_videos]
        if not any(finding.severity == "error" for finding in findings):  # before the slow part
            findings += _validation(path, where)
    except NwbContentError as error:
        unreadable = Finding("error", "file", str(path), str(error), "")
        return FileCheck(path, None, (), (unreadable,))
    return FileCheck(path, where, videos, (*findings, *public))


def seen_together(checks: Sequence[FileCheck]) -> tuple[FileCheck, ...]:
    """Add what is wrong only because files are named together."""
    return whole_beside_halves(same_place_twice(checks))


def whole_beside_halves(checks: Sequence[FileCheck]) -> tuple[FileCheck, ...]:
    """Warn of files that are named together with the halves that `split` made of them."""
    halves: dict[tuple[str, str], list[str]] = {}
    for check in checks:
        if check.place is not None and any(half in check.place.path for half in HALVES):
            key = (check.place.folder, check.place.session)
            halves.setdefault(key, []).append(check.path.name)
    found = []
    for check in checks:
        findings = check.findings
        if check.place is not None and not any(half in check.place.path for half in HALVES):
            names = halves.get((check.place.folder, check.place.session))
            if names:
                message = f"the same data are in {' and '.join(names)}: they would go up twice"
                fix = "Name either the whole file or its halves."
                findings = (*findings, Finding("warning", "name", check.path.name, message, fix))
        found.append(replace(check, findings=findings))
    return tuple(found)


def same_place_twice(checks: Sequence[FileCheck]) -> tuple[FileCheck, ...]:
    """Add an error to files that would take one path in the dandiset."""
    owners: dict[str, list[Path]] = {}
    for check in checks:
        for file in check.files:
            owners.setdefault(file.asset_path.casefold(), []).append(file.path)
    found = []
    for check in checks:
        clashes = [
            Finding(
                "error",
                "name",
                file.asset_path,
                f"{' and '.join(str(path) for path in owners[file.asset_path.casefold()])} would "
                "get the same path in the dandiset",
                "Name only one of them, or convert one again under its own session.",
            )
            for file in check.files
            if len(owners[file.asset_path.casefold()]) > 1
        ]
        findings = (*check.findings, *clashes)
        found.append(replace(check, findings=findings))
    return tuple(found)


def _refusal(path: Path) -> Finding | None:
    """Say why something is not even looked at."""
    if path.name.endswith(_UNFINISHED):
        message = f"{path} was not finished by the program that wrote it"
        return Finding("error", "file", str(path), message, "Share the finished .nwb file.")
    if path.is_dir():
        message = f"{path} is a folder: files go up one by one, so that nothing else does"
        fix = "Name the .nwb files; the videos that they name go with them."
        return Finding("error", "file", str(path), message, fix)
    if path.suffix != ".nwb":
        message = f"{path} is no .nwb file"
        fix = "Name the .nwb files; the videos that they name go with them."
        return Finding("error", "file", str(path), message, fix)
    return None


def _validation(path: Path, where: Place) -> list[Finding]:
    """Let the validators speak; what they object to gravely is an error."""
    from miniscope_nwb.check.validate import validate
    from miniscope_nwb.share.metadata import metadata_faults

    report = validate(path, with_suggestions=False)  # masks of any number and size stay on disk
    findings = [
        Finding(
            "error" if item in report.failing else "warning",
            "validation",
            item.location,
            f"{item.message} [{', '.join(item.sources)}: {item.check}]",
            item.fix,
        )
        for item in report.findings
        if item in report.failing or item.severity == "violation"
    ]
    if not report.failing:
        findings += [
            Finding("error", "metadata", "", message, "Convert again with what is missing.")
            for message in metadata_faults(path, where.path)
        ]
    return findings
