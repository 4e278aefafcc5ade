"""Assets of the same session that a renamed or split file leaves behind: named, never removed."""

from __future__ import annotations

import re

from miniscope_nwb.share.access import Dandiset
from miniscope_nwb.share.archive import Archive
from miniscope_nwb.share.check import FileCheck
from miniscope_nwb.share.finding import Finding
from miniscope_nwb.share.names import HALVES
from miniscope_nwb.share.plan import FilePlan

_SESSION = re.compile(r"_ses-([^_./]+)")


def find_leftovers(
    archive: Archive, dandiset: Dandiset, check: FileCheck, plans: list[FilePlan]
) -> tuple[Finding, ...]:
    """Find assets with the same bytes under another path, and others of the same session."""
    place = check.place
    if place is None:
        return ()
    ours = {plan.file.asset_path for plan in plans}
    blobs = {plan.blob_id for plan in plans if plan.blob_id}
    found = []
    for asset in archive.assets(dandiset.identifier, prefix=f"{place.folder}/"):
        session = _SESSION.search(asset.path)
        if asset.path in ours:
            continue
        if asset.blob_id in blobs:
            message = "holds the same bytes under another path: it is left over from another name"
        elif (
            session is None or session[1] != place.session or _is_other_half(asset.path, place.path)
        ):
            continue
        else:
            message = "is of the same session: is it left over from another name or split?"
        fix = "Remove it on the web page, if nobody needs it any more; nothing is removed for you."
        found.append(Finding("warning", "leftovers", asset.path, f"{asset.path} {message}", fix))
    return tuple(found)


def _is_other_half(theirs: str, ours: str) -> bool:
    """Whether one is the raw and the other the processed half of a session: both belong there."""
    halves = [next((half for half in HALVES if half in path), "") for path in (theirs, ours)]
    return all(halves) and halves[0] != halves[1]
