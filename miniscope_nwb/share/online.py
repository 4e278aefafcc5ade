"""`share check` against a dandiset: what would be sent, and what stands there already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from miniscope_nwb.errors import ShareError
from miniscope_nwb.share.access import Dandiset
from miniscope_nwb.share.archive import Archive
from miniscope_nwb.share.check import FileCheck
from miniscope_nwb.share.etag import hash_file
from miniscope_nwb.share.finding import Finding
from miniscope_nwb.share.leftovers import find_leftovers
from miniscope_nwb.share.plan import FilePlan, difference, plan_file
from miniscope_nwb.share.record import find_record, read_records


def compare_with_dandiset(
    archive: Archive,
    dandiset: Dandiset,
    check: FileCheck,
    *,
    progress: Callable[[Path, int, int], None],
) -> tuple[list[FilePlan], tuple[Finding, ...]]:
    """Compare an NWB file and its videos with a dandiset.

    Parameters
    ----------
    check
        Of the file, off line; one that is not fit is not compared.
    progress
        Is told path, bytes done and bytes in all while checksums are made.

    Returns
    -------
    plans
        One a file.
    findings
        What stands in the way, what would be replaced, what seems left over.
    """
    if not check.is_fit:
        return [], ()
    findings: list[Finding] = []
    try:
        records = read_records(check.path)
    except ShareError as error:
        records = ()
        findings.append(Finding("warning", "record", "", str(error)))
    plans = []
    for file in check.files:
        digest = hash_file(
            file.path,
            part_bytes=archive.transport.settings.part_bytes,
            progress=lambda done, total, path=file.path: progress(path, done, total),  # type: ignore[misc]
        )
        record = find_record(
            records,
            api=archive.instance.api,
            dandiset=dandiset.identifier,
            path=file.asset_path,
        )
        plans.append(plan_file(archive, dandiset, file, digest, record=record))
    findings += [finding for plan in plans if (finding := _finding(plan)) is not None]
    findings += find_leftovers(archive, dandiset, check, plans)
    return plans, tuple(findings)


def _finding(plan: FilePlan) -> Finding | None:
    """Say what of a plan needs a person."""
    if plan.state == "path in the way":
        return Finding(
            "error",
            "archive",
            plan.file.asset_path,
            f"{plan.in_the_way} is there already, and a path is a file or a folder",
            "Remove or rename it on the web page, if it is yours.",
        )
    if plan.state in {"changed here", "changed there"}:
        return Finding(
            "warning",
            "archive",
            plan.file.asset_path,
            f"the archive holds other bytes under this path ({plan.state}): {difference(plan)}",
            "Find out which is right; upload --replace puts this file in the other's place.",
        )
    return None
